"""How long a probe takes to see why a pull fails, over all situations of the laboratory.

    sudo .venv/bin/python bench/diagnosis.py

With the patience that probes have by default, a few at a time, so that they wait for the network and
not for one another. Its own bounds are 1 s in the median and 10 s in the 95th percentile.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.laboratory.experiment import look
from tests.laboratory.laboratory import Laboratory, Site, laboratory
from tests.laboratory.situations import SITUATIONS

AT_ONCE = 2
MEDIAN, PERCENTILE_95 = 1.0, 10.0


async def seconds(lab: Laboratory) -> dict[str, float]:
    """How long each probe took, by situation."""
    gate, taken = asyncio.Semaphore(AT_ONCE), dict[str, float]()

    async def one(site: Site) -> None:
        async with gate:
            began = time.monotonic()
            await look(lab, site)
            taken[site.situation.name] = time.monotonic() - began

    async with asyncio.TaskGroup() as group:
        for site in lab.sites.values():
            group.create_task(one(site))
    return taken


def show(name: str, durations: list[float], rest: str) -> None:
    """One line of the table."""
    print(f"{name:10} {len(durations):4}  median {statistics.median(durations):5.2f} s, {rest}")


async def main() -> int:
    """Measure, print, and judge."""
    async with laboratory(SITUATIONS) as lab:
        taken = await seconds(lab)
    stages = defaultdict[str, list[float]](list)
    for name, duration in taken.items():
        stages[name.partition(".")[0]].append(duration)
    for stage, durations in stages.items():
        show(stage, durations, f"longest {max(durations):5.2f} s")
    median = statistics.median(taken.values())
    tail = statistics.quantiles(taken.values(), n=20)[-1]
    show("all", list(taken.values()), f"95th percentile {tail:5.2f} s")
    print("longest:", ", ".join(sorted(taken, key=taken.__getitem__)[-3:]))
    return 0 if median <= MEDIAN and tail <= PERCENTILE_95 else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
