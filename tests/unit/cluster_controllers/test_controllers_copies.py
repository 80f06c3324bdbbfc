"""What controllers stand on: queues of keys, copies of objects, and events that are counted."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.fake_kubernetes import FakeKubernetes
from tests.unit.cluster_controllers.cluster import make_namespace
from tests.virtual_time import clock, run

from towline.cluster.controllers.control_loop import Route, control
from towline.cluster.controllers.work_queue import LAST_RETRY, WorkQueue
from towline.cluster.event_correlation import BURST, COMBINED, SIMILAR, EventCorrelator
from towline.cluster.event_recorder import EventRecorder
from towline.cluster.kubernetes import ApiError, Object, Resource, Unreachable
from towline.cluster.object_key import ObjectKey, key_of
from towline.cluster.reflector import Reflector, Selection
from towline.cluster.resources import CONFIG_MAPS, EVENTS
from towline.kube.event import EventSource, EventType, Happening, ObjectReference


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _take(queue: WorkQueue[str]) -> tuple[str, float]:
    key = await queue.take()
    return key, _now()


def test_a_key_is_looked_at_once_however_often_it_was_added() -> None:
    """Unless it was added while somebody looked at it."""

    async def scenario() -> None:
        queue = WorkQueue[str]()
        for key in ("a", "a", "b"):
            queue.add(key)
        first = await queue.take()
        queue.add("a")
        second = await queue.take()
        queue.done(first)
        third = await queue.take()

        assert (first, second, third) == ("a", "b", "a")

    run(scenario())


def test_of_several_times_the_first_counts_and_wakes_once() -> None:
    """A key that is looked at often gathers no timers."""

    async def scenario() -> None:
        queue = WorkQueue[str]()
        for seconds in (30.0, 10.0, 20.0):
            queue.add_after("a", seconds)
        first = await _take(queue)
        queue.done("a")
        queue.add_after("b", 50)

        assert first == ("a", 10.0)
        assert await _take(queue) == ("b", 60.0)

    run(scenario())


def test_failures_are_tried_again_later_each_time_and_a_success_forgets_them() -> None:
    """From a twentieth of a second to a minute."""

    async def scenario() -> None:
        queue, pauses = WorkQueue[str](), list[float]()
        for _ in range(14):
            began = _now()
            queue.failed("a")
            pauses.append((await _take(queue))[1] - began)
            queue.done("a")
        queue.succeeded("a")
        began = _now()
        queue.failed("a")

        assert pauses[:3] == pytest.approx([0.05, 0.1, 0.2])
        assert pauses[-1] == pytest.approx(LAST_RETRY)
        assert (await _take(queue))[1] - began == pytest.approx(0.05)

    run(scenario())


class Stumbler:
    """A controller that fails a number of times and remembers who came when."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.seen: list[tuple[str, float]] = []

    def routes(self) -> Mapping[Resource, Route[ObjectKey]]:
        """Config maps."""
        return {CONFIG_MAPS: lambda thing: (key_of(thing),)}

    async def reconcile(self, key: ObjectKey) -> float | None:
        """Fail at first, then ask to come again after a minute."""
        self.seen.append((key.name, _now()))
        if self.failures:
            self.failures -= 1
            raise ApiError(500, "InternalError", "no")
        return 60.0


async def _world() -> tuple[FakeKubernetes, Reflector]:
    kubernetes = FakeKubernetes(clock)
    await make_namespace(kubernetes, "demo")
    return kubernetes, Reflector(kubernetes, Selection(CONFIG_MAPS))


def _config_map(name: str, **data: str) -> Object:
    return {"metadata": {"name": name}, "data": data}


def test_a_controller_sees_what_was_there_what_changes_and_what_failed() -> None:
    """And comes again when it has asked to."""

    async def scenario() -> None:
        kubernetes, copy = await _world()
        await kubernetes.create(CONFIG_MAPS, "demo", _config_map("before"))
        stumbler = Stumbler(failures=1)
        async with asyncio.TaskGroup() as tasks:
            running = [
                tasks.create_task(copy.run()),
                tasks.create_task(control(stumbler, {CONFIG_MAPS: copy})),
            ]
            await asyncio.sleep(5)
            await kubernetes.create(CONFIG_MAPS, "demo", _config_map("after"))
            await asyncio.sleep(59)
            for task in running:
                task.cancel()
        names = [name for name, _ in stumbler.seen]

        assert names == ["before", "before", "after", "before"]
        assert stumbler.seen[-1][1] == pytest.approx(60.05)

    run(scenario())


class Choosy(Stumbler):
    """A controller with a defect: it knows not what to do with some objects."""

    def routes(self) -> Mapping[Resource, Route[ObjectKey]]:
        """Config maps, if they have data."""
        return {CONFIG_MAPS: lambda thing: (key_of(thing),) if thing["data"]["a"] else ()}

    async def reconcile(self, key: ObjectKey) -> float | None:
        """Stumble over one name."""
        if key.name == "odd":
            raise ValueError(key.name)
        return await super().reconcile(key)


def test_a_strange_object_stops_nothing_but_itself() -> None:
    """Neither one that a controller cannot place nor one that it cannot understand."""

    async def scenario() -> None:
        kubernetes, copy = await _world()
        for body in (_config_map("odd", a="1"), _config_map("empty"), _config_map("good", a="1")):
            await kubernetes.create(CONFIG_MAPS, "demo", body)
        choosy = Choosy(failures=0)
        async with asyncio.TaskGroup() as tasks:
            running = [
                tasks.create_task(copy.run()),
                tasks.create_task(control(choosy, {CONFIG_MAPS: copy})),
            ]
            await asyncio.sleep(5)
            await kubernetes.create(CONFIG_MAPS, "demo", _config_map("void"))
            await kubernetes.create(CONFIG_MAPS, "demo", _config_map("late", a="1"))
            await asyncio.sleep(5)
            for task in running:
                task.cancel()

        assert [name for name, _ in choosy.seen] == ["good", "late"]

    run(scenario())


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("create"), st.sampled_from("abc")),
        st.tuples(st.just("patch"), st.sampled_from("abc")),
        st.tuples(st.just("delete"), st.sampled_from("abc")),
        st.tuples(st.just("forget"), st.just("")),
        st.tuples(st.just("trouble"), st.just("")),
        st.tuples(st.just("learn"), st.sampled_from("abc")),
        st.tuples(st.just("wait"), st.just("")),
    ),
    max_size=25,
)
FORGOTTEN_ON_THE_WAY = [
    ("create", "a"),
    *[("wait", "")] * 3,
    ("patch", "a"),
    ("wait", ""),
    ("forget", ""),
    ("create", "b"),
]


@settings(max_examples=150, deadline=None)
@example(actions=FORGOTTEN_ON_THE_WAY, lag=1.5)
@given(actions=ACTIONS, lag=st.sampled_from([0.0, 0.4]))
def test_a_copy_becomes_what_the_api_has_and_its_listeners_hear_every_step(
    actions: list[tuple[str, str]], lag: float
) -> None:
    """Through lost watches, an API that fails, and what was learnt early or late."""

    async def scenario() -> None:
        kubernetes, copy = await _world()
        kubernetes.lag = lag
        mirror: dict[ObjectKey, Object] = {}
        surprises = list[Object]()

        def hear(before: Object | None, after: Object | None) -> None:
            thing = after or before or {}
            if mirror.pop(key_of(thing), None) != before:
                surprises.append(thing)
            if after is not None:
                mirror[key_of(thing)] = after

        copy.listen(hear)
        async with asyncio.TaskGroup() as tasks:
            following = tasks.create_task(copy.run())
            for number, (what, name) in enumerate(actions):
                await _act(kubernetes, copy, what, name, number)
            await asyncio.sleep(30)
            following.cancel()
        found = {key_of(one): one for one in kubernetes.all(CONFIG_MAPS)}

        assert surprises == []
        assert {key_of(one): one for one in copy.list()} == found == mirror
        assert copy.list("demo") == copy.list()
        assert copy.list("elsewhere") == ()

    run(scenario())


async def _act(
    kubernetes: FakeKubernetes, copy: Reflector, what: str, name: str, number: int
) -> None:
    try:
        match what:
            case "create":
                copy.learn(await kubernetes.create(CONFIG_MAPS, "demo", _config_map(name)))
            case "patch":
                body = {"data": {"number": str(number)}}
                await kubernetes.patch(CONFIG_MAPS, "demo", name, body)
            case "delete":
                await kubernetes.delete(CONFIG_MAPS, "demo", name)
            case "learn":
                copy.learn(await kubernetes.get(CONFIG_MAPS, "demo", name))
            case "forget":
                kubernetes.forget_history()
            case "trouble":
                kubernetes.trouble = Unreachable("connection refused")
                await asyncio.sleep(1)
                kubernetes.trouble = None
            case _:
                await asyncio.sleep(1)
    except ApiError as error:
        if error.reason not in ("NotFound", "AlreadyExists"):
            raise


ABOUT = ObjectReference("v1", "ConfigMap", "demo", "web", "uid-1", "5")


def _happening(message: str = "hello", reason: str = "Tested") -> Happening:
    return Happening(ABOUT, EventType.NORMAL, reason, message)


def test_the_same_thing_again_raises_the_count_of_its_event() -> None:
    """Whatever revision the object has had in between."""

    async def scenario() -> list[Object]:
        kubernetes, _ = await _world()
        recorder = EventRecorder(kubernetes, EventSource("tester"), clock)
        for _ in range(3):
            await recorder.write(_happening(), clock())
            await asyncio.sleep(10)
        return kubernetes.all(EVENTS)

    [event] = run(scenario())

    assert (event["count"], event["message"], event["source"]["component"]) == (
        3,
        "hello",
        "tester",
    )
    assert event["firstTimestamp"] < event["lastTimestamp"]


def test_an_event_that_was_deleted_is_made_again_with_its_count() -> None:
    """Its time was over, or somebody tidied up."""

    async def scenario() -> list[Object]:
        kubernetes, _ = await _world()
        recorder = EventRecorder(kubernetes, EventSource("tester"), clock)
        await recorder.write(_happening(), clock())
        [event] = kubernetes.all(EVENTS)
        await kubernetes.delete(EVENTS, "demo", event["metadata"]["name"])
        await recorder.write(_happening(), clock())
        return kubernetes.all(EVENTS)

    [event] = run(scenario())

    assert event["count"] == 2


def test_events_wait_for_an_api_that_does_not_answer_and_keep_their_order() -> None:
    """Nobody who records has to wait."""

    async def scenario() -> list[str]:
        kubernetes, _ = await _world()
        recorder = EventRecorder(kubernetes, EventSource("tester"), clock)
        kubernetes.trouble = Unreachable("connection refused")
        async with asyncio.TaskGroup() as tasks:
            writing = tasks.create_task(recorder.run())
            for number in range(3):
                recorder.record(_happening(f"number {number}"))
            await asyncio.sleep(15)
            kubernetes.trouble = None
            await asyncio.sleep(15)
            writing.cancel()
        events = kubernetes.all(EVENTS)
        events.sort(key=lambda one: int(one["metadata"]["resourceVersion"]))
        return [one["message"] for one in events]

    assert run(scenario()) == ["number 0", "number 1", "number 2"]


def test_many_similar_events_become_one_and_a_talker_falls_silent() -> None:
    """client-go's figures: ten, and a burst of twenty-five."""
    correlator = EventCorrelator()
    sightings = [correlator.see(_happening(f"{number}"), 0.0) for number in range(40)]
    told = [one for one in sightings if one is not None]

    assert [one.happening.message for one in told[SIMILAR - 1 : SIMILAR + 1]] == [
        f"{SIMILAR - 1}",
        f"{COMBINED}{SIMILAR}",
    ]
    assert told[-1].count == BURST - SIMILAR
    assert len(told) == BURST
    assert correlator.see(_happening("later"), 301.0) is not None
