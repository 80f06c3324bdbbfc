"""Watches over one run of a container with its probes, and reports what they find.

Until the startup probe has succeeded nothing else is asked. A failed startup or liveness probe
condemns the run; readiness only decides whether it counts as ready.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from towline.cluster.node import texts
from towline.cluster.node.container_state import Health
from towline.cluster.node.probe_tally import Tally
from towline.cluster.node.probing import Answer, ProbeBroken, Target, ask
from towline.cluster.node.provider import Reach
from towline.cluster.node.voice import Voice
from towline.kube.probe import Probe

Report = Callable[[Health], None]


@dataclass(frozen=True, slots=True)
class Watched:
    """A run to watch over, who is told of it, and what is known already."""

    target: Target
    voice: Voice
    report: Report
    health: Health


def first_health(target: Target) -> Health:
    """What counts before any probe was answered."""
    container = target.container
    return Health(started=container.startup_probe is None, ready=container.readiness_probe is None)


class Prober:
    """The probes of one run."""

    def __init__(self, reach: Reach, watched: Watched) -> None:
        self._reach = reach
        self._watched = watched
        self._health = watched.health

    async def run(self) -> None:
        """Probe until cancelled, or until nothing is left to ask."""
        container = self._watched.target.container
        if container.startup_probe and not self._health.started:
            await self._wait_for_startup(container.startup_probe)
            if self._health.condemned:
                return
        async with asyncio.TaskGroup() as tasks:
            if container.liveness_probe:
                tasks.create_task(self._watch_liveness(container.liveness_probe))
            if container.readiness_probe:
                tasks.create_task(self._watch_readiness(container.readiness_probe))

    async def _wait_for_startup(self, probe: Probe) -> None:
        tally = Tally(verdict=False)
        await asyncio.sleep(probe.initial_delay_seconds)
        while not tally.verdict:
            tally = await self._ask("Startup", probe, tally)
            if tally.last is False and tally.in_a_row >= probe.failure_threshold:
                self._condemn("startup")
                return
            if not tally.verdict:
                await asyncio.sleep(probe.period_seconds)
        self._tell(replace(self._health, started=True))

    async def _watch_liveness(self, probe: Probe) -> None:
        tally = Tally(verdict=True)
        await asyncio.sleep(probe.initial_delay_seconds)
        while True:
            tally = await self._ask("Liveness", probe, tally)
            if not tally.verdict:
                self._condemn("liveness")
                return
            await asyncio.sleep(probe.period_seconds)

    async def _watch_readiness(self, probe: Probe) -> None:
        tally = Tally(verdict=self._health.ready)
        await asyncio.sleep(probe.initial_delay_seconds)
        while True:
            tally = await self._ask("Readiness", probe, tally)
            if tally.verdict != self._health.ready:
                self._tell(replace(self._health, ready=tally.verdict))
            await asyncio.sleep(probe.period_seconds)

    async def _ask(self, kind: str, probe: Probe, tally: Tally) -> Tally:
        """One question. What could not be asked counts for nothing."""
        target = self._watched.target
        try:
            answer: Answer = await ask(self._reach, target, probe)
        except ProbeBroken as error:
            self._watched.voice.say(texts.probe_error(kind, str(error)), target.container.name)
            return tally
        if not answer.success:
            self._watched.voice.say(texts.unhealthy(kind, answer.output), target.container.name)
        return tally.heard(probe, success=answer.success)

    def _condemn(self, probe: str) -> None:
        message = texts.failed_probe_message(self._watched.target.container.name, probe)
        self._tell(replace(self._health, condemned=message))

    def _tell(self, health: Health) -> None:
        self._health = health
        self._watched.report(health)
