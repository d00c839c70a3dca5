"""Whether an array's memory is still the file's own, without reading it.

A large array lies over a private mapping of its object. The kernel gives the process its own copy
of a page when that page is first written, and tells in ``/proc/self/pagemap`` which pages are such
copies (Linux, Documentation/admin-guide/mm/pagemap.rst). Looking there takes a millisecond for
100 MB, comparing the bytes about 70.
"""

from __future__ import annotations

import mmap
from typing import Any

#: Flags of an entry: in memory or in swap; a page of a file (or of shared memory).
_THERE = 0b11 << 62
_OF_A_FILE = 1 << 61
_ENTRY = 8


def is_untouched(array: Any) -> bool:
    """True when no page under a NumPy array is a private copy; False when one is, or when this
    system does not tell (then only comparing helps)."""
    import numpy

    if array.nbytes == 0:
        return True
    address = array.__array_interface__["data"][0]
    first = address // mmap.PAGESIZE
    last = (address + array.nbytes - 1) // mmap.PAGESIZE
    try:
        with open("/proc/self/pagemap", "rb", buffering=0) as pagemap:
            pagemap.seek(first * _ENTRY)
            found = pagemap.read((last - first + 1) * _ENTRY)
    except OSError:
        return False
    pages = numpy.frombuffer(found, numpy.uint64)
    if len(pages) != last - first + 1:
        return False
    copied = ((pages & numpy.uint64(_THERE)) != 0) & ((pages & numpy.uint64(_OF_A_FILE)) == 0)
    return not copied.any()
