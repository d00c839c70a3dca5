"""Bodies of objects, taken apart as they arrive."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fake_client import upload_body
from ufora_core.store import ObjectStore, digest_of
from ufora_manager.uploads import HEADER, BrokenUpload, Upload


def files(store: ObjectStore) -> list[str]:
    return sorted(path.name for path in store.directory.iterdir())


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore(tmp_path / "objects")


def test_empty_body_is_no_object(store: ObjectStore) -> None:
    assert Upload(store).finish() == []


@settings(max_examples=50, derandomize=True)
@given(
    objects=st.lists(st.binary(max_size=60), max_size=5),
    cuts=st.lists(st.integers(0, 400), max_size=12),
)
def test_any_partition_of_a_body_gives_the_same_objects(
    tmp_path_factory: pytest.TempPathFactory, objects: list[bytes], cuts: list[int]
) -> None:
    store = ObjectStore(tmp_path_factory.mktemp("objects"))
    body = upload_body(*objects)
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    upload = Upload(store)
    for start, end in pairwise(edges):
        upload.feed(body[start:end])
    stored = upload.finish()
    assert [each.digest for each in stored] == [digest_of(each) for each in objects]
    for each, payload in zip(objects, stored, strict=True):
        assert bytes(store.open(payload.digest)) == each
        assert payload.size == len(each)
    assert files(store) == sorted({digest_of(each) for each in objects})


def test_object_that_is_not_what_its_digest_says_leaves_nothing(store: ObjectStore) -> None:
    body = bytearray(upload_body(b"good", b"bad"))
    body[-1] ^= 1
    upload = Upload(store)
    with pytest.raises(BrokenUpload, match="not that object"):
        upload.feed(bytes(body))
    upload.abort()
    assert files(store) == [digest_of(b"good")]


@pytest.mark.parametrize("cut", [1, HEADER.size - 1, HEADER.size, HEADER.size + 3])
def test_cut_body_is_refused_and_leaves_nothing(store: ObjectStore, cut: int) -> None:
    upload = Upload(store)
    upload.feed(upload_body(b"object")[:cut])
    with pytest.raises(BrokenUpload, match="ends in the middle"):
        upload.finish()
    upload.abort()
    assert files(store) == []


def test_object_that_is_here_already_is_read_over(store: ObjectStore) -> None:
    store.put(b"object")
    upload = Upload(store)
    upload.feed(upload_body(b"object", b"next"))
    assert len(upload.finish()) == 2
    assert files(store) == sorted([digest_of(b"object"), digest_of(b"next")])
