"""The two ways in which HTTP writes a part of some bytes: what a client wants, and what it sends."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Positions have at most 18 digits, which is an exabyte: Python refuses to read very long numbers.
_WANTED = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)
_SENT = re.compile(r"(?:bytes[ =])?(\d{1,18})-(\d{1,18})(?:/(?:\d{1,18}|\*))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Part:
    """Some consecutive bytes."""

    start: int
    length: int

    @property
    def last(self) -> int:
        """The position of the last byte."""
        return self.start + self.length - 1


class Unsatisfiable(Exception):
    """The wanted part is not there."""


def wanted_part(text: str | None, size: int) -> Part | None:
    """The part that a `Range` header asks for, RFC 9110 §14; None when all is to be sent.

    Several ranges and what cannot be read are answered with everything, as the RFC allows. Raises
    `Unsatisfiable`.
    """
    match = _WANTED.fullmatch(text.strip()) if text else None
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        length = min(int(last), size)
        start, end = size - length, size - 1
    else:
        start, end = int(first), min(int(last) if last else size - 1, size - 1)
    if start >= size or end < start:
        raise Unsatisfiable
    return Part(start, end - start + 1)


def sent_part(text: str) -> Part | None:
    """The part that the `Content-Range` of a chunk names; None when it cannot be read.

    The distribution specification writes `0-1023`, without a unit; RFC 9110's form is taken too.
    """
    match = _SENT.fullmatch(text.strip())
    if match is None or int(match[2]) < int(match[1]):
        return None
    return Part(int(match[1]), int(match[2]) - int(match[1]) + 1)
