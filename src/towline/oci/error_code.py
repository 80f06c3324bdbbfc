"""The error codes of a registry, as data: the distribution specification's table and the few more
that clients know.
"""

from __future__ import annotations

from enum import Enum
from http import HTTPStatus

import msgspec


class ErrorCode(Enum):
    """A code, the message it is sent with unless a better one is known, and its HTTP status."""

    BLOB_UNKNOWN = ("blob unknown to registry", HTTPStatus.NOT_FOUND)
    BLOB_UPLOAD_INVALID = ("blob upload invalid", HTTPStatus.BAD_REQUEST)
    BLOB_UPLOAD_UNKNOWN = ("blob upload unknown to registry", HTTPStatus.NOT_FOUND)
    DIGEST_INVALID = ("provided digest did not match uploaded content", HTTPStatus.BAD_REQUEST)
    MANIFEST_BLOB_UNKNOWN = (
        "manifest references a manifest or blob unknown to registry",
        HTTPStatus.NOT_FOUND,
    )
    MANIFEST_INVALID = ("manifest invalid", HTTPStatus.BAD_REQUEST)
    MANIFEST_UNKNOWN = ("manifest unknown to registry", HTTPStatus.NOT_FOUND)
    NAME_INVALID = ("invalid repository name", HTTPStatus.BAD_REQUEST)
    NAME_UNKNOWN = ("repository name not known to registry", HTTPStatus.NOT_FOUND)
    PAGINATION_NUMBER_INVALID = ("invalid number of results requested", HTTPStatus.BAD_REQUEST)
    RANGE_INVALID = ("invalid content range", HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
    SIZE_INVALID = ("provided length did not match content length", HTTPStatus.BAD_REQUEST)
    TAG_INVALID = ("manifest tag did not match URI", HTTPStatus.BAD_REQUEST)
    UNAUTHORIZED = ("authentication required", HTTPStatus.UNAUTHORIZED)
    DENIED = ("requested access to the resource is denied", HTTPStatus.FORBIDDEN)
    UNSUPPORTED = ("the operation is unsupported", HTTPStatus.METHOD_NOT_ALLOWED)
    TOOMANYREQUESTS = ("too many requests", HTTPStatus.TOO_MANY_REQUESTS)
    UNAVAILABLE = ("service unavailable", HTTPStatus.SERVICE_UNAVAILABLE)
    UNKNOWN = ("unknown error", HTTPStatus.INTERNAL_SERVER_ERROR)

    def __init__(self, message: str, status: HTTPStatus) -> None:
        self.message = message
        self.status = status


class ErrorEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One error of a registry's answer."""

    code: str
    message: str = ""
    detail: object = None


class _Envelope(msgspec.Struct, frozen=True):
    errors: tuple[ErrorEntry, ...]


def error_body(code: ErrorCode, message: str = "", detail: object = None) -> bytes:
    """The JSON that a registry answers with."""
    entry = ErrorEntry(code.name, message or code.message, detail)
    return msgspec.json.encode(_Envelope((entry,)))


def read_errors(body: bytes) -> tuple[ErrorEntry, ...]:
    """The errors in a registry's answer; empty when the body is something else."""
    try:
        return msgspec.json.decode(body, type=_Envelope).errors
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ()
