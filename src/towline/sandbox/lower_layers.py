"""An image's layers as folders, to be stacked below what a container writes.

Where the kernel can, each layer file is mounted as it is, once for all pods: its pages are then in
memory once. Where it cannot, an image's layers are written out, merged, once for each image; so they
are when one of them is not whole by itself, as with a hard link to a file of a lower layer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from towline.content.extract import extract, remove_tree
from towline.content.layer_file import seal
from towline.content.overlay_marks import hides_below
from towline.content.tree import Node, build_tree
from towline.linux.mounts import CannotMountFiles, mount_layer, unmount_if_mounted
from towline.oci.digest import Digest
from towline.sandbox.implied_folders import described_folders
from towline.sandbox.thread_work import in_thread

Stack = tuple[Digest, ...]
"""The layers of one image, lowest first."""
_PATCH_FILE = ".layer"


class LayerPaths(Protocol):
    """Where verified layers are; the layer store's part that is needed here."""

    def path(self, diff_id: Digest) -> Path:
        """The file of a layer."""
        ...


class LayersToMount(LayerPaths, Protocol):
    """Layers that may be used as they are."""

    def is_mountable(self, diff_id: Digest) -> bool:
        """Whether a layer shows all its files by itself."""
        ...


class LowerLayers(Protocol):
    """Layers that can be stacked."""

    async def folders(self, stack: Stack) -> tuple[Path, ...]:
        """The layers as folders, lowest first; they stay until `keep_only` lets them go."""
        ...

    async def keep_only(self, used: Callable[[], Collection[Stack]]) -> None:
        """Let everything go that none of these images needs, as they are when it comes to that: an
        image counts as used before its folders are asked for.
        """
        ...


def lower_layers(folder: Path, layers: LayersToMount) -> LowerLayers:
    """Whichever way this kernel offers; the folder is its own."""
    written = ExtractedLayers(folder / "images", layers)
    if _can_mount(folder):
        return MountedLayers(folder / "layers", layers, written)
    return written


class MountedLayers:
    """Each layer file mounted once; `otherwise` has the images that cannot be had so."""

    def __init__(self, folder: Path, layers: LayersToMount, otherwise: LowerLayers) -> None:
        self._folder = folder
        self._layers = layers
        self._otherwise = otherwise
        self._lock = asyncio.Lock()
        folder.mkdir(parents=True, exist_ok=True)

    async def folders(self, stack: Stack) -> tuple[Path, ...]:
        """See `LowerLayers`. A mount takes less than a millisecond, but of a layer that is not whole
        somebody else has to answer first, and that may be a process that we have to start again.
        """
        async with self._lock:
            found = await in_thread(lambda: self._stacked(stack))
        return await self._otherwise.folders(stack) if found is None else found

    async def keep_only(self, used: Callable[[], Collection[Stack]]) -> None:
        """See `LowerLayers`. A container that stacks on a mount keeps it for itself."""
        async with self._lock:
            stacks = used()
            names = {_mount_name(diff_id) for stack in stacks for diff_id in stack}
            names |= {_patch_name(stack) for stack in stacks}
            for place in self._folder.iterdir():
                if place.suffix == _PATCH_FILE:
                    place.unlink()  # we were killed before it was mounted
                elif place.name not in names:
                    unmount_if_mounted(place)
                    place.rmdir()
        await self._otherwise.keep_only(used)

    def _stacked(self, stack: Stack) -> tuple[Path, ...] | None:
        """None when they cannot be mounted."""
        if not all(map(self._layers.is_mountable, stack)):
            return None
        lowers = _visible([self._mounted(diff_id) for diff_id in _needed(stack)])
        return (*lowers, *self._described(stack, lowers))

    def _mounted(self, diff_id: Digest) -> Path:
        place = self._folder / _mount_name(diff_id)
        place.mkdir(exist_ok=True)
        if not place.is_mount():
            mount_layer(self._layers.path(diff_id), place)
        return place

    def _described(self, stack: Stack, lowers: Sequence[Path]) -> Iterator[Path]:
        """One layer more where these only imply folders; the mount keeps what it is made of."""
        place = self._folder / _patch_name(stack)
        if not place.is_mount():
            tree = described_folders(lowers)
            if tree is None:
                return
            place.mkdir(exist_ok=True)
            file = place.with_suffix(_PATCH_FILE)
            _write_layer(file, tree)
            mount_layer(file, place)
            file.unlink()
        yield place


class ExtractedLayers:
    """All layers of an image written out as one folder."""

    def __init__(self, folder: Path, layers: LayerPaths) -> None:
        self._folder = folder
        self._layers = layers
        self._lock = asyncio.Lock()
        folder.mkdir(parents=True, exist_ok=True)

    async def folders(self, stack: Stack) -> tuple[Path, ...]:
        """See `LowerLayers`."""
        place = self._folder / _image_name(stack)
        async with self._lock:
            if stack and not place.exists():
                files = [self._layers.path(diff_id) for diff_id in stack]
                await in_thread(lambda: extract(files, place))
        return (place,) if stack else ()

    async def keep_only(self, used: Callable[[], Collection[Stack]]) -> None:
        """See `LowerLayers`."""
        async with self._lock:
            names = {_image_name(stack) for stack in used()}
            for place in list(self._folder.iterdir()):
                if place.name not in names:
                    await in_thread(partial(remove_tree, place))


def _needed(stack: Stack) -> Stack:
    """Without layers that come again further up: there they show all that they have, and the kernel
    takes no folder twice (`ELOOP`, "overlapping lowerdir path").
    """
    return tuple(dict.fromkeys(reversed(stack)))[::-1]


def _visible(layers: Sequence[Path]) -> Sequence[Path]:
    """Without those below a root that hides them: overlayfs asks every folder for that, but roots."""
    for number in reversed(range(len(layers))):
        if hides_below(layers[number]):
            return layers[number:]
    return layers


def _mount_name(diff_id: Digest) -> str:
    return f"{diff_id.algorithm}-{diff_id.hex}"


def _patch_name(stack: Stack) -> str:
    return f"folders-{_image_name(stack)}"


def _image_name(stack: Sequence[Digest]) -> str:
    return sha256(" ".join(map(str, stack)).encode()).hexdigest()


def _can_mount(folder: Path) -> bool:
    """Mount a layer of nothing and see."""
    file, place = folder / "probe.layer", folder / "probe"
    place.mkdir(parents=True, exist_ok=True)
    try:
        _write_layer(file, build_tree(()))
        mount_layer(file, place)
    except CannotMountFiles:
        return False
    finally:
        unmount_if_mounted(place)
        place.rmdir()
        file.unlink(missing_ok=True)
    return True


def _write_layer(file: Path, tree: Node) -> None:
    """A layer file with folders only."""
    with file.open("wb") as out:
        seal(out.fileno(), Digest.of(b""), 0, tree)
