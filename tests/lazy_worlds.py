"""An agent's lazy layers with ropes that a test pulls, and images of which one layer is indexed."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from tests.images import file, tar

from towline.content.erofs import TAR_OFFSET
from towline.content.index_blob import (
    ARTIFACT_TYPE,
    HEAD_TYPE,
    LAYER_ANNOTATION,
    LayerIndex,
    encode_head,
)
from towline.content.index_build import build_index
from towline.content.layers import LayerStore
from towline.oci.digest import Digest
from towline.oci.manifest import Descriptor
from towline.oci.media_type import OCI_EMPTY, OCI_MANIFEST
from towline.oci.reference import Reference
from towline.pull.keyring import Login
from towline.pull.layers import Layer
from towline.pull.shortcut import NotThere, Offer
from towline.pull.wire import Transport
from towline.sandbox.lazy.hanging import Rope
from towline.sandbox.lazy.order import LazyLayer, Way
from towline.sandbox.lazy.start import LazyStarts

HOST = "demo.tencentcloudcr.com"
LARGE = tar(file("large", b"large " * 1_500_000))
SMALL = tar(file("small", b"small"))
SUBJECT = Descriptor(OCI_MANIFEST, Digest.of(b"the image"), 9)
WAY = Way(f"{HOST}/team/app:1")
TAR = "application/vnd.oci.image.layer.v1.tar"


@dataclass(eq=False)
class ScriptedRope:
    """Holds nothing; a test says what has come."""

    layers: Sequence[LazyLayer]
    ways: list[Way]
    end: asyncio.Future[str]
    log: list[str]
    descriptor: int = 77

    def add_way(self, way: Way) -> None:
        """See `Rope`."""
        self.ways.append(way)

    async def finished(self) -> str:
        """See `Rope`."""
        return await asyncio.shield(self.end)

    def filled(self) -> Mapping[str, tuple[int, int]]:
        """See `Rope`."""
        return {layer.diff_id: (layer.packed.size // 2, layer.packed.size) for layer in self.layers}

    async def untie(self) -> None:
        """See `Rope`."""
        self.log.append("untied")

    def fill(self, content: bytes = LARGE) -> None:
        """All has come."""
        for layer in self.layers:
            with Path(layer.path).open("r+b") as out:
                os.pwrite(out.fileno(), content, TAR_OFFSET)
        self.end.set_result("")


@dataclass
class ScriptedRopes:
    """Ropes in a process that can be begun anew: `standing` are those that somebody fills."""

    log: list[str]
    tied: list[ScriptedRope] = field(default_factory=list)
    standing: dict[Path, ScriptedRope] = field(default_factory=dict)
    refusal: Exception | None = None

    async def tie(self, layers: Sequence[LazyLayer], way: Way, folder: Path) -> Rope:
        """See `Ropes`."""
        if self.refusal is not None:
            raise self.refusal
        self.log.append("tied")
        end = asyncio.get_running_loop().create_future()
        rope = ScriptedRope(layers, [way], end, self.log)
        self.tied.append(rope)
        self.standing[folder] = rope
        return rope

    async def find(self, folder: Path) -> Rope | None:
        """See `Ropes`."""
        return self.standing.get(folder)


@dataclass
class Beside:
    """What a registry has beside the image; `bodies` may be spoilt by tests."""

    bodies: dict[Digest, bytes]
    found: tuple[Descriptor, ...]
    reads: int = 0

    async def referrers(self, artifact_type: str) -> tuple[Descriptor, ...]:
        """See `IndexReader`."""
        assert artifact_type == ARTIFACT_TYPE
        self.reads += 1
        await asyncio.sleep(0)
        return self.found

    async def content(self, descriptor: Descriptor, limit: int) -> bytes:
        """See `IndexReader`."""
        if descriptor.digest not in self.bodies or descriptor.size > limit:
            raise NotThere(f"{descriptor.digest} is not there")
        return self.bodies[descriptor.digest]


@dataclass
class World:
    """An agent's layers."""

    folder: Path
    layers: LayerStore
    log: list[str] = field(default_factory=list)
    ropes: ScriptedRopes = field(init=False)

    def __post_init__(self) -> None:
        self.ropes = ScriptedRopes(self.log)

    async def evict(self, layers: frozenset[Digest]) -> None:
        """See `Tenants`."""
        self.log += [f"evicted {diff_id}" for diff_id in layers]

    @asynccontextmanager
    async def agent(self) -> AsyncIterator[LazyStarts]:
        """For the length of one agent's life."""
        starts = LazyStarts(self.layers, self.ropes, self.folder / "ropes", lambda: {HOST})
        async with starts.running(self):
            yield starts

    @property
    def kept(self) -> list[Path]:
        """The folders of ropes."""
        return list((self.folder / "ropes").iterdir())


def layer(content: bytes) -> Layer:
    """A plain tar as an image has it."""
    return Layer(Descriptor(TAR, Digest.of(content), len(content)), Digest.of(content))


def offer(*layers: Layer, host: str = HOST) -> Offer:
    """An image."""
    reference = Reference.parse(f"{host}/team/app:1")
    return Offer(reference, Login("ann", "secret"), Transport.TLS, SUBJECT, layers)


def index(content: bytes, folder: Path) -> LayerIndex:
    """Of a layer."""
    packed = folder / "packed"
    packed.write_bytes(content)
    return build_index(packed, BytesIO())


def beside(known: LayerIndex, of: Layer, subject: Digest = SUBJECT.digest) -> Beside:
    """A registry that has indexed one layer."""
    head = encode_head(known)
    described = {
        "mediaType": HEAD_TYPE,
        "digest": str(Digest.of(head)),
        "size": len(head),
        "annotations": {LAYER_ANNOTATION: str(of.descriptor.digest)},
    }
    about = {"mediaType": OCI_MANIFEST, "digest": str(subject), "size": 9}
    empty = {"mediaType": OCI_EMPTY, "digest": str(Digest.of(b"{}")), "size": 2}
    body = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": ARTIFACT_TYPE,
            "config": empty,
            "layers": [described],
            "subject": about,
        }
    ).encode()
    artifact = Descriptor(OCI_MANIFEST, Digest.of(body), len(body))
    return Beside({Digest.of(head): head, Digest.of(body): body}, (artifact,))
