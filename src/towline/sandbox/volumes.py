"""Volumes as folders of ours that are bound into containers.

Secrets and ConfigMaps are written once, before the container runs, into memory: so no process ever
sees half of one, and none of it reaches the disk. An emptyDir is a folder of the pod, open to every
user as the kubelet makes it.
"""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath
from typing import assert_never

from towline.cluster.node.provider import ContainerSpec, Mount, ScratchVolume, VolumeFiles
from towline.sandbox.pod_folder import ContainerFolder
from towline.sandbox.runtime_spec import Bind

_FILE_MODE = 0o644  # the kubelet's defaultMode
_SCRATCH_MODE = 0o777  # pkg/volume/emptydir/empty_dir.go


def write_volumes(folder: ContainerFolder, spec: ContainerSpec) -> tuple[Bind, ...]:
    """Make what the container's mounts show, and say where it is."""
    return tuple(_bind(folder, number, mount) for number, mount in enumerate(spec.mounts))


def remove_volumes(folder: ContainerFolder) -> None:
    """Forget the files that were this container's alone."""
    shutil.rmtree(folder.volumes, ignore_errors=True)


def _bind(folder: ContainerFolder, number: int, mount: Mount) -> Bind:
    match mount.source:
        case VolumeFiles(files):
            place = folder.volumes / str(number)
            for name, content in files.items():
                _write(place, name, content)
            place.mkdir(parents=True, exist_ok=True)
            return Bind(mount.path, place, read_only=True)
        case ScratchVolume(name):
            place = folder.pod.scratch(_single(name))
            if not place.exists():
                place.mkdir()
                place.chmod(_SCRATCH_MODE)
            return Bind(mount.path, place, mount.read_only)
        case _:
            assert_never(mount.source)


def _write(place: Path, name: str, content: bytes) -> None:
    relative = PurePosixPath(name)
    if relative.is_absolute() or not relative.parts or ".." in relative.parts:
        raise ValueError(f"{name!r} is no file of a volume")
    path = place / relative
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(_FILE_MODE)


def _single(name: str) -> str:
    if name in {"", ".", ".."} or "/" in name:
        raise ValueError(f"{name!r} is no name of a volume")
    return name
