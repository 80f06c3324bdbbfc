"""How far a pull is, as those who show it are told."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from towline.oci.digest import Digest
from towline.oci.reference import Reference
from towline.pull.attempt import OK, Attempt, Step, StepKind
from towline.pull.layers import Receipt
from towline.pull.progress import PaceMaker, Phase, Tally
from towline.pull.summary import summarize

ONE, TWO = Digest.of(b"one"), Digest.of(b"two")


def test_layers_that_are_here_do_not_count() -> None:
    """What is left to come is what somebody waits for."""
    tally = Tally()
    for digest in (ONE, TWO):
        tally.layer(digest, Phase.WAITING, 0, 100)
    tally.layer(ONE, Phase.PRESENT, 100, 100)
    tally.layer(TWO, Phase.TRANSFERRING, 40, 100)

    assert (tally.have, tally.wanted) == (40, 100)


def test_the_pace_is_that_of_the_last_seconds() -> None:
    """Neither the dial before the first byte nor what was long ago makes it slower or faster."""
    tally, maker = Tally(), PaceMaker(10, 0.0)
    tally.layer(ONE, Phase.WAITING, 0, 2000)

    assert maker.measure(tally, 20.0).seconds_left is None

    for second in range(1, 11):
        tally.layer(ONE, Phase.TRANSFERRING, 100 * second, 2000)
        pace = maker.measure(tally, 20.0 + second)

        assert (pace.have, pace.rate) == (100 * second, 100)
        assert pace.seconds_left == 20 - second
    assert [maker.measure(tally, 30.0 + second).rate for second in (5, 9, 10, 11)] == [50, 10, 0, 0]


@given(st.lists(st.tuples(st.floats(0.1, 100), st.integers(0, 10**9)), min_size=1))
def test_a_pace_is_never_faster_than_the_fastest_moment(steps: list[tuple[float, int]]) -> None:
    """Nor negative, whatever came when."""
    tally, maker, now, have, fastest = Tally(), PaceMaker(10, 0.0), 0.0, 0, 0.0
    for seconds, more in steps:
        now, have = now + seconds, have + more
        fastest = max(fastest, more / seconds)
        tally.layer(ONE, Phase.TRANSFERRING, have, have)
        pace = maker.measure(tally, now)

        assert 0 <= pace.rate <= fastest * 1.001
        assert pace.seconds_left in (None, 0)


def test_a_summary_adds_up_what_came_and_where_the_time_went() -> None:
    """Layers come at once, so their time is from the first to the last."""
    steps = (
        Step(StepKind.DIAL, "10.0.0.1:443", OK, began=100.0, seconds=0.5),
        Step(StepKind.REQUEST, "GET /", OK, began=100.5, seconds=0.25),
        Step(StepKind.REQUEST, "GET /", OK, began=100.75, seconds=0.25),
        Step(StepKind.LAYER, str(ONE), OK, began=101.0, seconds=3.0),
        Step(StepKind.LAYER, str(TWO), OK, began=101.5, seconds=2.0),
    )
    attempt = Attempt(Reference.parse("registry.test/app"), None, steps)

    found = summarize((attempt,), (Receipt(70, 30), Receipt(0, 50)))

    assert (found.fetched, found.reused) == (70, 80)
    assert found.seconds == {
        "resolve": 0, "dial": 0.5, "secure": 0, "request": 0.5, "layers": 3.0, "total": 4.0
    }  # fmt: skip


def test_a_summary_of_nothing_is_nothing() -> None:
    """An image without layers, got without a step."""
    assert set(summarize((), ()).seconds.values()) == {0.0}
