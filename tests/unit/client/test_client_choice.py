"""One of several things by its name: what is said when it cannot be told which."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from towline.client.choice import Choice
from towline.problem import Problem


@dataclass(frozen=True, slots=True)
class Boat:
    """A thing with an id and a name."""

    id: str
    name: str


BOATS: Choice[Boat] = Choice(
    "boat", lambda boat: boat.id, lambda boat: boat.name, "name one", "build one"
)
FLEET = (Boat("boat-1", "anna"), Boat("boat-2", "berta"), Boat("boat-3", "berta"))


def problem_of(boats: tuple[Boat, ...], wanted: str) -> Problem:
    """What is said to somebody who wants a boat."""
    with pytest.raises(Problem) as problem:
        BOATS.of(boats, wanted)
    return problem.value


@pytest.mark.parametrize("wanted", ["anna", "boat-1"])
def test_a_thing_is_told_by_its_name_or_id(wanted: str) -> None:
    """Either is enough."""
    assert BOATS.of(FLEET, wanted).id == "boat-1"


def test_the_only_thing_need_not_be_named() -> None:
    """Nothing else can be meant."""
    assert BOATS.of(FLEET[:1], "").id == "boat-1"


def test_one_of_several_has_to_be_named() -> None:
    """They are listed."""
    said = problem_of(FLEET, "")

    assert said.cause == (
        "there are several boats: name one of anna (boat-1), berta (boat-2), berta (boat-3)"
    )
    assert said.remedy == "name one"


def test_a_name_that_several_have_is_told_with_their_ids() -> None:
    """And without the others."""
    assert problem_of(FLEET, "berta").cause == (
        "there are several boats called 'berta': name one of berta (boat-2), berta (boat-3)"
    )


def test_where_nothing_is_there_the_remedy_is_to_make_it() -> None:
    """A list of nothing does not help."""
    said = problem_of((), "")

    assert (said.cause, said.remedy) == ("there is no boat", "build one")


def test_a_name_close_to_one_that_is_there_is_asked_about() -> None:
    """Rather than that another thing be made."""
    assert problem_of(FLEET, "ana").remedy == "did you mean 'anna'?"
    assert problem_of(FLEET, "zeppelin").remedy == "name one"
