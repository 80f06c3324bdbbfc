"""What hundreds of kills do to layers that are read before they are whole.

    python bench/kill_lazy.py [--kills 500] [--seed 1] [--rate 4]

Layers with holes are mounted, and two readers check every byte of them while they are filled from a
docker-registry behind a slow line. Meanwhile the holder, the worker and the owner of the rope are
killed with SIGKILL at random moments, each by itself, in pairs, and all at once; then, as an agent
does, the readers are killed before the layers are tied again. It ends with a failure when a reader
sees a wrong byte, gets an error, or waits for ever, when a layer does not become whole, and when a
kill costs more than a twentieth of a layer. A kill takes about a quarter of a second on two cores
that have nothing else to do. Needs root.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.killed_ropes import Toll, Torment
from tests.lazy_layers import files, with_holes
from tests.registries import docker_registry
from tests.slow_relay import SlowRelay

KILLS_OF_A_LIFE = 20
MOST_TWICE = 0.05
"""Of a layer, for each kill."""


def live(folder: Path, address: str, chance: random.Random, rate: float, toll: Toll) -> float:
    """One rope's life; how much of a layer came twice for each kill."""
    folder.mkdir()
    relay, before = SlowRelay(address, rate), toll.kills
    holes = with_holes(folder, address, [files(1), files(2)])
    Torment(holes, holes.way(relay.address), chance, toll).live(KILLS_OF_A_LIFE)
    relay.close()
    sizes = [index.packed_size for index in holes.indexes]
    return (relay.sent - sum(sizes)) / max(sizes) / (toll.kills - before)


def main() -> None:
    """Kill, and say what was seen."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=4.0, help="megabytes in a second")
    wish = parser.parse_args()
    toll, chance, most = Toll(), random.Random(wish.seed), 0.0
    with tempfile.TemporaryDirectory() as folder, docker_registry(Path(folder)) as address:
        while toll.kills < wish.kills and not toll.wrong:
            life = Path(folder) / f"life-{toll.lives}"
            most = max(most, live(life, address, chance, wish.rate * 1e6, toll))
            print(f"{toll.kills} kills, {toll.wrong or 'nothing wrong'}", flush=True)
    print(
        f"{toll.kills} kills in {toll.lives} lives, {toll.worker_kills} of workers; all three dead"
        f" {toll.lost} times; {toll.read / 1e6:.0f} MB compared; at most {most:.1%} of a layer twice"
        f" for a kill; wrong: {toll.wrong or 'nothing'}"
    )
    sys.exit(bool(toll.wrong) or most > MOST_TWICE)


if __name__ == "__main__":
    main()
