"""Debian's docker-registry behind an address of the laboratory, with one image in it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.images import file, image, tar
from tests.laboratory.http_service import Service
from tests.laboratory.passing_on import forwarding
from tests.laboratory.picture import TAG
from tests.registries import docker_registry, put_image


@dataclass(frozen=True, slots=True)
class RealRegistry:
    """Stands in a situation for the process, whose address is known when it runs."""

    repository: str = "team/app"


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Service]:
    """What passes everything on to it, for the length of the block."""
    folder.mkdir()
    with docker_registry(folder) as address:
        put_image(address, RealRegistry().repository, TAG, image(tar(file("app", b"real"))))
        yield forwarding(address)
