"""One thing to do that can be undone, and a row of them that is done whole or not at all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

Act = Callable[[], Awaitable[None]]
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do, in words, and how it is done and undone."""

    text: str
    make: Act
    unmake: Act


async def make_all(steps: Sequence[Step], told: Tell) -> None:
    """Make the steps; when one fails or is interrupted, unmake those that were made."""
    made = list[Step]()
    try:
        for step in steps:
            told(step.text)
            await step.make()
            made.append(step)
    except BaseException:
        while made:
            step = made.pop()
            told(f"undo: {step.text}")
            await step.unmake()
        raise
