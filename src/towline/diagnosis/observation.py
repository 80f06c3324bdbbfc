"""What a probe saw, step by step: plain data without judgement and without secrets.

A probe goes the way of a pull (name, address, proxy, TLS, `/v2/`, token, manifest, config, layers)
and writes down what it met at each step, and stops where nothing more can be learnt. The rules of
`towline.diagnosis.rules` judge it. The first half of the way, up to TLS, is in
`towline.diagnosis.observed_path`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from towline.diagnosis.observed_path import PathSeen


class HttpOutcome(StrEnum):
    """How a request ended."""

    ANSWERED = "answered"
    TIMED_OUT = "no answer in time"
    RESET = "reset"
    CLOSED = "closed before an answer"
    TRUNCATED = "the body ended too early"
    STALLED = "the body stopped coming"
    MALFORMED = "not an HTTP answer"
    TLS_ANSWER = "a TLS record: the server speaks TLS here"
    REDIRECT_LOOP = "redirected too often"
    NO_PATH = "its host could not be reached"


@dataclass(frozen=True, slots=True)
class HttpSeen:
    """One request and its answer. Neither URL nor headers hold a secret."""

    method: str
    url: str
    """Without its query."""
    outcome: HttpOutcome
    status: int = 0
    reason: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    """By lower-case name; only those that tell something."""
    body: str = ""
    """The first kilobyte, as text, of an answer that was not what was asked for."""
    errors: tuple[tuple[str, str], ...] = ()
    """Codes and messages when the body is a registry's error document."""
    title: str = ""
    """Of an HTML page."""
    is_json: bool = False
    credential: str = ""
    """What was sent: empty, `basic` or `bearer`."""
    redirects: tuple[str, ...] = ()
    """Where it was led, each without its query."""
    seconds: float = 0.0

    def header(self, name: str) -> str:
        """The first header of this lower-case name, or nothing."""
        return next((value for key, value in self.headers if key == name), "")

    @property
    def media_type(self) -> str:
        """Of the body, without parameters."""
        return self.header("content-type").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class ChallengeSeen:
    """What the registry wants to see before it answers."""

    scheme: str
    """`bearer`, `basic`, another; empty for a 401 without a challenge."""
    realm: str = ""
    service: str = ""
    error: str = ""
    """`insufficient_scope`, `invalid_token`."""
    scope: str = ""


@dataclass(frozen=True, slots=True)
class TokenSeen:
    """One request for a token."""

    realm: str
    service: str
    scopes: tuple[str, ...]
    username: str | None
    """Whose key was sent; None for an anonymous request."""
    answer: HttpSeen | None = None
    """None when the way to the token host failed."""
    withheld: bool = False
    """There is a key, but it was not sent: the realm speaks plain HTTP, or is not whom it should be."""
    has_token: bool = False
    unreadable: bool = False
    """200 with something that is no token document."""
    readable_claims: bool = False
    """The token is a JWT, so that what it grants is known."""
    granted: tuple[str, ...] = ()
    """`repository:name:action` for each granted action."""
    not_before: int | None = None
    expires: int | None = None


@dataclass(frozen=True, slots=True)
class LoginSeen:
    """A credential that could be used; its password is nowhere here."""

    key: str
    """The `host[:port][/path]` it is for, as the pull secret writes it."""
    username: str
    matches: bool
    """Whether it is for this image."""
    is_token: bool = False
    """Its password is a JWT."""
    expires: int | None = None
    """When such a JWT ends."""


@dataclass(frozen=True, slots=True)
class TagsSeen:
    """The tag list, asked for when the manifest was not found."""

    answer: HttpSeen
    count: int = 0
    near: tuple[str, ...] = ()
    """The tags most like the one that was asked for."""


@dataclass(frozen=True, slots=True)
class ChildSeen:
    """A manifest of an index."""

    digest: str
    media_type: str
    platform: str
    """`linux/amd64`, or nothing."""
    fits: bool
    """Whether it is the one that this platform takes."""
    answer: HttpSeen | None = None


@dataclass(frozen=True, slots=True)
class ManifestSeen:
    """What stands under a tag or digest."""

    target: str
    """The tag or digest."""
    answer: HttpSeen
    head: HttpSeen | None = None
    media_type: str = ""
    size: int = 0
    """Bytes that came, or that Content-Length promises when they are too many."""
    digest: str = ""
    """Of the bytes that came."""
    stated_digest: str = ""
    """Docker-Content-Digest."""
    own_media_type: str = ""
    """The media type that the document itself states."""
    schema: int = 0
    """schemaVersion; 0 when it is no JSON."""
    unreadable: str = ""
    """Why it is no manifest."""
    artifact_type: str = ""
    config_media_type: str = ""
    children: tuple[ChildSeen, ...] = ()
    tags: TagsSeen | None = None


@dataclass(frozen=True, slots=True)
class ConfigSeen:
    """An image's config."""

    digest: str
    answer: HttpSeen
    size: int = 0
    """As the manifest has it."""
    received: int = 0
    seen_digest: str = ""
    platform: str = ""
    """`linux/arm64`: what the image is for."""
    diff_ids: int = 0
    layers: int = 0
    """How many the manifest has."""
    unreadable: str = ""


class LayerProblem(StrEnum):
    """What is wrong with the content of a layer whose bytes are those that the manifest names."""

    BAD_COMPRESSION = "its compressed bytes cannot be unpacked"
    BAD_TAR = "unpacked, it is no tar archive"
    OTHER_DIFF_ID = "unpacked, it has another digest than the config says"


@dataclass(frozen=True, slots=True)
class LayerSeen:
    """The first bytes of a layer, wherever the registry sends one for them."""

    digest: str
    media_type: str
    size: int
    """As the manifest has it."""
    answer: HttpSeen
    stated_size: int | None = None
    """The whole size by Content-Range or Content-Length."""
    packing: str = ""
    """By its first bytes: `gzip`, `zstd`, `tar`, `other`; empty when none came."""
    tail: HttpSeen | None = None
    """The answer to a request for the last byte."""
    path: PathSeen | None = None
    """The way to the host it was redirected to, when that is another."""
    seen_digest: str = ""
    """Of the whole layer when it is small enough to have come whole."""
    problem: LayerProblem | None = None
    """What unpacking it brought to light, as far as its bytes came."""


@dataclass(frozen=True, slots=True)
class SpaceSeen:
    """The disk that images are kept on."""

    folder: str
    free_bytes: int
    free_files: int
    """Inodes; -1 on a file system that does not count them."""
    needed_bytes: int
    """About three times what the layers have packed."""


@dataclass(frozen=True, slots=True)
class Observations:
    """All that one probe saw, in the order of a pull; what was not come to is None or empty."""

    image: str
    invalid: str = ""
    """Why the text is no reference, in the parser's words; nothing else was then looked at."""
    domain: str = ""
    """The image's first part, `host[:port]`."""
    repository: str = ""
    target: str = ""
    """Its tag or digest."""
    platform: str = ""
    """What the image must fit: `linux/amd64`."""
    vantage: str = ""
    """From where it was seen: `this machine`, `pod default/web`."""
    logins: tuple[LoginSeen, ...] = ()
    path: PathSeen | None = None
    ping: HttpSeen | None = None
    """`GET /v2/` without a credential."""
    challenge: ChallengeSeen | None = None
    token_path: PathSeen | None = None
    """The way to the token host, when it is another than the registry."""
    tokens: tuple[TokenSeen, ...] = ()
    """First with the image's scope, then, where that failed, the same key without a scope."""
    manifest: ManifestSeen | None = None
    """What the reference itself names."""
    image_manifest: ManifestSeen | None = None
    """The manifest of this platform, when the reference names an index."""
    config: ConfigSeen | None = None
    layers: tuple[LayerSeen, ...] = ()
    space: SpaceSeen | None = None
    complete: bool = False
    """The probe went through to its end within its time."""
    requests: int = 0
    seconds: float = 0.0
