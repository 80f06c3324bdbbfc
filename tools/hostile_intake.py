"""Takes one layer from a file into a store of its own, as a pull does: `bench/hostile.py` looks at
what that costs.

    python -m tools.hostile_intake PACKED DIFF-ID DIGEST FOLDER
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path

from towline.content.layers import LayerStore
from towline.oci import media_type
from towline.oci.digest import Digest
from towline.oci.manifest import Descriptor
from towline.pull.failure import Failed, LayerUnusable
from towline.pull.layers import Layer


class FileBody:
    """A layer's bytes from a file; see `towline.pull.wire.Body`."""

    def __init__(self, path: Path, offset: int) -> None:
        self._file = path.open("rb", buffering=0)
        self._file.seek(offset)

    def readinto(self, buffer: memoryview, /) -> int:
        """The next ones."""
        return self._file.readinto(buffer) or 0

    def close(self) -> None:
        """No more."""
        self._file.close()


@dataclass(frozen=True, slots=True)
class FileSource:
    """A registry that has one layer; see `towline.pull.layers.Source`."""

    path: Path
    registry: str = "hostile.test"

    async def open(self, offset: int) -> tuple[FileBody, int]:
        """From an offset on."""
        return FileBody(self.path, offset), offset

    async def part(self, begin: int, end: int) -> None:
        """There are no parts here."""


def take(packed: Path, layer: Layer, root: Path) -> None:
    """Take a layer into a store of its own, and say how it ended and what memory it took."""
    store = LayerStore(root)
    try:
        asyncio.run(store.add(layer, FileSource(packed), lambda _: None))
        print("taken")
    except Failed as failed:
        cause = failed.failure.cause
        print(cause.detail if isinstance(cause, LayerUnusable) else cause)
    finally:
        store.close()
    print(_peak())


def _peak() -> str:
    """The most memory that this process has had, in KiB. (What wait4(2) says includes that of the
    process which started it.)
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(line.split()[1] for line in lines if line.startswith("VmHWM"))


def main() -> None:
    """As the command line says."""
    packed, diff_id, digest, root = sys.argv[1:]
    size = Path(packed).stat().st_size
    descriptor = Descriptor(media_type.OCI_LAYER_GZIP, Digest.parse(digest), size)
    take(Path(packed), Layer(descriptor, Digest.parse(diff_id)), Path(root))


if __name__ == "__main__":
    main()
