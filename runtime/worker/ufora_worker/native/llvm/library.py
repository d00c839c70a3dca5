"""LLVM's library, 170 MB of it: brought into memory early, and no more of it kept than is used.

It takes the system 10 to 20 ms. llvmlite would have that done under Python's lock, and nothing
else would happen meanwhile; a call of the C library does not hold it, and llvmlite then finds the
library in memory.
"""

import ctypes
import mmap
import os
from importlib.util import find_spec
from pathlib import Path


def map_library() -> None:
    """Bring the library into memory; does nothing where there is none."""
    found = find_spec("llvmlite")
    if found is None or found.origin is None:
        return
    dlopen = ctypes.CDLL(None).dlopen
    for file in Path(found.origin).parent.glob("binding/libllvmlite.*"):
        # Should it fail, llvmlite meets the same error and says what it is.
        dlopen(os.fsencode(file), os.RTLD_NOW)


def release_code() -> None:
    """Give back the memory of its code: loading has looked at 27 MB of it, most of which is never
    needed again. What is needed comes back from the system's file cache, some microseconds a piece.
    """
    advice = getattr(mmap, "MADV_DONTNEED", None)
    maps = Path("/proc/self/maps")
    if advice is None or not maps.exists():
        return
    madvise = ctypes.CDLL(None).madvise
    madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    for line in maps.read_text().splitlines():
        # Memory that can be executed was never written to, so nothing is lost.
        if " r-xp " in line and "libllvmlite." in line:
            first, end = (int(each, 16) for each in line.split()[0].split("-"))
            madvise(first, end - first, advice)
