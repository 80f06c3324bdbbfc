"""Indexes the layers of every image that is pushed, behind everybody's back.

A push does not wait for it and does not even tell it: the database says when it has changed, and
which images have no index. So nothing is lost with a process, and what was pushed before there were
indexes gets one too. One layer at a time is indexed, by a process of the lowest priority
(`content/index_process`), and small layers are not: they are fetched before anybody would notice. An
image of which no layer can be indexed is asked about again only after a restart.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import sys
import uuid
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from towline.content.index_blob import HEAD_TYPE, LAYER_ANNOTATION, WINDOWS_TYPE
from towline.content.index_process import HEAD, REFUSED, WINDOWS
from towline.oci.digest import Algorithm
from towline.oci.manifest import Descriptor
from towline.oci.media_type import layer_compression
from towline.registry import database
from towline.registry.catalogue import Catalogue
from towline.registry.change import Place
from towline.registry.index_change import (
    CONFIG,
    EMPTY,
    Image,
    indexed_layer,
    next_without_index,
    put_index,
)
from towline.registry.journal import Journal
from towline.registry.vault import Vault

SMALLEST = 1024 * 1024  # packed bytes of a layer that is worth it
INTERVAL = 1.0  # seconds between looks at whether the database has changed
_MODULE = "towline.content.index_process"
_log = structlog.get_logger("towline.registry")


class LayerIndexer:
    """Makes the indexes that are missing."""

    def __init__(self, vault: Vault, journal: Journal, catalogue: Catalogue, root: Path) -> None:
        self._vault = vault
        self._journal = journal
        self._catalogue = catalogue
        self._folder = root / "indexing"
        self._database = database.reader(root / "registry.db")
        self._after = 0
        """Images up to this number have an index, or can have none."""

    async def run(self) -> None:
        """Index what is there and what comes, until cancelled."""
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)
        seen = -1
        while True:
            (version,) = self._database.execute("PRAGMA data_version").fetchone()
            if version != seen:
                seen = version
                try:
                    await self.index_all()
                except (OSError, sqlite3.Error):
                    _log.exception("indexing-failed")
            await asyncio.sleep(INTERVAL)

    async def index_all(self) -> None:
        """Index every image that has no index and may get one."""
        while image := await asyncio.to_thread(next_without_index, self._database, self._after):
            await self._index(image)
            self._after = image.number

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    async def _index(self, image: Image) -> None:
        blobs = list[Descriptor]()
        for layer in dict.fromkeys(image.manifest.layers):
            if _is_worth_it(layer):
                blobs += await self._indexed(image.place, layer)
        if not blobs:
            return
        await self._keep(image.place, EMPTY, CONFIG.media_type)
        done = await self._journal.write(lambda tables: put_index(tables, image, blobs))
        self._catalogue.drop(image.place)
        if done:
            place = image.place
            _log.info(
                "image-indexed",
                instance=place.instance_id,
                repository=place.repository,
                digest=str(image.subject.digest),
            )

    async def _indexed(self, place: Place, layer: Descriptor) -> tuple[Descriptor, ...]:
        """The blobs of a layer's index; none when it can have none."""
        known = await asyncio.to_thread(indexed_layer, self._database, place, layer)
        if known:
            return known
        self._folder.mkdir(exist_ok=True)
        with TemporaryDirectory(dir=self._folder) as made:
            folder = Path(made)
            if not await self._build(layer, folder):
                return ()
            files = ((HEAD, HEAD_TYPE), (WINDOWS, WINDOWS_TYPE))
            kept = [
                await self._keep(place, content, media_type)
                for name, media_type in files
                if (content := await asyncio.to_thread((folder / name).read_bytes))
            ]
        return tuple(_for(layer, one) for one in kept)

    async def _build(self, layer: Descriptor, folder: Path) -> bool:
        """Run the process; False when the layer can have no index."""
        path = self._vault.blobs.path(layer.digest)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", _MODULE, path, folder,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            said, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode == 0:
            return True
        tell = _log.info if process.returncode == REFUSED else _log.error
        reason = said.decode(errors="replace") or f"exit code {process.returncode}"
        tell("layer-not-indexed", layer=str(layer.digest), reason=reason)
        return False

    async def _keep(self, place: Place, content: bytes, media_type: str) -> Descriptor:
        draft = self._vault.blobs.draft(str(uuid.uuid4()))
        await self._vault.in_thread(partial(draft.append, (content,)))
        digest = await self._vault.in_thread(partial(draft.digest, Algorithm.SHA256))
        await self._vault.keep(draft, place, digest, lambda _: None)
        return Descriptor(media_type, digest, len(content))


def _is_worth_it(layer: Descriptor) -> bool:
    can_be = layer_compression(layer.media_type) is not None and not layer.urls
    return can_be and layer.size >= SMALLEST


def _for(layer: Descriptor, blob: Descriptor) -> Descriptor:
    annotations = {LAYER_ANNOTATION: str(layer.digest)}
    return Descriptor(blob.media_type, blob.digest, blob.size, annotations=annotations)
