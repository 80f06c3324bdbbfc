"""Tells how far a pull is that takes longer than a moment: one event of the pod, kept up to date.

The kubelet says nothing between `Pulling` and `Pulled`, so these words are ours. They begin as the
kubelet's do, and the event has the same reason, so that `kubectl describe pod` shows them together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from towline.cluster.node.texts import Words, duration
from towline.kube.event import EventType
from towline.pull.progress import Pace, PaceMaker, Tally

FIRST = 3.0  # seconds of silence: most pulls are over by then
SHARE = (
    10  # a pull is told of again when it has lasted a tenth longer, and not within FIRST seconds
)
TICK, WINDOW = 1.0, 10.0

Say = Callable[[Words], None]


@contextmanager
def told(image: str, say: Say) -> Iterator[Tally]:
    """What a pull is to tell of its layers for the length of the block, and what is said of it."""
    teller = _Teller(image, say)
    try:
        yield teller.tally
    finally:
        teller.end()


class _Teller:
    def __init__(self, image: str, say: Say) -> None:
        self.tally = Tally()
        self._image = image
        self._say = say
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._due = self._began + FIRST
        self._pace = PaceMaker(WINDOW, self._began)
        self._timer = self._loop.call_later(TICK, self._tick)
        self._has_spoken = False

    def end(self) -> None:
        """Be silent; a pull whose bytes have all come is not left at less in its event."""
        self._timer.cancel()
        have, seconds = self.tally.have, self._loop.time() - self._began
        if self._has_spoken and have == self.tally.wanted:
            self._say(so_far(self._image, Pace(have, have, have / seconds)))

    def _tick(self) -> None:
        now = self._loop.time()
        self._timer = self._loop.call_later(TICK, self._tick)
        pace = self._pace.measure(self.tally, now)
        if now < self._due or not pace.wanted:
            return
        self._due = now + max(FIRST, (now - self._began) / SHARE)
        self._has_spoken = True
        self._say(so_far(self._image, pace))


def so_far(image: str, pace: Pace) -> Words:
    """`Pulling image "…": 12.0 of 20.0 MB, 1.2 MB/s, 7s left`."""
    said = [_part(pace.have, pace.wanted)]
    left = pace.seconds_left
    if left is None:
        said.append("nothing comes")
    else:
        said.append(f"{_amount(pace.rate)}/s")
    if left:
        said.append(f"{duration(max(round(left), 1))} left")
    message = f'Pulling image "{image}": {", ".join(said)}'
    return Words(EventType.NORMAL, "Pulling", message, topic=image)


def _part(have: float, wanted: float) -> str:
    """Both in the unit of the whole."""
    factor, unit = _unit(wanted)
    return f"{have / factor:.1f} of {wanted / factor:.1f} {unit}"


def _amount(count: float) -> str:
    factor, unit = _unit(count)
    return f"{count / factor:.1f} {unit}"


def _unit(count: float) -> tuple[float, str]:
    for factor, unit in ((1e9, "GB"), (1e6, "MB")):
        if count >= factor:
            return factor, unit
    return 1e3, "kB"
