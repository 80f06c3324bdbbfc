"""Chapter: who makes what is asked for — the one who asks, or a thread that goes ahead of him."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from towline.content.ahead import ahead
from towline.content.hands import Hands


def numbers(count: int, made: list[int] | None = None) -> Iterator[int]:
    """Counts, and notes how far it is."""
    for number in range(count):
        if made is not None:
            made.append(number)
        yield number


def always() -> bool:
    """A core is free."""
    return True


def never() -> bool:
    """All cores are busy."""
    return False


def kept(_: int) -> None:
    """Nobody uses an item again."""


@pytest.mark.parametrize(
    "answers",
    [[True], [False], [True, False], [False, True], [True] * 7 + [False] * 3],
    ids=["always", "never", "in turn", "in turn, later", "now and then"],
)
def test_all_items_come_in_order_whoever_makes_them(answers: list[bool]) -> None:
    """Whether a thread pays may change at any item."""
    pays = itertools.cycle(answers)

    assert list(ahead(numbers(200), lambda: next(pays), kept)) == list(range(200))


@pytest.mark.parametrize("pays", [always, never])
def test_an_error_comes_out_after_what_was_made_before_it(pays: Callable[[], bool]) -> None:
    """As it would without a thread."""

    def failing() -> Iterator[int]:
        yield from numbers(3)
        raise ZeroDivisionError

    seen = list[int]()
    with pytest.raises(ZeroDivisionError):
        seen.extend(ahead(failing(), pays, kept))

    assert seen == [0, 1, 2]


@pytest.mark.parametrize("pays", [always, never])
def test_an_item_is_done_with_when_the_next_one_is_asked_for(pays: Callable[[], bool]) -> None:
    """Not before: what it lies in is used again."""
    done = list[int]()
    for item in ahead(numbers(50), pays, done.append):
        assert done == list(range(item))

    assert done == list(range(50))


def test_nobody_goes_far_ahead() -> None:
    """Memory is bounded by it."""
    made, furthest = list[int](), 0
    for taken in ahead(numbers(1000, made), always, kept):
        furthest = max(furthest, len(made) - taken)

    assert furthest < 8


@pytest.mark.parametrize("pays", [always, never])
def test_who_walks_away_leaves_the_rest_to_others(pays: Callable[[], bool]) -> None:
    """And no thread behind."""
    source, before = numbers(1000), threading.active_count()
    with closing(ahead(source, pays, kept)) as items:
        assert next(items) == 0
    following = next(source)

    assert 0 < following < 8
    assert threading.active_count() == before


def test_hands_are_free_while_layers_are_fewer_than_cores() -> None:
    """Each layer in hand takes one."""
    hands = Hands(cores=2)
    with hands.at_work():
        one = hands.are_free()
        with hands.at_work():
            two = hands.are_free()

    assert (one, two, hands.are_free()) == (True, False, True)
