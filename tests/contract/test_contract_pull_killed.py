"""A pull may be killed at any moment: what is in the store is right, and nothing has to come twice."""

from __future__ import annotations

import random
from pathlib import Path

from tests.images import file, image, tar
from tests.killed_pulls import Victim, torment
from tests.registries import docker_registry, put_image

KILLS = 50


def test_a_pull_that_is_killed_leaves_what_the_next_one_goes_on_with(tmp_path: Path) -> None:
    """Against a real registry, fifty times; every layer is verified after every kill."""
    chance = random.Random(11)
    made = image(*(tar(file("random", chance.randbytes(4_000_000))) for _ in range(3)))
    size = sum(len(made.blobs[layer]) for layer in made.layers)
    with docker_registry(tmp_path) as address:
        put_image(address, "team/app", "1", made)
        seen = torment(Victim(f"{address}/team/app:1", tmp_path), KILLS, seed=12)

    assert seen.kills == KILLS
    assert seen.completed >= 1
    assert seen.fetched + seen.reused == seen.completed * size
