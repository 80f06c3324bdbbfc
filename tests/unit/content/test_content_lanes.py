"""One registry is not asked for more at once than it should be, whoever asks."""

from __future__ import annotations

import asyncio

from towline.content.lanes import Lanes


async def test_lanes_are_given_in_the_order_of_asking() -> None:
    """And each registry has its own."""
    lanes, order, most = Lanes(2), list[int](), 0
    inside = set[int]()
    go_on = asyncio.Event()

    async def drive(number: int) -> None:
        nonlocal most
        async with lanes.lane("registry.test"):
            order.append(number)
            inside.add(number)
            most = max(most, len(inside))
            await go_on.wait()
            inside.remove(number)

    async with asyncio.TaskGroup() as tasks:
        for number in range(6):
            tasks.create_task(drive(number))
        await asyncio.sleep(0)
        async with lanes.lane("another.test"):
            assert inside == {0, 1}
        go_on.set()

    assert order == list(range(6))
    assert most == 2


async def test_the_lanes_are_shared_among_those_who_want_one() -> None:
    """Who is alone has all of them; when all have gone, nothing is remembered."""
    lanes, shares = Lanes(12), list[int]()
    async with lanes.lane("registry.test"):
        shares.append(lanes.share("registry.test"))
        async with lanes.lane("registry.test"), lanes.lane("registry.test"):
            shares.append(lanes.share("registry.test"))

    assert shares == [12, 4]
    assert lanes.share("registry.test") == 12
