"""Blobs on disk: a draft that grows, becomes a file of its name, and nothing in between."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towline.content.blobs import BlobStore, WrongDigest, named_in
from towline.oci.digest import Algorithm, Digest


@given(st.lists(st.lists(st.binary(max_size=30), max_size=4), max_size=5), st.data())
def test_a_draft_knows_its_digest_whoever_wrote_it(
    tmp_path_factory: pytest.TempPathFactory, turns: list[list[bytes]], data: st.DataObject
) -> None:
    """Carried along, or made again from the file: after a restart, or for another algorithm."""
    store = BlobStore(tmp_path_factory.mktemp("blobs"))
    draft, content = store.draft("one"), b""
    for pieces in turns:
        draft.append(pieces)
        content += b"".join(pieces)
        if data.draw(st.booleans(), "restart"):
            draft.sync()
            draft = store.draft("one")
        algorithm = data.draw(st.sampled_from(Algorithm), "algorithm")

        assert draft.size == len(content)
        assert draft.digest(algorithm) == Digest.of(content, algorithm)
    draft.close()


def test_a_kept_draft_is_a_blob_and_a_draft_until_it_is_discarded(tmp_path: Path) -> None:
    """One file with two names: whoever is killed before the blob is written down has lost nothing."""
    store = BlobStore(tmp_path)
    draft = store.draft("one")
    draft.append([b"con", b"tent"])
    digest = Digest.of(b"content")
    store.keep(draft, digest)

    again = store.draft("one")
    files = {path.stat().st_ino for path in (again.path, store.path(digest))}
    store.discard("one")

    assert store.path(digest).read_bytes() == b"content"
    assert (again.size, len(files)) == (len(b"content"), 1)
    assert list(store.drafts()) == []
    assert store.path(digest) == tmp_path / "blobs/sha256" / digest.hex[:2] / digest.hex


def test_a_draft_that_grows_after_it_was_kept_leaves_the_blob_alone(tmp_path: Path) -> None:
    """Its client was not told that it is a blob, and may add something else."""
    store = BlobStore(tmp_path)
    digest = Digest.of(b"content")
    draft = store.draft("one")
    draft.append([b"content"])
    store.keep(draft, digest)
    draft.append([b" and more"])
    store.keep(draft, Digest.of(b"content and more"))
    draft.append([b"!"])
    draft.close()

    assert store.path(digest).read_bytes() == b"content"
    assert store.path(Digest.of(b"content and more")).read_bytes() == b"content and more"
    assert draft.path.read_bytes() == b"content and more!"
    assert [name for name, _ in store.drafts()] == ["one"]


def test_a_draft_may_be_kept_again(tmp_path: Path) -> None:
    """When writing the blob down failed, its client asks once more."""
    store = BlobStore(tmp_path)
    draft = store.draft("one")
    draft.append([b"content"])
    for _ in range(2):
        store.keep(draft, Digest.of(b"content"))

    assert store.path(Digest.of(b"content")).read_bytes() == b"content"
    assert [name for name, _ in store.drafts()] == ["one"]


def test_an_empty_blob_is_a_blob(tmp_path: Path) -> None:
    """Nothing was ever appended."""
    store = BlobStore(tmp_path)
    store.keep(store.draft("one"), Digest.of(b""))

    assert store.path(Digest.of(b"")).read_bytes() == b""


def test_a_draft_that_is_something_else_is_not_kept(tmp_path: Path) -> None:
    """Both digests are told; the draft stays for the caller to drop."""
    store = BlobStore(tmp_path)
    draft = store.draft("one")
    draft.append([b"content"])
    with pytest.raises(WrongDigest) as wrong:
        store.keep(draft, Digest.of(b"other"))
    draft.close()

    assert wrong.value.seen == Digest.of(b"content")
    assert not store.path(Digest.of(b"other")).exists()
    assert [name for name, _ in store.drafts()] == ["one"]


def test_the_same_content_may_come_twice(tmp_path: Path) -> None:
    """The second takes the place of the first, which is the same."""
    store = BlobStore(tmp_path)
    for name in ("one", "two"):
        draft = store.draft(name)
        draft.append([b"content"])
        store.keep(draft, Digest.of(b"content"))

    assert store.path(Digest.of(b"content")).read_bytes() == b"content"


def test_all_blobs_can_be_found_again(tmp_path: Path) -> None:
    """Folder by folder, in both algorithms; what is removed is not found."""
    store = BlobStore(tmp_path)
    digests = {Digest.of(bytes([n]), algorithm) for n in range(9) for algorithm in Algorithm}
    for digest in digests:
        draft = store.draft("one")
        draft.append([next(bytes([n]) for n in range(9) if digest.names(bytes([n])))])
        store.keep(draft, digest)
        store.discard("one")
    gone = min(digests)
    store.remove(gone)
    store.remove(gone)
    found = [digest for folder in store.folders() for digest in named_in(folder)]

    assert sorted(found) == sorted(digests - {gone})
