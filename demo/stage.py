"""Setting up and clearing away what the story happens in."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from demo.chapter.clients import CACHE, VERSIONS
from demo.installation import DIAL_TIMEOUT, Installation
from demo.outside import Outside
from demo.story import NAMESPACE, REGISTRY, Story
from demo.teller import Teller


@contextlib.contextmanager
def stage(folder: Path, teller: Teller, *, dial_timeout: int = DIAL_TIMEOUT) -> Iterator[Story]:
    """A running installation with one registry and the registries outside; all removed at the end.

    Raises `Unexpected` when a story that went well cannot be cleared away.
    """
    kubectl = CACHE / VERSIONS[-1] / "kubectl"
    installation = Installation(folder / "data", kubectl, dial_timeout)
    teller.chapter("Up: registry, cluster, cloud and agent")
    teller.command("towline up --detach")
    try:
        teller.tell(installation.towline("up", "--detach").succeeded().out.strip())
        teller.command(f"towline instance create {REGISTRY}")
        installation.towline("instance", "create", REGISTRY).succeeded()
        teller.command(f"towline namespace create {REGISTRY} {NAMESPACE}")
        installation.towline("namespace", "create", REGISTRY, NAMESPACE).succeeded()
        outside = Outside(installation.data_centre(), folder)
        with outside.registries():
            yield Story(installation, outside, folder, teller)
    except BaseException:
        installation.towline("down")
        raise
    installation.towline("down").succeeded()
