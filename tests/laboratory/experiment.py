"""What a runtime says in a situation, what a probe sees, and what the diagnosis makes of both."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from tests.laboratory.laboratory import Laboratory, Site
from tests.laboratory.runtime_text import said

from towline.diagnosis.diagnose import diagnose
from towline.diagnosis.facts import Facts
from towline.diagnosis.observation import Observations
from towline.diagnosis.verdict import Verdict
from towline.oci.platform import Platform
from towline.probe.probe import probe
from towline.probe.target import Target
from towline.probe.vantage import Resolver, Vantage

AT_ONCE = 12


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one situation."""

    site: Site
    facts: Facts
    verdict: Verdict | None
    seconds: float
    """How long the probe took."""

    @property
    def code(self) -> str:
        """What the diagnosis says; empty when nothing is wrong."""
        return self.verdict.code if self.verdict else ""

    @property
    def right(self) -> bool:
        """Whether it is what is true."""
        situation = self.site.situation
        return self.code in (situation.code, *situation.also)


async def experiment(lab: Laboratory) -> list[Finding]:
    """Every situation, many at once, in order."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(site: Site) -> Finding:
        async with gate:
            return await find(lab, site)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(site)) for site in lab.sites.values()]
    return [task.result() for task in tasks]


async def find(lab: Laboratory, site: Site) -> Finding:
    """One situation: pull, look, judge."""
    text, attempt = await said(lab, site)
    began = time.monotonic()
    seen = await look(lab, site) if site.situation.probed else None
    seconds = time.monotonic() - began
    client = site.situation.client
    facts = Facts(image=site.image, client=client, text=text, attempt=attempt, seen=seen)
    return Finding(site, facts, diagnose(facts), seconds)


async def look(lab: Laboratory, site: Site) -> Observations:
    """What a probe sees from the client."""
    platform = Platform.parse(site.situation.platform)
    target = Target(site.image, platform, site.keyring, site.policy)
    return await probe(target, vantage(lab, site))


def vantage(lab: Laboratory, site: Site) -> Vantage:
    """The client, as its settings make it."""
    situation, words = site.situation, site.words
    servers = tuple((address, 53) for address in site.name_servers)
    resolver = Resolver(servers, hosts=situation.hosts.format_map(words))
    return Vantage(
        "the laboratory's client",
        lab.land.sockets,
        resolver,
        lambda: time.time() + situation.clock,
        lab.ca_file,
        site.proxies,
        site.disk,
    )
