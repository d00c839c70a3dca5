"""Functions of the C library and of the compiler's run-time library, found by address.

Native code calls them by names that LLVM has never heard of (``ufora_sin``), so that it cannot
replace ``pow(x, 2)`` by ``x * x``, merge ``sin`` and ``cos``, or compute a call while it compiles:
each of these may give other bits than CPython, which just calls the function.

CPython's ``math`` has code of its own around some functions, and it may have been built with other
functions than those found here. So each is compared with CPython on sample values once; operations
that need one which differs in a bit are not supported.
"""

import cmath
import ctypes
import ctypes.util
import math
import struct
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache

_ONE_ARGUMENT = (
    *("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh"),
    *("atanh", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "cbrt", "erf", "erfc"),
)
#: Functions of doubles: name -> number of arguments.
MATHEMATICS: Mapping[str, int] = {
    **dict.fromkeys(_ONE_ARGUMENT, 1),
    **dict.fromkeys(("pow", "atan2", "fmod", "hypot"), 2),
}
#: Operations that use a function of the library besides ``math.<name>``.
_USES: Mapping[str, str] = {
    "float.pow": "pow",
    "float.mod": "fmod",
    "float.floordiv": "fmod",
    "complex.abs": "hypot",
}
#: What CPython computes with formulas of its own, and up to which version they are those that
#: native code repeats.
_FORMULAS = ("math.hypot", "complex.mul", "complex.truediv", "complex.powi")
_REPEATED = (3, 13)
#: Operations on 128 bits.
_WIDE = ("int.powmod", "int.mul_add_mod")
_PREFIX = "ufora_"
_SAMPLES = (
    -0.0, 1e-310, 2.5e-9, 0.1, 0.3, 0.5, 0.7, 0.9999999, 1.0, 1.1, 1.7, 2.0, 2.718281828, 3.0,
    9.99, 33.3, 100.5, 699.9, 1e5 + 1 / 3, 1e22, 1.7e308,
)  # fmt: skip


@cache
def addresses() -> Mapping[str, int]:
    """Private name -> address, of every function that was found.

    The libraries stay loaded as long as the process lives.
    """
    process, runtime = ctypes.CDLL(None), _library("gcc_s")
    libraries = (_library("m"), process)
    found = {name: _find(libraries, name) for name in MATHEMATICS}
    found["umodti3"] = _find((runtime, process), "__umodti3")
    return {f"{_PREFIX}{name}": address for name, address in found.items() if address}


@cache
def differing() -> frozenset[str]:
    """Names of the operations that would give other bits than this CPython, or cannot be linked."""
    differing: set[str] = set()
    for name, arity in MATHEMATICS.items():
        if not _agrees(name, arity):
            differing |= {operation for operation, used in _USES.items() if used == name}
            if name != "hypot":  # see the module of that name
                differing.add(f"math.{name}")
    if sys.version_info[:2] > _REPEATED or not _multiplies_unfused():
        differing.update(_FORMULAS)
    if f"{_PREFIX}umodti3" not in addresses():
        differing.update(_WIDE)
    return frozenset(differing)


def _library(name: str) -> ctypes.CDLL | None:
    """A library by the name that the linker knows, without asking a compiler where it is."""
    for file in (f"lib{name}.so.6", f"lib{name}.so.1", f"lib{name}.so", f"lib{name}.dylib"):
        try:
            return ctypes.CDLL(file)
        except OSError:
            continue
    return None


def _find(libraries: tuple[ctypes.CDLL | None, ...], name: str) -> int | None:
    for library in libraries:
        if library is not None and hasattr(library, name):
            return ctypes.cast(getattr(library, name), ctypes.c_void_p).value
    return None


def _agrees(name: str, arity: int) -> bool:
    address = addresses().get(f"{_PREFIX}{name}")
    # abs of a complex number is what CPython uses the library's hypot for.
    reference = (lambda x, y: abs(complex(x, y))) if name == "hypot" else getattr(math, name, None)
    if address is None or reference is None:
        return False
    prototype = ctypes.CFUNCTYPE(ctypes.c_double, *(ctypes.c_double,) * arity)
    function = prototype(address)
    return all(_same(function, reference, sample) for sample in _samples(arity))


def _samples(arity: int) -> Iterator[tuple[float, ...]]:
    both = [sign * sample for sample in _SAMPLES for sign in (1.0, -1.0)]
    if arity == 1:
        yield from ((sample,) for sample in both)
    else:
        yield from zip(both, both[7:] + both[:7], strict=True)
        yield from zip(both, both[20:] + both[:20], strict=True)


def _same(
    function: Callable[..., float], reference: Callable[..., float], sample: tuple[float, ...]
) -> bool:
    """True where both give the same bits, or CPython raises (native code bails there)."""
    try:
        expected = reference(*sample)
    except (ValueError, OverflowError):
        return True
    return struct.pack("d", function(*sample)) == struct.pack("d", expected)


def _multiplies_unfused() -> bool:
    """True unless CPython was compiled to multiply complex numbers with fused multiply-adds."""
    parts = [0.1, 1 / 3, 2.0**0.5, 1e10 / 7, cmath.pi]
    products = [(a, b, c, d) for a in parts for b in parts for c in parts for d in parts]
    return all(
        complex(a, b) * complex(c, d) == complex(a * c - b * d, a * d + b * c)
        for a, b, c, d in products
    )
