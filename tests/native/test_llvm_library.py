"""LLVM's library can be in memory before llvmlite is, and its code need not stay there."""

import subprocess
import sys

_MAPPING = """
import ctypes, os, sys
from importlib.util import find_spec
from pathlib import Path
from ufora_worker.native.llvm.library import map_library

[file] = (Path(find_spec("llvmlite").origin).parent / "binding").glob("libllvmlite.*")

def is_mapped():
    try:
        ctypes.CDLL(file, mode=os.RTLD_NOLOAD | os.RTLD_NOW)
    except OSError:
        return False
    return True

before = is_mapped()
map_library()
print(before, is_mapped(), "llvmlite" in sys.modules)
"""


_RELEASING = """
import psutil
from ufora_worker.native.llvm.library import release_code
from ufora_worker.native.llvm import machine

machine.get_ready()
machine.assembly("define i32 @drive() { ret i32 0 }")
before = psutil.Process().memory_info().rss
release_code()
print(before - psutil.Process().memory_info().rss)
print("ret" in machine.assembly("define i32 @drive() { ret i32 0 }"))
"""
_WITHOUT = """
import sys
sys.modules["llvmlite"] = None
from ufora_worker.native.llvm.library import map_library, release_code
map_library()
release_code()
"""


def output_of(program: str) -> list[str]:
    """The words that a process of its own prints."""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.split()


def test_the_library_is_mapped_without_llvmlite() -> None:
    assert output_of(_MAPPING) == ["False", "True", "False"]


def test_code_of_the_library_is_given_back_and_comes_again() -> None:
    released, works = output_of(_RELEASING)
    assert int(released) > 10_000_000
    assert works == "True"


def test_without_llvmlite_there_is_nothing_to_do() -> None:
    assert output_of(_WITHOUT) == []
