"""Which operations the back end has code for; a translation refuses the others."""

from functools import cache

from ufora_worker.native.llvm.emitter import EMITTED
from ufora_worker.native.llvm.libraries import differing


@cache
def supported() -> frozenset[str]:
    """Names of the operations that native code does as the CPython of this process does them.

    Needs no llvmlite; takes about a millisecond the first time.
    """
    return EMITTED - differing()
