"""LLVM's library, 170 MB of it, which takes the system 10 to 20 ms to find its place for.

llvmlite would have that done under Python's lock, and nothing else would happen meanwhile. A call
of the C library does not hold it; llvmlite then finds the library in memory.
"""

import ctypes
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
