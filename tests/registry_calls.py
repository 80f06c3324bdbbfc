"""A registry in this process, asked without a server: requests go straight into its application."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.registry_role import SECRET, USER, credential, instance, namespace, write_down

from towline.installation.certificate import new_authority, server_identity
from towline.oci.challenge import parse_challenges
from towline.oci.digest import Digest
from towline.oci.media_type import OCI_CONFIG, OCI_LAYER, OCI_MANIFEST
from towline.registry.application import Application
from towline.registry.door import Door, Scheme
from towline.registry.serve import Registry, opened
from towline.registry.settings import Settings
from towline.resource.credential import Credential
from towline.resource.instance import Instance
from towline.store.store import Store

Query = Mapping[str, str] | Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Reply:
    """What the registry answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The error code of a refusal."""
        return str(self.json["errors"][0]["code"])

    @property
    def challenge(self) -> Mapping[str, str]:
        """What the registry wants to see."""
        return parse_challenges([self.headers["www-authenticate"]])[0].parameters


@dataclass(frozen=True, slots=True)
class Sent:
    """A request's headers and body; a body that is cut off ends before its time."""

    headers: Mapping[str, str] = field(default_factory=dict)
    pieces: Sequence[bytes] = (b"",)
    is_cut_off: bool = False


class Caller:
    """Sends requests to one door of a registry, with the token of one login."""

    def __init__(
        self, application: Application, of: Instance, login: tuple[str, str] | None
    ) -> None:
        self.application = application
        self.instance = of
        self.login = login

    async def ask(
        self, method: str, path: str, query: Query = (), sent: Sent | None = None
    ) -> Reply:
        """Send a request as a client does: when it is challenged, with the token that is asked
        for.
        """
        reply = await self.send(method, path, query, sent)
        if reply.status != 401 or self.login is None:
            return reply
        token = await self.token(*reply.challenge.get("scope", "").split())
        return await self.send(method, path, query, with_token(token, sent))

    async def token(self, *scopes: str) -> str:
        """A token for these scopes."""
        wanted = [("service", self.instance.domain), *(("scope", scope) for scope in scopes)]
        headers = {"authorization": basic(*self.login)} if self.login else {}
        reply = await self.send("GET", "/service/token", wanted, Sent(headers))
        return str(reply.json["token"])

    async def send(
        self, method: str, path: str, query: Query = (), sent: Sent | None = None
    ) -> Reply:
        """Send exactly this request."""
        sent = sent or Sent()
        path, _, more = path.partition("?")
        headers = {"host": "127.0.0.1:20500", **sent.headers}
        if not sent.is_cut_off:
            headers.setdefault("content-length", str(sum(map(len, sent.pieces))))
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": "&".join(filter(None, (more, urlencode(query)))).encode(),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
        wire = _Wire(sent)
        await self.application(scope, wire.receive, wire.send)
        return Reply(wire.status, wire.headers, bytes(wire.body))

    async def push_blob(self, repository: str, content: bytes) -> str:
        """Push a blob in one request; its digest."""
        digest = str(Digest.of(content))
        path = f"/v2/{repository}/blobs/uploads/"
        reply = await self.ask("POST", path, {"digest": digest}, Sent(pieces=[content]))
        assert reply.status == 201, reply.body
        return digest

    async def push_image(self, repository: str, tag: str, layer: bytes = b"layer") -> str:
        """Push an image of one layer; its digest."""
        body = await self.image(repository, layer)
        return await self.push_manifest(repository, tag, body)

    async def image(self, repository: str, layer: bytes = b"layer", **more: Any) -> bytes:
        """Push the parts of an image and give its manifest, with more fields."""
        config = b"{}"
        await self.push_blob(repository, config)
        await self.push_blob(repository, layer)
        document = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": described(config, OCI_CONFIG),
            "layers": [described(layer, OCI_LAYER)],
            **more,
        }
        return json.dumps(document).encode()

    async def push_manifest(
        self, repository: str, reference: str, body: bytes, media_type: str = OCI_MANIFEST
    ) -> str:
        """Push a manifest; its digest."""
        sent = Sent({"content-type": media_type}, [body])
        reply = await self.ask("PUT", f"/v2/{repository}/manifests/{reference}", sent=sent)
        assert reply.status == 201, reply.body
        return reply.headers["docker-content-digest"]


@dataclass(slots=True)
class Bench:
    """A registry with a clock that tests turn, and callers for it."""

    store: Store
    registry: Registry
    clock: list[float]

    def caller(self, of: Instance, login: tuple[str, str] | None = (USER, SECRET)) -> Caller:
        """Somebody at a door of an instance; None is somebody without a login."""
        door = Door("test", of.id, Scheme.HTTP)
        return Caller(Application(door, self.registry.endpoints), of, login)

    def pass_time(self, seconds: float) -> None:
        """Turn the clock."""
        self.clock[0] += seconds


DEMO = instance("demo")
OTHER = instance("other")


@asynccontextmanager
async def bench(folder: Path, *credentials: Credential) -> AsyncIterator[Bench]:
    """A registry with two instances, `demo` and `other`, that each have the private namespaces
    `team` and `side` and the public `open`.
    """
    async with Store.open(folder / "records.db") as store:
        both = (DEMO, OTHER)
        namespaces = [
            namespace(one, name, public=name == "open")
            for one in both
            for name in ("team", "side", "open")
        ]
        everything = [credential(one) for one in both]
        await write_down(store, both, namespaces, [*everything, *credentials])
    async with reopened(folder) as held:
        yield held


@asynccontextmanager
async def reopened(folder: Path) -> AsyncIterator[Bench]:
    """The registry of an earlier `bench`, as a new process finds it."""
    clock = [1_700_000_000.0]
    async with (
        Store.open(folder / "records.db") as store,
        opened(store, settings(folder), lambda: clock[0]) as registry,
    ):
        yield Bench(store, registry, clock)


def settings(folder: Path) -> Settings:
    """Where a registry in this folder keeps everything."""
    return Settings(
        root=folder / "registry",
        certificate=folder / "registry.crt",
        key=folder / "registry.key",
        authority=folder / "ca.crt",
        authority_key=folder / "ca.key",
        token_key=folder / "token.key",
        doors_socket=folder / "doors.sock",
    )


def write_certificates(folder: Path) -> None:
    """The authority of an installation, and what it has signed for the registry."""
    now = datetime.now(UTC)
    authority = new_authority("test", now)
    shared = server_identity(authority, ["*.tencentcloudcr.com"], now)
    for name, content in (
        ("ca.crt", authority.certificate),
        ("ca.key", authority.key),
        ("registry.crt", shared.certificate),
        ("registry.key", shared.key),
    ):
        (folder / name).write_bytes(content)


def basic(username: str, password: str) -> str:
    """The header of a login."""
    return f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}"


def with_token(token: str, sent: Sent | None = None) -> Sent:
    """The same request with a token."""
    sent = sent or Sent()
    headers = {**sent.headers, "authorization": f"Bearer {token}"}
    return Sent(headers, sent.pieces, sent.is_cut_off)


def described(content: bytes, media_type: str) -> dict[str, object]:
    """A descriptor."""
    return {"mediaType": media_type, "digest": str(Digest.of(content)), "size": len(content)}


class _Wire:
    """The server's side of one request."""

    def __init__(self, sent: Sent) -> None:
        self._left = list(sent.pieces)
        self._is_cut_off = sent.is_cut_off
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = bytearray()

    async def receive(self) -> dict[str, Any]:
        if not self._left:
            return {"type": "http.disconnect"}
        piece = self._left.pop(0)
        more = bool(self._left) or self._is_cut_off
        return {"type": "http.request", "body": piece, "more_body": more}

    async def send(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = int(message["status"])
            for name, value in message["headers"]:
                held = self.headers.get(name.decode())
                text = value.decode("latin-1")
                self.headers[name.decode()] = text if held is None else f"{held}, {text}"
        else:
            self.body += message.get("body", b"")
