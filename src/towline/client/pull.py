"""An image fetched for a person: without a cluster, without root."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from towline.client.registry_access import RegistryAccess
from towline.content.extract import Extracted, extract, remove_tree, require_vacant
from towline.content.layers import LayerStore
from towline.linux.wire import SocketWire
from towline.oci.platform import Platform
from towline.oci.reference import Reference
from towline.pull.flow import PulledImage, pull
from towline.pull.progress import Progress


@dataclass(frozen=True, slots=True)
class PullWish:
    """What is to be pulled, for which machine, and how the registry is reached."""

    reference: Reference
    platform: Platform
    access: RegistryAccess


def pull_to_store(wish: PullWish, store: Path, progress: Progress) -> PulledImage:
    """Fetch an image's layers into a store of their own; raises `PullFailed` or `Problem`."""
    with _layers(store) as layers:
        return asyncio.run(_pull(wish, layers, progress))


def pull_to_folder(
    wish: PullWish, folder: Path, progress: Progress
) -> tuple[PulledImage, Extracted]:
    """Fetch an image and write its files into a new folder.

    The layers lie beside the folder until it is complete, so that a full disk elsewhere does not
    matter. Interrupted, it leaves nothing.
    """
    require_vacant(folder)
    beside = folder.with_name(f".{folder.name}.layers-{secrets.token_hex(4)}")
    try:
        with _layers(beside) as layers:
            pulled = asyncio.run(_pull(wish, layers, progress))
            files = extract([layers.path(diff_id) for diff_id in pulled.diff_ids], folder)
    finally:
        remove_tree(beside)
    return pulled, files


@contextlib.contextmanager
def _layers(root: Path) -> Iterator[LayerStore]:
    layers = LayerStore(root)
    try:
        yield layers
    finally:
        layers.close()


async def _pull(wish: PullWish, layers: LayerStore, progress: Progress) -> PulledImage:
    wire = SocketWire(ca_file=wish.access.ca_file)
    try:
        return await pull(
            wish.reference,
            wish.access.policy(wish.reference),
            wish.access.keyring(wish.reference),
            wire=wire,
            layers=layers,
            platform=wish.platform,
            progress=progress,
        )
    finally:
        wire.close()
