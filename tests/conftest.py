"""What all chapters of the suite share: who may run them, and saying loudly what could not be run."""

from __future__ import annotations

import os
import sys

import pytest
from hypothesis import settings

# How long an example takes depends on who else uses the machine.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def needs_root() -> bool:
    """Whether this run lacks the privileges that tests marked `root` need."""
    return sys.platform != "linux" or os.geteuid() != 0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs root where there is none; the closing summary names every one of them."""
    if not needs_root():
        return
    skip = pytest.mark.skip(reason="needs root on Linux: run `sudo make test`")
    for item in items:
        if "root" in item.keywords:
            item.add_marker(skip)
