"""A request and its answer as values: what is left of HTTP once the wire has been taken off."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from towline.kube.accept import JSON

Headers = Mapping[str, str]
UNCACHED: Headers = {"Cache-Control": "no-cache, private"}


@dataclass(frozen=True, slots=True)
class Call:
    """One request. Header names are lower-case; the path has no trailing slash and is decoded."""

    method: str
    path: tuple[str, ...]
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def header(self, name: str) -> str:
        """The value of a header, empty if it was not sent."""
        return self.headers.get(name, "")

    def asks(self, option: str) -> bool:
        """Whether a boolean option of the query is set, as Go reads it."""
        return self.query.get(option, "false").lower() not in ("false", "0", "f")


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    code: int
    body: bytes
    content_type: str = JSON
    headers: Headers = field(default_factory=lambda: UNCACHED)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer that goes on until its chunks end or the client goes."""

    chunks: AsyncGenerator[bytes, None]
    content_type: str = JSON


Reply = Answer | Stream


def json_answer(document: Any, code: int = 200) -> Answer:
    """An answer that is one JSON document."""
    return Answer(code, orjson.dumps(document))


def text_answer(text: str, code: int = 200) -> Answer:
    """An answer for people and probes."""
    return Answer(code, text.encode(), "text/plain; charset=utf-8")
