"""The object store: whole objects or none, and nobody is trusted."""

import errno
from pathlib import Path

import pytest

from ufora_core.errors import StoreError
from ufora_core.store import ObjectStore, digest_of, shares


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore(tmp_path / "objects")


def test_an_object_comes_back_under_its_digest(store: ObjectStore) -> None:
    payload = store.put(b"some ", b"bytes")
    assert payload.digest == digest_of(b"some bytes")
    assert payload.size == 10
    assert bytes(store.open(payload.digest)) == b"some bytes"


def test_the_empty_object_is_an_object(store: ObjectStore) -> None:
    payload = store.put(b"")
    assert bytes(store.open(payload.digest)) == b""
    assert bytes(store.open_private(payload.digest)) == b""


def test_writing_the_same_bytes_twice_leaves_one_file(store: ObjectStore) -> None:
    first, second = store.put(b"x" * 100), store.put(b"x" * 100)
    assert first == second
    assert list(store.digests()) == [first.digest]


def test_writes_to_a_private_map_are_seen_by_nobody(store: ObjectStore) -> None:
    digest = store.put(b"original").digest
    private = store.open_private(digest)
    private[:4] = b"ORIG"
    assert bytes(store.open(digest)) == b"original"


def test_a_deleted_object_stays_readable_for_who_has_it_open(store: ObjectStore) -> None:
    digest = store.put(b"kept").digest
    view = store.open(digest)
    store.delete(digest)
    assert bytes(view) == b"kept"
    assert digest not in store


def test_an_object_that_is_not_here_is_named(store: ObjectStore) -> None:
    digest = digest_of(b"never stored")
    with pytest.raises(StoreError, match=digest[:12]):
        store.open(digest)


@pytest.mark.parametrize("name", ["", "../secret", "A" * 64, "0" * 63, "0" * 63 + "/"])
def test_a_digest_never_names_another_file(store: ObjectStore, name: str) -> None:
    with pytest.raises(StoreError, match="not the digest"):
        store.path(name)


def test_an_arriving_object_must_be_what_its_digest_promises(store: ObjectStore) -> None:
    digest = digest_of(b"promised")
    sink = store.writer(digest)
    sink.write(b"something else")
    with pytest.raises(StoreError, match="cut or altered"):
        sink.commit()
    assert digest not in store
    assert list(store.directory.iterdir()) == []


def test_an_object_that_arrives_in_parts_appears_when_it_is_whole(store: ObjectStore) -> None:
    digest = digest_of(b"in parts")
    sink = store.writer(digest)
    sink.write(b"in ")
    assert digest not in store
    sink.write(b"parts")
    sink.commit()
    assert bytes(store.open(digest)) == b"in parts"


def test_a_full_disk_is_an_error_that_names_the_folder_and_leaves_nothing(
    store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(file: int, data: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("ufora_core.store.os.write", no_space)
    with pytest.raises(StoreError, match=r"No space left on device.*UFORA_DATA_DIR"):
        store.put(b"x" * 1000)
    assert list(store.directory.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="UFORA_DATA_DIR"):
        ObjectStore(tmp_path / "file" / "objects")


def test_a_peer_shares_the_store_only_if_it_reads_the_proof(
    store: ObjectStore, tmp_path: Path
) -> None:
    store.prove("proof of today")
    assert shares(str(store.directory), "proof of today")
    assert not shares(str(store.directory), "another proof")
    assert not shares(str(tmp_path / "elsewhere"), "proof of today")
    assert not shares(str(store.directory), "")
