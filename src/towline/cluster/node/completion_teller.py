"""Tells how images came to their end whose pods started before.

Nothing waits for it: it is said beside the pod's life, once for each image, and only as long as the
pod is there.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import structlog

from towline.cluster.node import texts
from towline.cluster.node.provider import Image, Images
from towline.cluster.node.voice import Voice

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Awaited:
    """An image that a pod uses while it comes."""

    uid: str
    """The pod's."""
    image: Image
    name: str
    """As the pod has it."""
    voice: Voice


class CompletionTeller:
    """Those of one node's pods."""

    def __init__(self, images: Images) -> None:
        self._images = images
        self._arrivals: asyncio.Queue[Awaited] = asyncio.Queue()
        self._telling = dict[tuple[str, Image], asyncio.Task[None]]()

    async def run(self) -> None:
        """Tell what there is to tell, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                awaited = await self._arrivals.get()
                key = awaited.uid, awaited.image
                if key not in self._telling:
                    self._telling[key] = tasks.create_task(self._tell(awaited))

    def follow(self, awaited: Awaited) -> None:
        """Tell of the end of an image; returns at once."""
        self._arrivals.put_nowait(awaited)

    def forget(self, pod_uid: str) -> None:
        """Say nothing more of a pod that is gone."""
        for key in [key for key in self._telling if key[0] == pod_uid]:
            self._telling.pop(key).cancel()

    async def _tell(self, awaited: Awaited) -> None:
        try:
            end = await self._images.completion(awaited.uid, awaited.image)
        except Exception:  # noqa: BLE001  # a defect here must not end the node's other work
            _log.exception("the end of an image is not known", image=awaited.name)
        else:
            if end is not None:
                awaited.voice.say(texts.lazy_end(awaited.name, end))
        finally:
            self._telling.pop((awaited.uid, awaited.image), None)
