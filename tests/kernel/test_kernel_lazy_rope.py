"""Layers on a rope: whoever reads sees the right bytes or waits, whoever else is killed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.lazy_layers import files, with_holes
from tests.registries import docker_registry

from towline.content.layer_file import LayerFile
from towline.sandbox.lazy.rope import Rope, Whole

pytestmark = pytest.mark.root


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A registry's."""
    with docker_registry(tmp_path) as at:
        yield at


async def digest(path: Path) -> tuple[int, str]:
    """What a process of its own gets to read: its exit code and the digest."""
    reader = await asyncio.create_subprocess_exec(
        "sha256sum", str(path), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    said, _ = await reader.communicate()
    return reader.returncode or 0, said[:64].decode()


async def test_layers_are_read_before_they_are_whole_and_become_whole(
    tmp_path: Path, address: str
) -> None:
    """Every byte is right at once, and in the end both files verify and no process is left."""
    holes = with_holes(tmp_path, address, [files(1), files(2)])
    rope = await Rope.tie(holes.layers, holes.way(address), tmp_path / "rope", None)
    with holes.mounted() as at:
        seen = {
            (layer, name): (await digest(at[layer] / name))[1] for layer, name in holes.digests()
        }
        end = await rope.finished()

    assert seen == holes.digests()
    assert end == Whole()
    for layer in holes.layers:
        LayerFile.open(Path(layer.path)).verify()
