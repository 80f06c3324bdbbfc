"""Questions that many ask at the same moment."""

from __future__ import annotations

import asyncio

import pytest

from towline.cluster.joined_calls import JoinedCalls


class Oracle:
    """Answers with the number of its answer, when it is allowed to."""

    def __init__(self) -> None:
        self.asked = 0
        self.speaks = asyncio.Event()

    async def answer(self) -> int:
        """The next number."""
        self.asked += 1
        mine = self.asked
        await self.speaks.wait()
        return mine

    async def fail(self) -> int:
        """An answer that is none."""
        await self.answer()
        raise LookupError("nothing is known")


async def _settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_who_comes_during_a_question_shares_the_next_one() -> None:
    """Of a crowd only the first has an answer of his own."""
    calls, oracle = JoinedCalls[str, int](), Oracle()
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(calls.ask("?", oracle.answer))
        await _settled()
        others = [tasks.create_task(calls.ask("?", oracle.answer)) for _ in range(20)]
        await _settled()
        oracle.speaks.set()

    assert first.result() == 1
    assert {each.result() for each in others} == {2}
    assert oracle.asked == 2


async def test_an_answer_is_not_kept() -> None:
    """Who asks later wants to know what is so later."""
    calls, oracle = JoinedCalls[str, int](), Oracle()
    oracle.speaks.set()

    assert [await calls.ask("?", oracle.answer) for _ in range(3)] == [1, 2, 3]


async def test_different_questions_have_different_answers() -> None:
    """They do not even wait for each other."""
    calls, silent, oracle = JoinedCalls[str, int](), Oracle(), Oracle()
    oracle.speaks.set()
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(calls.ask("one", silent.answer))
        await _settled()
        answer = await calls.ask("other", oracle.answer)
        waiting.cancel()

    assert answer == 1


async def test_a_failure_is_everybodys_who_shares_it() -> None:
    """And nobody's who asks afterwards."""
    calls, oracle = JoinedCalls[str, int](), Oracle()
    oracle.speaks.set()
    failed = await asyncio.gather(
        *(calls.ask("?", oracle.fail) for _ in range(3)), return_exceptions=True
    )

    assert [str(each) for each in failed] == ["nothing is known"] * 3
    assert await calls.ask("?", oracle.answer) == oracle.asked


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_who_gives_up_takes_nobody_with_him(place: int) -> None:
    """Not even who was asking for the others."""
    calls, oracle = JoinedCalls[str, int](), Oracle()
    crowd = list[asyncio.Task[int]]()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(4):
            crowd.append(tasks.create_task(calls.ask("?", oracle.answer)))
            await _settled()
        crowd[place].cancel()
        await _settled()
        oracle.speaks.set()

    assert [task.cancelled() for task in crowd].index(True) == place
    assert all(task.result() > 0 for task in crowd if not task.cancelled())
