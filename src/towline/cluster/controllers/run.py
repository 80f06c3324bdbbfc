"""All controllers of a cluster together, over one copy of each resource."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from towline.cluster.controllers.control_loop import Controller, Copies, control
from towline.cluster.controllers.credential_release import CredentialRelease
from towline.cluster.controllers.deployment import DeploymentController
from towline.cluster.controllers.event_expiry import EventExpiry
from towline.cluster.controllers.garbage import GarbageCollector
from towline.cluster.controllers.namespace import NamespaceController
from towline.cluster.controllers.node_health import NodeHealth
from towline.cluster.controllers.orphan_pods import OrphanPods
from towline.cluster.controllers.replica_set import ReplicaSetController
from towline.cluster.controllers.scheduler import NAME as SCHEDULER
from towline.cluster.controllers.scheduler import Scheduler
from towline.cluster.controllers.service_account import ServiceAccountController
from towline.cluster.event_recorder import EventRecorder
from towline.cluster.kubernetes import Kubernetes
from towline.cluster.object_key import ObjectKey
from towline.cluster.reflector import Reflector, Selection
from towline.cluster.resources import EVENTS, OWNED
from towline.kube.event import EventSource


@dataclass(frozen=True, slots=True)
class Control:
    """What the controllers work with."""

    kubernetes: Kubernetes
    release: CredentialRelease
    clock: Callable[[], float]
    """Seconds since the epoch."""
    authority: str | None = None
    """The CA's certificate that pods get as `kube-root-ca.crt`; None if somebody else publishes it."""


async def run_controllers(
    kubernetes: Kubernetes, release: CredentialRelease, authority: str | None = None
) -> None:
    """Run all controllers by the wall clock until cancelled."""
    await run(Control(kubernetes, release, time.time, authority))


async def run(parts: Control) -> None:
    """Run all controllers until cancelled. They begin when all copies are complete."""
    copies = {
        resource: Reflector(parts.kubernetes, Selection(resource))
        for resource in (*OWNED.values(), EVENTS)
    }
    # Made before the copies are filled: some follow them from their first object on.
    collector = GarbageCollector(parts.kubernetes, copies)
    speakers = tuple(_speakers(parts, copies))
    silent = _silent(parts, copies)
    async with asyncio.TaskGroup() as tasks:
        for copy in copies.values():
            tasks.create_task(copy.run())
        for copy in copies.values():
            await copy.synced.wait()
        tasks.create_task(control(collector, copies))
        tasks.create_task(parts.release.run(copies))
        for controller, events in speakers:
            tasks.create_task(events.run())
            tasks.create_task(control(controller, copies))
        for controller in silent:
            tasks.create_task(control(controller, copies))


def _speakers(
    parts: Control, copies: Copies
) -> Iterator[tuple[Controller[ObjectKey], EventRecorder]]:
    """Controllers that say what they do, each under its own name."""
    for kind, source in (
        (DeploymentController, "deployment-controller"),
        (ReplicaSetController, "replicaset-controller"),
        (Scheduler, SCHEDULER),
        (NodeHealth, "node-controller"),
    ):
        events = EventRecorder(parts.kubernetes, EventSource(source), parts.clock)
        yield kind(parts.kubernetes, copies, events, parts.clock), events


def _silent(parts: Control, copies: Copies) -> tuple[Controller[ObjectKey], ...]:
    return (
        NamespaceController(parts.kubernetes, copies, parts.clock),
        ServiceAccountController(parts.kubernetes, copies, parts.authority),
        EventExpiry(parts.kubernetes, copies, parts.clock),
        OrphanPods(parts.kubernetes, copies, parts.clock),
    )
