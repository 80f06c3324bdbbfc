"""One registry with its token server, honest as described and faulty where a situation says so."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from hashlib import sha256
from urllib.parse import parse_qs

from tests.laboratory.http_service import Asked, Ending, Reply
from tests.laboratory.picture import Paint, Picture, good

REPOSITORY = "team/app"
USERNAME, PASSWORD = "robot", "correct-horse"
_SIGN = "signature"
_OPAQUE, _USELESS = "v2.opaque-token", "v2.useless-token"


class Auth(StrEnum):
    """Whom a registry answers."""

    OPEN = "everybody"
    BASIC = "who sends a name and a password"
    TOKEN = "who shows a token, which is given to who has the key"
    PUBLIC = "who shows a token, which everybody gets"
    POLITE = "everybody, although `/v2/` asks for a token"


class Wrong(StrEnum):
    """What a registry does with a wrong key."""

    REFUSES = "the token server says 401"
    EMPTY = "the token server gives a token for nothing where a scope was asked for, as Harbor"


@dataclass(frozen=True, slots=True)
class Fault:
    """An answer that comes instead of the right one."""

    on: str
    """A pattern for `METHOD /path`."""
    reply: Reply
    late: bool = False
    """Only after the client has shown who it is."""


@dataclass(frozen=True, slots=True)
class Registry:
    """What is wrong with a registry, and what is not."""

    paint: Paint = good
    auth: Auth = Auth.OPEN
    faults: tuple[Fault, ...] = ()
    grants: bool = True
    """Whether a right key may read the repository."""
    wrong: Wrong = Wrong.REFUSES
    open_ping: bool = False
    """`/v2/` is open although nothing else is."""
    challenges: bool = True
    """Whether a 401 says what is wanted."""
    realm: str = "{scheme}://{token}/token"
    repository: str = REPOSITORY
    ranges: bool = True
    """Whether it sends parts of blobs."""
    opaque_tokens: bool = False
    """Its tokens do not say what they grant, and only `access_token` has one."""
    digest_header: str | None = None
    """What it says that a manifest's digest is, when not the truth; with an empty one it says
    nothing."""
    keeps: int = 0
    """How many bytes it has still of each layer; 0 when it has lost nothing."""
    hides_repositories: bool = False
    """Says MANIFEST_UNKNOWN for a repository that does not exist, as distribution does."""
    names: Mapping[str, str] = field(default_factory=dict)
    """What the words in headers and patterns stand for: `scheme`, `here`, `token`, `blobs`, `layer`."""

    def bound(self, names: Mapping[str, str]) -> Registry:
        """In its place."""
        return replace(self, names=names)


class RegistryService:
    """Answers for a registry, for its token server and for its blob store."""

    def __init__(self, registry: Registry, name: str) -> None:
        self._picture: Picture = registry.paint(name)
        layer = self._picture.layers[0] if self._picture.layers else ""
        self._registry = registry.bound({**registry.names, "layer": layer})

    def answer(self, asked: Asked) -> Reply:
        """The answer to a request, faults first."""
        reply = self._fault(asked, late=False)
        if reply is None and asked.path.startswith("/token"):
            reply = self._token(asked)
        if reply is None and asked.path.startswith("/store/"):
            reply = self._content(asked)
        if reply is None:
            reply = self._guarded(asked)
        return reply.told(self._registry.names)

    def _fault(self, asked: Asked, *, late: bool) -> Reply | None:
        line = f"{asked.method} {asked.path}"
        for fault in self._registry.faults:
            pattern = fault.on.format_map(self._registry.names)
            if fault.late is late and fnmatchcase(line, pattern):
                return fault.reply
        return None

    def _guarded(self, asked: Asked) -> Reply:
        refusal = self._refusal(asked)
        if refusal is not None:
            return refusal
        return self._fault(asked, late=True) or self._content(asked)

    def _refusal(self, asked: Asked) -> Reply | None:
        registry, shown = self._registry, asked.headers.get("authorization", "")
        if registry.auth is Auth.OPEN or (asked.path == "/v2/" and registry.open_ping):
            return None
        if registry.auth is Auth.POLITE and asked.path != "/v2/":
            return None
        if registry.auth is Auth.BASIC:
            return None if _key(shown) == (USERNAME, PASSWORD) else self._challenge("Basic")
        claims = read_token(shown.removeprefix("Bearer "))
        if claims is None:
            return self._challenge("Bearer")
        if claims.get("access") or asked.path == "/v2/":
            return None
        return self._challenge("Bearer", ',error="insufficient_scope"')

    def _challenge(self, scheme: str, error: str = "") -> Reply:
        words = f'{scheme} realm="{self._registry.realm}",service="laboratory"'
        if scheme == "Bearer":
            words += f',scope="repository:{self._registry.repository}:pull"{error}'
        challenge = (("WWW-Authenticate", words),) if self._registry.challenges else ()
        return said(401, "UNAUTHORIZED", "authentication required", *challenge)

    def _token(self, asked: Asked) -> Reply:
        registry, form = self._registry, parse_qs(asked.body.decode() or asked.query)
        key = _key(asked.headers.get("authorization", ""))
        if "password" in form:
            key = form["username"][0], form["password"][0]
        known = key == (USERNAME, PASSWORD)
        anonymous = key == ("", "")
        refused = not known and not (anonymous and registry.auth is Auth.PUBLIC)
        scopes = form.get("scope", [])
        if refused and (anonymous or registry.wrong is Wrong.REFUSES or not scopes):
            return said(401, "UNAUTHORIZED", "authentication required")
        token = made_token(scopes if registry.grants and not refused else [])
        if registry.opaque_tokens:
            return _json({"access_token": _OPAQUE if registry.grants else _USELESS})
        return _json({"token": token, "access_token": token, "expires_in": 300})

    def _content(self, asked: Asked) -> Reply:
        version = (("Docker-Distribution-Api-Version", "registry/2.0"),)
        if asked.path == "/v2/":
            return replace(_json({}), headers=(*_json({}).headers, *version))
        last = asked.path.rpartition("/")[2]
        if f"/v2/{self._registry.repository}/" not in asked.path and "/store/" not in asked.path:
            return self._unknown_name(asked)
        if "/manifests/" in asked.path:
            return self._manifest(last)
        if asked.path.endswith("/tags/list"):
            tags = [tag for tag in self._picture.manifests if ":" not in tag]
            return _json({"name": self._registry.repository, "tags": [*tags, "1.1", "latest"]})
        blob = self._picture.blobs.get(last)
        if blob is None:
            return said(404, "BLOB_UNKNOWN", "blob unknown to registry")
        kind = (("Content-Type", "application/octet-stream"), ("Docker-Content-Digest", last))
        whole = Reply(200, blob, kind)
        part = _part(whole, asked) if self._registry.ranges else whole
        return self._kept(part, asked) if last in self._picture.layers else part

    def _kept(self, reply: Reply, asked: Asked) -> Reply:
        """What can be sent of a layer whose end is lost."""
        keeps, begin = self._registry.keeps, _begin(asked) if reply.status == 206 else 0
        if not keeps or begin + len(reply.body) <= keeps:
            return reply
        body = reply.body[: max(0, keeps - begin)]
        return replace(reply, body=body, length=len(reply.body), ending=Ending.CUT)

    def _unknown_name(self, asked: Asked) -> Reply:
        if self._registry.hides_repositories and "/manifests/" in asked.path:
            return said(404, "MANIFEST_UNKNOWN", "manifest unknown")
        return said(404, "NAME_UNKNOWN", "repository name not known to registry")

    def _manifest(self, target: str) -> Reply:
        found = self._picture.manifests.get(target)
        if found is None:
            return said(404, "MANIFEST_UNKNOWN", "manifest unknown")
        content, kind = found
        digest = target if ":" in target else f"sha256:{sha256(content).hexdigest()}"
        if self._registry.digest_header is not None:
            digest = self._registry.digest_header
        stated = (("Docker-Content-Digest", digest),) if digest else ()
        return Reply(200, content, (("Content-Type", kind), *stated))


def said(status: int, code: str, message: str, *headers: tuple[str, str]) -> Reply:
    """A registry's own error."""
    document = {"errors": [{"code": code, "message": message, "detail": None}]}
    return replace(_json(document), status=status, headers=(*_json({}).headers, *headers))


def made_token(scopes: list[str], *, lasts: int = 300) -> str:
    """A JWT that grants these scopes, signed by nobody."""
    access = []
    for scope in (word for text in scopes for word in text.split()):
        kind, _, rest = scope.partition(":")
        name, _, actions = rest.rpartition(":")
        access.append({"type": kind, "name": name, "actions": actions.split(",")})
    now = int(time.time())
    claims = {"iss": "laboratory", "nbf": now - 5, "exp": now + lasts, "access": access}
    return ".".join(
        map(_base64, (b'{"alg":"ES256","typ":"JWT"}', json.dumps(claims).encode(), _SIGN.encode()))
    )


def read_token(text: str) -> dict[str, list[object]] | None:
    """The claims of a token of ours."""
    if text in (_OPAQUE, _USELESS):
        return {"access": [text] if text == _OPAQUE else []}
    parts = text.split(".")
    if len(parts) != 3 or parts[2] != _base64(_SIGN.encode()):
        return None
    claims: dict[str, list[object]] = json.loads(base64.urlsafe_b64decode(f"{parts[1]}==="))
    return claims


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _json(document: object) -> Reply:
    return Reply(200, json.dumps(document).encode(), (("Content-Type", "application/json"),))


def _key(header: str) -> tuple[str, str]:
    decoded = base64.b64decode(header.removeprefix("Basic ")) if header[:6] == "Basic " else b""
    name, _, password = decoded.decode().partition(":")
    return name, password


def _begin(asked: Asked) -> int:
    first = asked.headers.get("range", "").removeprefix("bytes=").partition("-")[0]
    return int(first) if first else 0


def _part(reply: Reply, asked: Asked) -> Reply:
    """What of a body was asked for."""
    wanted, whole = asked.headers.get("range", "").removeprefix("bytes="), len(reply.body)
    if not wanted or reply.status != 200 or not whole:
        return reply
    first, _, last = wanted.partition("-")
    begin = int(first) if first else max(0, whole - int(last))
    end = min(int(last), whole - 1) if first and last else whole - 1
    span = ("Content-Range", f"bytes {begin}-{end}/{whole}")
    body = reply.body[begin : end + 1]
    return replace(reply, status=206, body=body, headers=(*reply.headers, span))
