"""An image with an index beside it, as our registry keeps it, and a registry that can hold it back."""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import msgspec
from aiohttp import web
from tests.images import MadeImage, busybox_tar, file, image, noise, tar
from tests.registries import ScriptedRegistry, ranged

from towline.content.index_blob import (
    ARTIFACT_TYPE,
    HEAD_TYPE,
    LAYER_ANNOTATION,
    WINDOWS_TYPE,
    encode_head,
)
from towline.content.index_build import build_index
from towline.oci.digest import Digest
from towline.oci.media_type import OCI_EMPTY, OCI_INDEX, OCI_MANIFEST

PARTS = [noise(4_000_000, seed) for seed in (1, 2, 3)]
SUMS = [hashlib.md5(part).hexdigest() for part in PARTS]
LARGE = tar(*(file(f"part{number}", part) for number, part in enumerate(PARTS)))


@dataclass
class LazyImage:
    """Busybox, and above it a layer of twelve megabytes that is indexed."""

    made: MadeImage = field(default_factory=lambda: image(busybox_tar(), LARGE))
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    """The bytes of the large layer come while it is set."""
    wrong_span: int | None = None
    """The index says something else of this span than what the layer has."""

    @property
    def layer(self) -> Digest:
        """The large layer."""
        return self.made.layers[1]

    @property
    def diff_id(self) -> Digest:
        """What it unpacks to."""
        return self.made.diff_ids[1]

    def registry(self, folder: Path) -> ScriptedRegistry:
        """Serves it with its index; the folder is for making that."""
        packed, windows = folder / "packed", BytesIO()
        packed.write_bytes(self.made.blobs[self.layer])
        index = build_index(packed, windows)
        if self.wrong_span is not None:
            spans = list(index.spans)
            wrong = msgspec.structs.replace(spans[self.wrong_span], sha256=b"x" * 32)
            spans[self.wrong_span] = wrong
            index = msgspec.structs.replace(index, spans=tuple(spans))
        blobs = [self._kept(HEAD_TYPE, encode_head(index))]
        if windows.getvalue():
            blobs.append(self._kept(WINDOWS_TYPE, windows.getvalue()))
        artifact = self._artifact(blobs)
        listed = {**_described(OCI_MANIFEST, artifact), "artifactType": ARTIFACT_TYPE}
        body = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [listed]}

        async def referrers(_: web.Request) -> web.Response:
            return web.Response(text=json.dumps(body), content_type=OCI_INDEX)

        return ScriptedRegistry(
            self.made,
            {str(Digest.of(artifact)): (artifact, OCI_MANIFEST)},
            {
                f"GET /referrers/{self.made.digest}": referrers,
                f"GET /blobs/{self.layer}": self._large,
            },
        )

    async def _large(self, request: web.Request) -> web.Response:
        await self.gate.wait()
        return ranged(request, self.made.blobs[self.layer])

    def _kept(self, media_type: str, content: bytes) -> dict[str, object]:
        self.made.blobs[Digest.of(content)] = content
        annotations = {LAYER_ANNOTATION: str(self.layer)}
        return {**_described(media_type, content), "annotations": annotations}

    def _artifact(self, blobs: list[dict[str, object]]) -> bytes:
        document = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": ARTIFACT_TYPE,
            "config": _described(OCI_EMPTY, b"{}"),
            "layers": blobs,
            "subject": _described(self.made.media_type, self.made.manifest),
        }
        return json.dumps(document).encode()


def _described(media_type: str, content: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": str(Digest.of(content)), "size": len(content)}
