"""What a process may do: its user and groups, its capabilities, and whether it can gain any."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.images import busybox_tar, image
from tests.sandboxes import Stage, staged

pytestmark = pytest.mark.root
BUSYBOX = image(busybox_tar(), User="1000:1000")


@pytest.fixture(params=["crun", "runc"])
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stage]:
    """With each runtime."""
    async with staged(tmp_path, request.param, BUSYBOX) as made:
        yield made


async def test_the_images_user_stays_in_another_group(stage: Stage) -> None:
    """It does not become root."""
    _, said = await stage.run("echo $(id -u):$(id -g)", user=":2000")

    assert said == "1000:2000\n"
