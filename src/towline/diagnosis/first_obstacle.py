"""The first thing that stands in the way of a pull, by what a probe saw: on the way to the registry,
or in its answers. A rule is proved by it when it is the one.
"""

from __future__ import annotations

from collections.abc import Callable

from towline.diagnosis.answer_obstacle import answer_obstacle
from towline.diagnosis.facts import Facts
from towline.diagnosis.known_remedy import sharpened
from towline.diagnosis.obstacle import Obstacle
from towline.diagnosis.rule import Proof
from towline.diagnosis.way_obstacle import registry_obstacle


def first_obstacle(facts: Facts) -> Obstacle | None:
    """None when the way is open and the registry answers, whatever it says of keys and images.

    What the control plane knows of it is told with it; before any probe, that alone.
    """
    return sharpened(registry_obstacle(facts) or answer_obstacle(facts), facts)


def in_the_way(code: str) -> Callable[[Facts], Proof | None]:
    """The proof of a code: that the first obstacle is its own."""

    def proof(facts: Facts) -> Proof | None:
        obstacle = first_obstacle(facts)
        if obstacle is None or obstacle.code != code:
            return None
        return Proof(obstacle.evidence, obstacle.cause)

    return proof
