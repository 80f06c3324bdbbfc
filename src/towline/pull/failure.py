"""Why a pull failed, as data: one class for each thing that containerd has words for.

Nothing here holds a secret or a sentence. `towline.pull.message` gives the words, the diagnosis the
reasons.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from towline.oci.digest import Digest
from towline.pull.wire import Fault


@dataclass(frozen=True, slots=True)
class RequestFailed:
    """The network failed a request."""

    method: str
    url: str
    fault: Fault


@dataclass(frozen=True, slots=True)
class UnexpectedStatus:
    """A server answered with a status that means no."""

    method: str
    url: str
    status: str
    """`403 Forbidden`."""
    server_message: str = ""
    """The registry's own errors in its body, one to a line."""


class Grant(StrEnum):
    """How a token was asked for."""

    OAUTH = "oauth"
    ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class NoToken:
    """A token server answered 200 without a token."""


@dataclass(frozen=True, slots=True)
class UnreadableToken:
    """A token server answered 200 with something that is not its JSON."""

    detail: str


@dataclass(frozen=True, slots=True)
class TokenRefused:
    """No token could be had."""

    grant: Grant
    reason: RequestFailed | UnexpectedStatus | NoToken | UnreadableToken


@dataclass(frozen=True, slots=True)
class BadChallenge:
    """A registry asks for a token but does not say where to get it."""

    detail: str


@dataclass(frozen=True, slots=True)
class AuthorizationRefused:
    """A registry was shown a fresh token and still refused; `error` is its word for it."""

    error: str


@dataclass(frozen=True, slots=True)
class NoBasicCredentials:
    """A registry wants a user name and a password, and there are none."""


@dataclass(frozen=True, slots=True)
class ManifestNotFound:
    """The registry does not have it."""


@dataclass(frozen=True, slots=True)
class ManifestTooLarge:
    """A manifest that nobody should read into memory."""

    size: int


@dataclass(frozen=True, slots=True)
class InvalidDigestHeader:
    """`Docker-Content-Digest` holds no digest."""

    text: str


@dataclass(frozen=True, slots=True)
class NoPlatform:
    """An index has no manifest for this machine."""


@dataclass(frozen=True, slots=True)
class UnexpectedMediaType:
    """What was found under the reference is no image."""

    media_type: str
    digest: Digest


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A manifest or config with the right digest and the wrong content."""

    detail: str


@dataclass(frozen=True, slots=True)
class LayerCountDiffers:
    """Manifest and config do not speak of the same layers."""

    layers: int
    diff_ids: int


@dataclass(frozen=True, slots=True)
class ContentNotFound:
    """A blob that the manifest names is not there."""

    digest: Digest
    media_type: str


@dataclass(frozen=True, slots=True)
class ContentTooShort:
    """Fewer bytes came than the manifest promises."""

    seen: int
    expected: int


@dataclass(frozen=True, slots=True)
class ContentTooLong:
    """More bytes came than the manifest promises."""

    ref: str
    seen: int
    expected: int


@dataclass(frozen=True, slots=True)
class DigestDiffers:
    """The bytes are not those that the manifest names."""

    ref: str
    seen: Digest
    expected: Digest


@dataclass(frozen=True, slots=True)
class SizeZero:
    """A descriptor of nothing."""

    digest: Digest


@dataclass(frozen=True, slots=True)
class CopyBroken:
    """The connection broke while content came."""

    fault: Fault


@dataclass(frozen=True, slots=True)
class LayerUnusable:
    """A layer has its promised digest, but cannot be unpacked or must not be."""

    diff_id: Digest
    detail: str


@dataclass(frozen=True, slots=True)
class DiffIdDiffers:
    """A layer unpacks to other bytes than the config promises."""

    diff_id: Digest


@dataclass(frozen=True, slots=True)
class StorageFailed:
    """Our own disk failed: full, read-only, broken."""

    detail: str


Cause = (
    RequestFailed
    | UnexpectedStatus
    | TokenRefused
    | BadChallenge
    | AuthorizationRefused
    | NoBasicCredentials
    | ManifestNotFound
    | ManifestTooLarge
    | InvalidDigestHeader
    | NoPlatform
    | UnexpectedMediaType
    | Unreadable
    | LayerCountDiffers
    | ContentNotFound
    | ContentTooShort
    | ContentTooLong
    | DigestDiffers
    | SizeZero
    | CopyBroken
    | LayerUnusable
    | DiffIdDiffers
    | StorageFailed
)


class Place(StrEnum):
    """Where in a pull it happened: the words differ."""

    RESOLVE = "resolve"
    """While asking what the reference means."""
    FETCH = "fetch"
    """While opening a manifest, config or layer by its digest."""
    UNPACK = "unpack"
    """While its bytes came, or after."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why and where a pull ended."""

    place: Place
    cause: Cause


class Failed(Exception):
    """Ends one attempt; the flow turns it into a record."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(repr(failure))
        self.failure = failure


class CauseRaised(Exception):
    """A cause on its way to where the place is known."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(repr(cause))
        self.cause = cause
