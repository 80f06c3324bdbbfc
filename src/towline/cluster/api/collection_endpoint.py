"""What is asked of many objects at once: list, watch, delete all that are meant."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator

from towline.cluster.api import body
from towline.cluster.api.address import Address
from towline.cluster.api.call import Answer, Call, Stream
from towline.cluster.api.deletion import DeleteOptions, delete
from towline.cluster.api.object_endpoint import rendering_of
from towline.cluster.api.objects import Objects
from towline.cluster.api.page import Page, Pages, Selection, is_number
from towline.cluster.api.rendering import Rendering, event_line
from towline.cluster.api.treatment import treatment_of
from towline.cluster.api.watching import Notice, Watching, WatchWish
from towline.kube import refusal

SHORTEST_WATCH = 1800  # seconds; a watch without a limit ends between this and twice this, as
# kube-apiserver's --min-request-timeout has it, so that clients do not come back all at once
_INITIAL_END = {"k8s.io/initial-events-end": "true"}


class CollectionEndpoint:
    """Answers requests about collections."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._pages = Pages(objects.store)

    async def list(self, call: Call, address: Address) -> Answer:
        """A list, or one page of it."""
        rendering = rendering_of(call, address)
        return rendering.answer_page(self._page(call, address))

    async def watch(self, call: Call, address: Address) -> Stream:
        """Changes as they happen."""
        rendering = rendering_of(call, address)
        wish = WatchWish.read(address, call.query)
        deadline = asyncio.get_running_loop().time() + _timeout(call)
        return Stream(self._told(address, wish, rendering, deadline))

    async def delete(self, call: Call, address: Address) -> Answer:
        """Delete everything that the selectors mean; answers with what was there."""
        posted = body.read_optional(call)
        how = treatment_of(call, posted.get("dryRun") or ())
        options = DeleteOptions.read(posted, call.query)
        page = self._page(call, address)
        for record in page.records:
            one = Address(address.resource, record.key.scope, record.key.name)
            try:
                await delete(self._objects, one, options, how)
            except refusal.Refusal as error:
                if error.code != 404:  # somebody else was faster
                    raise
        return rendering_of(call, address).answer_page(page)

    def _page(self, call: Call, address: Address) -> Page:
        return self._pages.page(address, Selection.read(address, call.query), call.query)

    async def _told(
        self, address: Address, wish: WatchWish, rendering: Rendering, deadline: float
    ) -> AsyncGenerator[bytes, None]:
        """The lines of a watch; what goes wrong is the last of them."""
        try:
            watching = Watching(self._objects.store, address, wish)
            first = True
            yield b"".join(_lines(rendering, watching.initial(), first=first))
            first = not watching.tells_initial
            async for notices in watching.changes(deadline):
                yield b"".join(_lines(rendering, notices, first=first))
                first = False
        except refusal.Refusal as error:
            yield event_line("ERROR", error.status())


def _lines(rendering: Rendering, notices: list[Notice], *, first: bool) -> list[bytes]:
    lines = []
    for notice in notices:
        if notice.record is None:
            annotations = _INITIAL_END if notice.initial_end else None
            lines.append(rendering.bookmark(notice.revision, annotations))
        else:
            lines.append(rendering.event(notice.type, notice.record, first=first))
            first = False
    return lines


def _timeout(call: Call) -> float:
    text = call.query.get("timeoutSeconds") or "0"
    if not is_number(text):
        raise refusal.bad_request(f'Invalid value: "{text}": strconv.ParseInt: invalid syntax')
    return int(text) or SHORTEST_WATCH * (1 + random.random())  # noqa: S311  # spreads load
