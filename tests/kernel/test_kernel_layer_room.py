"""A disk that fills up while a layer is written: one exact error, and nothing of it stays."""

from __future__ import annotations

import gzip
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.images import file, tar

from towline.content.layers import LayerStore
from towline.oci import media_type
from towline.oci.digest import Digest
from towline.oci.manifest import Descriptor
from towline.pull import failure as f
from towline.pull.layers import Layer

pytestmark = pytest.mark.root
SIZE = 4 * 1024 * 1024
LARGE = tar(file("zeros", bytes(2 * SIZE)))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A filesystem of four megabytes."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tl-room", tmp_path], check=True)
    yield tmp_path
    subprocess.run(["umount", tmp_path], check=True)


class Bytes:
    """A body, and the source that gives it."""

    registry = "registry.test"

    def __init__(self, content: bytes) -> None:
        self.content = content
        self._rest = content

    async def open(self, _: int) -> tuple[Bytes, int]:
        """All of it."""
        return Bytes(self.content), 0

    async def part(self, _: int, __: int) -> Bytes | None:
        """No parts."""
        return None

    def readinto(self, buffer: memoryview, /) -> int:
        """As much as fits."""
        count = min(len(buffer), len(self._rest))
        buffer[:count], self._rest = self._rest[:count], self._rest[count:]
        return count

    def close(self) -> None:
        """Nothing is open."""


async def take(store: LayerStore, content: bytes) -> Digest:
    """Take a layer in."""
    packed = gzip.compress(content, 9)
    descriptor = Descriptor(media_type.OCI_LAYER_GZIP, Digest.of(packed), len(packed))
    await store.add(Layer(descriptor, Digest.of(content)), Bytes(packed), lambda _: None)
    return Digest.of(content)


async def test_a_disk_that_fills_up_is_left_as_it_was(disk: Path) -> None:
    """A layer of zeros looks small until it is unpacked. One that fits comes in afterwards."""
    store = LayerStore(disk / "layers")
    try:
        with pytest.raises(f.Failed) as caught:
            await take(store, LARGE)
        cause = caught.value.failure.cause
        assert isinstance(cause, f.StorageFailed)
        assert "no space left on device (the layer has" in cause.detail
        assert list((disk / "layers" / "partial").iterdir()) == []

        assert store.has(await take(store, tar(file("small", bytes(SIZE // 2)))))
    finally:
        store.close()
