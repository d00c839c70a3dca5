"""Floats that go to another process of the machine by way of a file."""

from array import array
from pathlib import Path

import pytest

from ufora_worker.loops.float_files import FloatFile, FloatReader, sweep, sweep_all


def written(folder: Path, *parts: list[float]) -> FloatFile:
    file = FloatFile(folder, "job", 3)
    for part in parts:
        assert file.append(array("d", part)) is not None
    file.closed()
    return file


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    file = written(tmp_path, [1.5, -0.0], [float("inf")])
    assert file.count == 3
    view = FloatReader(tmp_path).view(file.name, 1, 2)
    assert list(map(repr, view)) == ["-0.0", "inf"]


def test_a_file_that_was_read_is_used_again(tmp_path: Path) -> None:
    first = written(tmp_path, [1.0, 2.0, 3.0])
    reader = FloatReader(tmp_path)
    assert sum(reader.view(first.name, 0, 3)) == 6.0
    reader.let_go(read=True)
    (free,) = tmp_path.iterdir()
    inode = free.stat().st_ino
    second = written(tmp_path, [4.0])
    assert files(tmp_path) == [second.name]
    assert (tmp_path / second.name).stat().st_ino == inode
    assert list(FloatReader(tmp_path).view(second.name, 0, 1)) == [4.0]


def test_a_file_that_is_still_read_is_not_used_again(tmp_path: Path) -> None:
    file = written(tmp_path, [1.0, 2.0])
    reader = FloatReader(tmp_path)
    view = reader.view(file.name, 0, 2)
    reader.let_go(read=False)
    assert files(tmp_path) == []
    written(tmp_path, [3.0, 4.0])
    assert list(view) == [1.0, 2.0]


def test_no_more_files_are_kept_than_are_of_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ufora_worker.loops.float_files._MOST_FREE", 1)
    reader = FloatReader(tmp_path)
    for file in (written(tmp_path, [1.0]), written(tmp_path, [2.0])):
        reader.view(file.name, 0, 1)
    reader.let_go(read=True)
    assert len(files(tmp_path)) == 1


def test_what_is_discarded_leaves_nothing(tmp_path: Path) -> None:
    file = FloatFile(tmp_path, "job", 3)
    file.discard()
    file.append(array("d", [1.0]))
    file.discard()
    assert files(tmp_path) == []


def test_what_nobody_has_read_is_swept_away_with_its_loop(tmp_path: Path) -> None:
    written(tmp_path, [1.0])
    other = FloatFile(tmp_path, "job", 4)
    other.append(array("d", [1.0]))
    other.closed()
    sweep(tmp_path, "job", 3)
    assert files(tmp_path) == [other.name]


def test_what_is_of_use_to_the_next_loop_stays_when_all_are_over(tmp_path: Path) -> None:
    written(tmp_path, [1.0])
    reader = FloatReader(tmp_path)
    reader.view(written(tmp_path, [2.0]).name, 0, 1)
    reader.let_go(read=True)
    free = [name for name in files(tmp_path) if name.startswith(".free-")]
    assert (len(free), len(files(tmp_path))) == (1, 2)
    sweep_all(tmp_path)
    assert files(tmp_path) == free


def test_without_a_folder_no_file_is_here() -> None:
    reader = FloatReader(None)
    with pytest.raises(OSError, match="no file of floats"):
        reader.view(f".floats-{'0' * 16}-{'0' * 32}", 0, 1)
    reader.let_go(read=True)


def test_where_nothing_can_be_written_there_is_no_file(tmp_path: Path) -> None:
    file = FloatFile(tmp_path / "missing", "job", 3)
    assert file.append(array("d", [1.0])) is None
    assert file.count == 0


@pytest.mark.parametrize(
    "name", ["../secret", "proof", f".floats-{'g' * 16}-{'0' * 32}", ".floats-/etc"]
)
def test_no_other_file_is_opened(tmp_path: Path, name: str) -> None:
    (tmp_path / "proof").write_bytes(b"12345678")
    with pytest.raises(OSError, match="no file of floats"):
        FloatReader(tmp_path).view(name, 0, 1)


def test_a_file_that_is_too_short_is_not_read(tmp_path: Path) -> None:
    file = written(tmp_path, [1.0])
    with pytest.raises(OSError, match="no 2 floats"):
        FloatReader(tmp_path).view(file.name, 0, 2)
