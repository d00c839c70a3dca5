"""LLVM's library can be in memory before llvmlite is."""

import subprocess
import sys

_PROGRAM = """
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


def test_the_library_is_mapped_without_llvmlite() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == ["False", "True", "False"], ran.stderr


def test_without_llvmlite_nothing_is_mapped() -> None:
    program = """
import sys
sys.modules["llvmlite"] = None
from ufora_worker.native.llvm.library import map_library
map_library()
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
