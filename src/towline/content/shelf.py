"""A folder of layers as anybody may look at it, also while another process has it open.

Layers never change once they have their names, so reading needs no lock; one that goes meanwhile is
as if it had not been there. What keeps them is `layers`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from towline.content.garbage import KeptLayer
from towline.content.layer_file import DamagedLayer, LayerFile
from towline.oci.digest import Algorithm, Digest


@dataclass(frozen=True, slots=True)
class Examined:
    """A layer that was hashed again from its first byte to its last."""

    layer: KeptLayer
    damage: str
    """What is wrong with it; empty when nothing is."""


def layers_in(root: Path) -> tuple[KeptLayer, ...]:
    """All layers in a folder, which need not be there; those wanted last at the end."""
    return tuple(sorted(_layers(root), key=lambda layer: layer.wanted_at))


def examine(root: Path) -> Iterator[Examined]:
    """Hash every layer again, one after the other."""
    for layer in layers_in(root):
        path = place(root, layer.diff_id)
        damage = _damage(path, layer.diff_id)
        if path.exists():
            yield Examined(layer, damage)


def place(root: Path, diff_id: Digest) -> Path:
    """Where a layer is, or would be."""
    return root / diff_id.algorithm / diff_id.hex


def _layers(root: Path) -> Iterator[KeptLayer]:
    for algorithm in Algorithm:
        with contextlib.suppress(FileNotFoundError):
            for path in (root / algorithm).iterdir():
                with contextlib.suppress(FileNotFoundError):
                    status = path.stat()
                    diff_id = Digest(algorithm, path.name)
                    yield KeptLayer(diff_id, status.st_blocks * 512, status.st_mtime_ns)


def _damage(path: Path, diff_id: Digest) -> str:
    try:
        file = LayerFile.open(path)
        if file.diff_id != diff_id:
            return f"{path} holds {file.diff_id}"
        file.verify()
    except (DamagedLayer, OSError) as error:
        return str(error)
    return ""
