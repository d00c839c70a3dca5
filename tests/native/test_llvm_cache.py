"""Machine code on disk: found again, checked, bounded, and never needed."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from machine_code import run
from ufora_worker.native.ir.parser import parse
from ufora_worker.native.llvm import compile as compiling
from ufora_worker.native.llvm import machine
from ufora_worker.native.llvm.cache import ObjectCache, key
from ufora_worker.native.llvm.compile import CompilerFailed, compile_unit

UNIT = parse("unit total of int\n\ndef item(%index: int):\n    emit %index\n")
OTHER = parse("unit total of int\n\ndef item(%index: int):\n    emit 3\n")
KEY = key("a", "b")


class Compilations:
    """Counts what is compiled."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.texts: list[str] = []
        compile_object = machine.compile_object

        def counting(text: str) -> bytes:
            self.texts.append(text)
            return compile_object(text)

        monkeypatch.setattr(machine, "compile_object", counting)


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> Compilations:
    return Compilations(monkeypatch)


def total(objects: ObjectCache | None) -> int:
    return run(compile_unit(UNIT, objects), 0, 10).total


def test_a_unit_is_compiled_once(tmp_path: Path, compilations: Compilations) -> None:
    for _ in range(3):
        assert total(ObjectCache(tmp_path / "objects")) == 45
    assert len(compilations.texts) == 1


def test_another_unit_has_another_object(tmp_path: Path, compilations: Compilations) -> None:
    objects = ObjectCache(tmp_path)
    assert total(objects) == 45
    assert run(compile_unit(OTHER, objects), 0, 10).total == 30
    assert len(compilations.texts) == 2


def test_another_version_of_the_compiler_finds_nothing(
    tmp_path: Path, compilations: Compilations, monkeypatch: pytest.MonkeyPatch
) -> None:
    total(ObjectCache(tmp_path))
    monkeypatch.setattr(compiling, "COMPILER_VERSION", compiling.COMPILER_VERSION + 1)
    total(ObjectCache(tmp_path))
    assert len(compilations.texts) == 2


def _files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def test_any_damage_is_noticed_and_repaired(tmp_path: Path, compilations: Compilations) -> None:
    objects = ObjectCache(tmp_path)
    total(objects)
    (file,) = _files(tmp_path)
    whole = file.read_bytes()
    damages = [whole[:-1], whole + b"x", whole[:20], b"", b"\0" * len(whole)]
    for position in (0, 15, 16, 47, 48, 56, 87, 88, len(whole) // 2, len(whole) - 1):
        damages.append(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
    for number, damaged in enumerate(damages, 2):
        file.write_bytes(damaged)
        assert total(objects) == 45
        assert len(compilations.texts) == number
        assert file.read_bytes() == whole


def test_an_object_under_another_objects_name_is_ignored(tmp_path: Path) -> None:
    objects = ObjectCache(tmp_path)
    objects.put(KEY, b"code")
    (file,) = _files(tmp_path)
    other = key("something else")
    file.rename(tmp_path / f"{other.hex()}.object")
    assert objects.get(other) is None
    assert objects.get(KEY) is None


def test_a_key_tells_where_one_text_ends() -> None:
    assert key("ab", "c") != key("a", "bc") != key("abc")


def test_the_oldest_objects_go_first(tmp_path: Path) -> None:
    objects = ObjectCache(tmp_path, limit=3500)
    keys = [key(str(number)) for number in range(4)]
    for age, each in enumerate(keys[:3]):
        objects.put(each, bytes(1000))
        (path,) = tmp_path.glob(f"{each.hex()}*")
        os.utime(path, (1000 + age, 1000 + age))
    assert objects.get(keys[0]) is not None  # so the second is now the oldest
    objects.put(keys[3], bytes(1000))
    assert [objects.get(each) is not None for each in keys] == [True, False, True, True]


def test_a_folder_that_cannot_be_written_costs_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    objects = ObjectCache(tmp_path / "file" / "objects")
    with caplog.at_level(logging.WARNING):
        assert [total(objects), total(objects)] == [45, 45]
    assert len(caplog.messages) == 1
    assert "it is made again in each process" in caplog.messages[0]


def test_a_full_disk_leaves_no_half_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert total(ObjectCache(tmp_path)) == 45
    assert _files(tmp_path) == []
    assert "No space left on device" in caplog.text


def test_a_bug_in_the_compiler_is_told_with_its_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(text: str) -> bytes:
        raise RuntimeError("expected type")

    monkeypatch.setattr(machine, "compile_object", broken)
    with pytest.raises(
        CompilerFailed, match=r"the llvm pass of .* RuntimeError: expected type"
    ) as e:
        compile_unit(UNIT, None)
    assert e.value.pass_name == "llvm"


def test_an_object_that_is_no_object_is_a_bug_of_loading(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(machine, "compile_object", lambda text: b"no object")
    with pytest.raises(CompilerFailed, match="the load pass"):
        compile_unit(UNIT, None)


def test_what_another_user_wrote_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = ObjectCache(tmp_path)
    objects.put(KEY, b"code")
    assert objects.get(KEY) == b"code"
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert objects.get(KEY) is None
