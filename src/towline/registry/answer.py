"""What the registry answers, as values: some bytes, a piece of a file, or a refusal."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import msgspec

from towline.oci.error_code import ErrorCode, error_body

Headers = tuple[tuple[bytes, bytes], ...]

JSON = (b"content-type", b"application/json")
API_VERSION = (b"docker-distribution-api-version", b"registry/2.0")


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, headers and a body that is in memory. `Content-Length` goes without saying."""

    status: int
    headers: Headers = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class FileAnswer:
    """A status, headers and a piece of a file."""

    status: int
    headers: Headers
    path: Path
    start: int
    length: int
    is_whole: bool


class Refusal(Exception):
    """A request that gets an error, in the words of the distribution specification."""

    def __init__(
        self,
        code: ErrorCode,
        message: str = "",
        *,
        detail: object = None,
        status: int | None = None,
        headers: Headers = (),
    ) -> None:
        super().__init__(message or code.message)
        self.code = code
        self.message = message
        self.detail = detail
        self.status = status or code.status
        self.headers = headers

    def answer(self) -> Answer:
        """The refusal as it is sent."""
        body = error_body(self.code, self.message, self.detail)
        return Answer(self.status, (JSON, API_VERSION, *self.headers), body)


class Disconnected(Exception):
    """The client is gone before its request was complete; nobody waits for an answer."""


def json_answer(content: object, *headers: tuple[bytes, bytes]) -> Answer:
    """A successful answer in JSON."""
    return Answer(HTTPStatus.OK, (JSON, *headers), msgspec.json.encode(content))


def header(name: str, value: object) -> tuple[bytes, bytes]:
    """A header of an answer."""
    return name.lower().encode(), str(value).encode("latin-1")
