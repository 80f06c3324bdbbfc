"""What a runtime printed about a failed pull, taken apart: innermost cause, request, addressee.

Go programs join an error and its causes with colons, the innermost last, and name the request that
failed by its URL. So the cause is what stands after the last URL, and the words before it tell which
request of the pull it was: the same `connection refused` means another thing from the registry than
from the token server.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

from towline.diagnosis.transcript import transcribe


class Request(StrEnum):
    """Which request of a pull failed."""

    PING = "ping"
    TOKEN = "token"  # noqa: S105  # no password: the name of a request
    MANIFEST = "manifest"
    BLOB = "blob"
    UNKNOWN = "unknown"


class Party(StrEnum):
    """Whom it was sent to."""

    REGISTRY = "registry"
    TOKEN_SERVER = "token server"  # noqa: S105  # no password either
    BLOB_STORE = "blob store"
    """A host that the registry redirects downloads to."""
    PROXY = "proxy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The parts of a text that signs look at."""

    text: str
    """All of it that belongs to one attempt, lower-case."""
    cause: str
    """The innermost cause, lower-case, without the chain of wrappers."""
    shown: str
    """The text as evidence: one line, as it was printed."""
    image: str = ""
    """As it was asked for, where the text names it."""
    client: str = ""
    """`containerd`, `docker`, `podman` (all of containers/image), `crane`, `oras`; or empty."""
    request: Request = Request.UNKNOWN
    party: Party = Party.REGISTRY
    scheme: str = ""
    host: str = ""
    """Of the last URL; empty where none is named."""
    port: int | None = None
    """Named in the URL or the image, where it is another than the scheme's own."""
    wrapped: bool = False
    """The cause was met while requesting the URL, below HTTP: no answer came from there."""
    status: int | None = None
    address: IPv4Address | IPv6Address | None = None
    """Which address was dialled."""
    lookup: str = ""
    """Which name was looked up in vain."""
    name_server: str = ""
    anonymous: bool | None = None
    """A token was asked for without a credential, or with one; None where it is not said."""
    key_given: bool = False
    failed: bool = True
    """False for a pull that hangs and has printed no error."""
    layers_begun: bool = False


_URL_ERROR = re.compile(r'\b(?:get|head|post|put) "?(https?://[^\s"]+)"?: (?=\S)', re.IGNORECASE)
"""`Get "URL": ` is what net/url puts before an error; `GET "URL": ` is crane's and oras' and tells of
an answer."""
_URL = re.compile(r"https?://[^\s\"')]+", re.IGNORECASE)
_QUERY = re.compile(r"(https?://[^\s\"')?]+)\?[^\s\"')]*", re.IGNORECASE)  # it may sign the URL
_USER = re.compile(r"//[^\s/@\"']+@")  # as in a proxy's URL
_DOWNGRADE = re.compile(r';? ?get "http://[^"]*": .*$', re.IGNORECASE | re.DOTALL)
_IMAGE = re.compile(
    r'(?:image|reference|from source docker:/?/?|docker://|manifest for|denied for|in) ?"?'
    r"((?:[a-z0-9.-]+\.[a-z]{2,}|localhost|[\d.]+|\[[0-9a-f:]+\]|[a-z0-9-]+(?=:\d))(?::\d+)?)/",
    re.IGNORECASE,
)
_NAMED = re.compile(
    r'(?:image|reference|docker://|manifest for) ?"?((?:[a-z0-9][\w.-]*(?::\d+)?/)+[\w./-]+(?:[:@][\w.:+-]+)?)'
)
_STATUS = (
    re.compile(
        r"(?:status|statuscode|status code|http|code)\b[^\n]{0,6}?:? (\d{3})\b", re.IGNORECASE
    ),
    re.compile(r"(?:unexpected status|status code|statuscode)[^\n]*?[: ](\d{3})\b", re.IGNORECASE),
    re.compile(r": (\d{3}) [A-Z][a-z]+", re.ASCII),
    re.compile(r"<title>(\d{3})\b", re.IGNORECASE),
)
_DIALLED = re.compile(
    r"\b(?:dial|read|write) tcp (?:[^\s>]+->)?(\[[0-9a-f:.]+\]|[\d.]+):(\d+)", re.IGNORECASE
)
_LOOKUP = re.compile(r"\blookup (\S+?)(?: on (\S+:\d+))?: ", re.IGNORECASE)
_TOKEN_WORDS = (
    "failed to authorize",
    "fetch oauth token",
    "fetch anonymous token",
    "retrieve auth token",
    "requesting bearer token",
    "bearer realm",
    "error getting credentials",
    "unable to decode token",
)
_BLOB_WORDS = (
    "httpreadseeker",
    "reading blob",
    "writing blob",
    "fetching blob",
    "/blobs/",
    "failed to copy",
    "saving tarball",  # crane, which writes while it downloads
    "config blob",
    "pulling image configuration",
    "parsing image configuration",
    "blob unknown",
    "unknown blob",
)
_MANIFEST_WORDS = ("/manifests/", "reading manifest", "[manifests", "failed to resolve", "manifest")
_PING_WORDS = ("pinging container registry", '/v2/"', "/v2/:", "ping attempt")
_CLIENTS = (
    ("error response from registry", "oras"),
    ("initializing source docker://", "podman"),
    ("error parsing image name", "podman"),
    ("pinging container registry", "podman"),
    ("error response from daemon", "docker"),
    ("saving tarball", "crane"),
    ("error: get https://", "crane"),
    ("error: get http://", "crane"),
    ("rpc error:", "containerd"),
    ("ctr: ", "containerd"),
    ("failed to resolve", "containerd"),
    ("httpreadseeker", "containerd"),
)
_FAMILIES = {
    "buildah": "podman",
    "skopeo": "podman",
    "cri-o": "podman",
    "ctr": "containerd",
    "cri": "containerd",
}
_FAMILY_NAMES = ("containerd image store", "docker", "containerd", "podman", "crane", "oras")


def read(text: str, client: str = "") -> Reading:
    """Take a text apart. The client may be named in any way (`containerd 1.7`, `podman 5`)."""
    transcript = transcribe(text)
    error = _without_downgrade(transcript.error)
    lower = error.lower()
    urls = list(_URL_ERROR.finditer(error))
    url = urlsplit(_last_url(error, urls))
    family = _family(client) or _guessed(lower)
    begun = transcript.layers_begun or _streamed(family, lower)
    request = _request(lower, url.geturl().lower(), begun=begun)
    cause = lower[urls[-1].end() :] if urls else lower
    lookup = _LOOKUP.search(cause)
    return Reading(
        text=lower,
        cause=cause.strip(),
        shown=_shown(error),
        image=found[1] if (found := _NAMED.search(text)) else "",
        client=family,
        request=request,
        party=_party(lower, cause, request, url.hostname or "", url.path),
        scheme=url.scheme.lower(),
        host=url.hostname or "",
        port=_port(error, url.netloc),
        wrapped=bool(urls) and not urls[-1][0][:4].isupper(),
        status=_status(error),
        address=_address(cause),
        lookup=lookup[1] if lookup else "",
        name_server=(lookup[2] or "") if lookup else "",
        anonymous=_anonymous(lower),
        key_given=transcript.key_given,
        failed=transcript.failed,
        layers_begun=begun,
    )


def _without_downgrade(error: str) -> str:
    """Without the plain HTTP that a client tried after HTTPS had failed: a second symptom."""
    if re.search(r'"https://[^"]*": ', error):
        return _DOWNGRADE.sub("", error) if "; get " in error.lower() else error
    return error


def _last_url(error: str, urls: list[re.Match[str]]) -> str:
    if urls:
        return urls[-1][1]
    found = _URL.findall(error)
    return found[-1].rstrip(":,;") if found else ""


def _streamed(family: str, lower: str) -> bool:
    """Whether docker's daemon met the error while it downloaded. It then sends the error along with
    the progress, and its client prints it bare; before, it is an `Error response from daemon`.
    """
    bare = not lower.startswith(("error response", "rpc error", "failed to pull", "errimagepull"))
    return family == "docker" and bare and "error response from daemon" not in lower


def _request(lower: str, url: str, *, begun: bool) -> Request:
    if any(word in lower for word in _TOKEN_WORDS) and "reading blob" not in lower:
        return Request.TOKEN
    if re.search(r"/(?:oauth2/)?(?:token|auth)(?:\?|$|:)|[?&](?:scope|service)=", url):
        return Request.TOKEN
    if any(word in lower for word in _BLOB_WORDS) or begun:
        return Request.BLOB
    if any(word in lower for word in _PING_WORDS):
        return Request.PING
    if any(word in lower for word in _MANIFEST_WORDS):
        return Request.MANIFEST
    return Request.UNKNOWN


def _party(lower: str, cause: str, request: Request, host: str, path: str) -> Party:
    if "proxyconnect" in cause:
        return Party.PROXY
    if request is Request.TOKEN:
        return Party.TOKEN_SERVER
    if request is Request.BLOB and not path.startswith("/v2/"):
        registry = _IMAGE.search(lower)
        same = registry is not None and host and registry[1].split(":")[0] == host
        return Party.REGISTRY if same else Party.BLOB_STORE
    return Party.REGISTRY


def _port(error: str, authority: str) -> int | None:
    named = authority or (found[1] if (found := _IMAGE.search(error)) else "")
    _, _, port = named.rpartition("]")[2].rpartition(":")
    return int(port) if port.isdigit() and int(port) not in (80, 443) and ":" in named else None


def _status(error: str) -> int | None:
    for pattern in _STATUS:
        if (found := pattern.search(error)) and 300 <= int(found[1]) < 600:
            return int(found[1])
    return None


def _address(cause: str) -> IPv4Address | IPv6Address | None:
    found = _DIALLED.search(cause)
    try:
        return ip_address(found[1].strip("[]")) if found else None
    except ValueError:
        return None


def _anonymous(lower: str) -> bool | None:
    if "anonymous token" in lower:
        return True
    return False if "oauth token" in lower or "account=" in lower else None


def _family(client: str) -> str:
    name = client.lower()
    for word, family in _FAMILIES.items():
        if word in name and "containerd" not in name:
            return family
    return next((family for family in _FAMILY_NAMES if family in name), "").replace(
        "containerd image store", "containerd"
    )


def _guessed(lower: str) -> str:
    return next((client for sign, client in _CLIENTS if sign in lower), "")


def _shown(error: str) -> str:
    line = _USER.sub("//…@", _QUERY.sub(r"\1?…", " ".join(error.split())))
    return line if len(line) <= 600 else f"… {line[-600:]}"
