"""Digests name bytes, and only digests that can be checked exist."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towline.oci.digest import Algorithm, Digest, InvalidDigest


@given(
    pieces=st.lists(st.binary(max_size=100), max_size=6),
    algorithm=st.sampled_from(Algorithm),
)
def test_bytes_in_pieces_have_the_digest_of_the_whole(
    pieces: list[bytes], algorithm: Algorithm
) -> None:
    """How a stream is cut does not matter."""
    whole = b"".join(pieces)
    wanted = Digest.parse(f"{algorithm}:{hashlib.new(algorithm, whole).hexdigest()}")
    verifier = wanted.verifier()
    for piece in pieces:
        verifier.update(piece)

    assert verifier.verified
    assert wanted == Digest.of(whole, algorithm)
    assert not wanted.names(whole + b"!")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sha256",
        "sha256:",
        "sha256:xyz",
        "sha256:" + "A" * 64,
        "sha1:" + "0" * 40,
        "sha512:" + "0" * 64,
        "sha256:" + "0" * 65,
        " sha256:" + "0" * 64,
        "sha256:" + "0" * 63 + "\n",
    ],
)
def test_what_cannot_be_verified_is_no_digest(text: str) -> None:
    """Unknown algorithms, wrong lengths and upper case are refused."""
    with pytest.raises(InvalidDigest):
        Digest.parse(text)


@given(st.binary(max_size=50))
def test_a_digest_is_read_back_as_it_was_printed(data: bytes) -> None:
    """Printing and parsing are inverse."""
    digest = Digest.of(data)

    assert Digest.parse(str(digest)) == digest
