"""Volumes as folders of ours that are bound into containers.

Secrets and ConfigMaps are written once, before the container runs, into memory: so no process ever
sees half of one, and none of it reaches the disk. An emptyDir is a folder of the pod, open to every
user as the kubelet makes it.
"""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path, PurePosixPath
from typing import assert_never

from towline.cluster.node.provider import ContainerSpec, Mount, ScratchVolume, VolumeFiles
from towline.linux.mounts import make_folders, mount_part, unmount_if_mounted
from towline.sandbox.pod_folder import ContainerFolder
from towline.sandbox.runtime_spec import Bind

_FILE_MODE = 0o644  # the kubelet's defaultMode
_SCRATCH_MODE = 0o777  # pkg/volume/emptydir/empty_dir.go


class NoSuchPart(Exception):
    """A volume does not have what a mount wants to show of it; the text is the mount's path."""


def write_volumes(folder: ContainerFolder, spec: ContainerSpec) -> tuple[Bind, ...]:
    """Make what the container's mounts show, and say where it is; raises `NoSuchPart`."""
    group = spec.privileges.volumes_group
    return tuple(_bind(folder, number, mount, group) for number, mount in enumerate(spec.mounts))


def remove_volumes(folder: ContainerFolder) -> None:
    """Forget what was this container's alone."""
    for part in folder.parts.glob("*"):
        unmount_if_mounted(part)
    for own in (folder.parts, folder.volumes):
        if own.exists():
            shutil.rmtree(own)


def _bind(folder: ContainerFolder, number: int, mount: Mount, group: int | None) -> Bind:
    place = _source(folder, number, mount, group)
    shown = _part(place, mount, folder.parts / str(number)) if mount.sub_path else place
    read_only = mount.read_only or isinstance(mount.source, VolumeFiles)
    return Bind(mount.path, shown, read_only)


def _source(folder: ContainerFolder, number: int, mount: Mount, group: int | None) -> Path:
    match mount.source:
        case VolumeFiles(files):
            place = folder.volumes / str(number)
            place.mkdir(parents=True)
            for name, content in files.items():
                _write(place, name, content)
            _give(place, group)
        case ScratchVolume(name):
            place = folder.pod.scratch(_single(name))
            if not place.exists():
                place.mkdir()
                place.chmod(_SCRATCH_MODE)
                _give(place, group)
        case _:
            assert_never(mount.source)
    return place


def _part(place: Path, mount: Mount, shown: Path) -> Path:
    try:
        if isinstance(mount.source, ScratchVolume):
            make_folders(place, mount.sub_path, _SCRATCH_MODE)
        mount_part(place, mount.sub_path, shown)
    except OSError as error:
        raise NoSuchPart(mount.path) from error
    return shown


def _write(place: Path, name: str, content: bytes) -> None:
    relative = PurePosixPath(name)
    if relative.is_absolute() or not relative.parts or ".." in relative.parts:
        raise ValueError(f"{name!r} is no file of a volume")
    path = place / relative
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(_FILE_MODE)


def _give(place: Path, group: int | None) -> None:
    """Make a group's what was just made, and what will be made in it (`pkg/volume/volume_linux.go`)."""
    if group is None:
        return
    for path in (place, *place.rglob("*")):
        os.chown(path, -1, group)
        if path.is_dir():
            path.chmod(path.stat().st_mode | stat.S_ISGID)


def _single(name: str) -> str:
    if name in {"", ".", ".."} or "/" in name:
        raise ValueError(f"{name!r} is no name of a volume")
    return name
