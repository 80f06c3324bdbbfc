"""Pulls that are killed with SIGKILL at any moment, and what the store is like afterwards.

Each pull is a process of its own, forked from a server that has everything imported: what is killed
is a pull and not the start of Python.
"""

from __future__ import annotations

import json
import multiprocessing
import random
import shutil
import time
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext
from pathlib import Path

from towline.client.pull import PullWish, pull_to_store
from towline.client.registry_access import RegistryAccess
from towline.content.shelf import examine, layers_in
from towline.oci.platform import Platform
from towline.oci.reference import Reference
from towline.pull.progress import NoProgress

SHORTER, LONGER = 0.9, 1.03
"""How the time in which a pull is killed follows what it takes, which others' load changes: some two
in nine come through.
"""


@dataclass(slots=True)
class Killed:
    """What was seen over many pulls."""

    unharmed: int = 0
    """Pulls from nothing, made to see how long one takes."""
    kills: int = 0
    completed: int = 0
    fetched: int = 0
    """Bytes that pulls which were let live had to fetch."""
    reused: int = 0
    """Bytes that those before them had left."""


class Victim:
    """Pulls of one image into one store."""

    def __init__(self, reference: str, folder: Path) -> None:
        self._reference = reference
        self._store = folder / "layers"
        self._result = folder / "result.json"
        self._processes = _forking()

    def pull(self, seconds: float | None) -> dict[str, int] | None:
        """Pull, and kill it after so many seconds; what it took, or None when it was killed."""
        self._result.unlink(missing_ok=True)
        arguments = (self._reference, str(self._store), str(self._result))
        process = self._processes.Process(target=pull_once, args=arguments)
        process.start()
        process.join(seconds)
        if process.exitcode is None:
            process.kill()
        process.join()
        code = process.exitcode
        process.close()
        if code == 0:
            found: dict[str, int] = json.loads(self._result.read_text())
            return found
        assert code == -9, f"a pull ended with {code}"
        return None

    def kept(self) -> int:
        """Bytes that cut downloads have left."""
        spans = (self._store / "partial").glob("*/*")
        return sum(path.stat().st_size for path in spans)

    def verify(self) -> int:
        """How many layers there are; each is what it should be."""
        damaged = [one.damage for one in examine(self._store) if one.damage]
        assert damaged == []
        return len(layers_in(self._store))

    def leftovers(self) -> list[Path]:
        """What lies among the incomplete layers."""
        return list((self._store / "partial").iterdir())

    def forget(self) -> None:
        """Begin with an empty store again."""
        shutil.rmtree(self._store)


def pull_once(reference: str, store: str, result: str) -> None:
    """What the process does."""
    access = RegistryAccess(plain_http=True)
    wish = PullWish(Reference.parse(reference), Platform("linux", "amd64"), access)
    pulled = pull_to_store(wish, Path(store), NoProgress())
    taken = pulled.receipts.values()
    numbers = {
        "fetched": sum(receipt.fetched for receipt in taken),
        "reused": sum(receipt.reused for receipt in taken),
        "layers": len(pulled.diff_ids),
    }
    Path(result).write_text(json.dumps(numbers))


def torment(victim: Victim, kills: int, seed: int) -> Killed:
    """Kill pulls at random moments; after each the store is verified, and every pull that is let
    live succeeds with what the killed ones have left.
    """
    chance, seen = random.Random(seed), Killed()
    longest = _usual_seconds(victim, seen)
    while seen.kills < kills:
        kept = victim.kept()
        taken = victim.pull(chance.uniform(0, longest))
        victim.verify()
        if taken is None:
            seen.kills += 1
            longest *= LONGER
            continue
        longest *= SHORTER
        _judge(victim, taken, kept, seen)
    kept = victim.kept()
    taken = victim.pull(None)
    assert taken is not None
    _judge(victim, taken, kept, seen)
    return seen


def _judge(victim: Victim, taken: dict[str, int], kept: int, seen: Killed) -> None:
    """A pull that was let live."""
    assert victim.verify() == taken["layers"]
    assert victim.leftovers() == []
    assert taken["reused"] >= kept
    seen.completed += 1
    seen.fetched += taken["fetched"]
    seen.reused += taken["reused"]
    victim.forget()


def _usual_seconds(victim: Victim, seen: Killed) -> float:
    began = time.monotonic()
    for _ in range(2):  # the first one starts the server
        began = time.monotonic()
        victim.pull(None)
        victim.forget()
        seen.unharmed += 1
    return time.monotonic() - began


def _forking() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.killed_pulls"])
    return context
