"""Content digests: `algorithm:hex`, as the OCI image specification writes them.

Only sha256 and sha512 are known. Anything else is refused when it is parsed, so that inside the
program a `Digest` can always be checked.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from towline.problem import Problem

_LENGTHS = {"sha256": 64, "sha512": 128}
_HEX = re.compile(r"[0-9a-f]+")


class Hash(Protocol):
    """What hashlib gives: bytes in, hexadecimal digits out."""

    def update(self, data: bytes | bytearray | memoryview, /) -> None:
        """Take in the next bytes."""
        ...

    def hexdigest(self) -> str:
        """Give the digits of all bytes so far."""
        ...


class Algorithm(StrEnum):
    """The registered algorithms; both are required of every registry that follows the
    specification.
    """

    SHA256 = "sha256"
    SHA512 = "sha512"

    def new(self) -> Hash:
        """Start a hash."""
        return hashlib.new(self.value)


class InvalidDigest(Problem):
    """A text that is no digest, or one of an algorithm that cannot be checked."""

    def __init__(self, text: str) -> None:
        super().__init__(
            "invalid-digest",
            cause=f"{text[:200]!r} is not a digest that can be verified",
            remedy="Write it as sha256: and 64, or sha512: and 128, lower-case hexadecimal digits.",
        )


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """The name of some bytes."""

    algorithm: Algorithm
    hex: str

    @classmethod
    def parse(cls, text: str) -> Digest:
        """Read `algorithm:hex`; raises `InvalidDigest`."""
        name, colon, digits = text.partition(":")
        if not colon or _LENGTHS.get(name) != len(digits) or not _HEX.fullmatch(digits):
            raise InvalidDigest(text)
        return cls(Algorithm(name), digits)

    @classmethod
    def of(cls, data: bytes, algorithm: Algorithm = Algorithm.SHA256) -> Digest:
        """Name these bytes."""
        hashed = algorithm.new()
        hashed.update(data)
        return cls(algorithm, hashed.hexdigest())

    def __str__(self) -> str:
        return f"{self.algorithm.value}:{self.hex}"

    def verifier(self) -> Verifier:
        """Start to check bytes that come in pieces."""
        return Verifier(self)

    def names(self, data: bytes) -> bool:
        """Whether this is the digest of these bytes."""
        return Digest.of(data, self.algorithm) == self


class Verifier:
    """Feeds on bytes, then says whether they were the named ones."""

    def __init__(self, wanted: Digest) -> None:
        self.wanted = wanted
        self._hash = wanted.algorithm.new()
        self.update = self._hash.update
        """Take in the next bytes (the hash's own method: this is called for every buffer)."""

    @property
    def seen(self) -> Digest:
        """The digest of all bytes so far."""
        return Digest(self.wanted.algorithm, self._hash.hexdigest())

    @property
    def verified(self) -> bool:
        """Whether the bytes so far are the wanted ones."""
        return self.seen == self.wanted
