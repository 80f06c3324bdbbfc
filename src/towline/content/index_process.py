"""Indexes one layer in a process of its own: `python -m towline.content.index_process LAYER FOLDER`.

A layer comes from anybody, and an index takes as long as inflating it. So this has the lowest
priority, a bound to its memory, and nothing else to lose. It leaves `head` and `windows` in the
folder and exits with 0; a layer that can have no index is `REFUSED`, with the reason as output.
"""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path

from towline.content.index_blob import BadIndex, encode_head
from towline.content.index_build import build_index
from towline.content.index_deflate import NoZlib
from towline.content.tar_field import BadTar

HEAD, WINDOWS = "head", "windows"
REFUSED = 3
MAX_MEMORY = 3 * 1024**3  # bytes of address space: four million files take half of it
_NICEST = 19


def write_index(layer: Path, folder: Path) -> None:
    """Leave the two files of a layer's index in a folder; raises as `build_index` does."""
    with (folder / WINDOWS).open("wb") as windows:
        index = build_index(layer, windows)
    (folder / HEAD).write_bytes(encode_head(index))


def main() -> int:
    """The process; its exit code."""
    layer, folder = map(Path, sys.argv[1:])
    os.nice(_NICEST)
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    try:
        write_index(layer, folder)
    except (BadIndex, BadTar, NoZlib) as error:
        sys.stdout.write(str(error))
        return REFUSED
    except MemoryError:
        sys.stdout.write("the layer takes too much memory to index")
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main())
