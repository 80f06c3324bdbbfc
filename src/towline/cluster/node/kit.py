"""What the workers of one node's pods share."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from towline.cluster.kubernetes import Kubernetes, Object
from towline.cluster.node.container_starter import ContainerStarter
from towline.cluster.node.provider import Provider
from towline.cluster.node.voice import Record

_RETRY, _SPREAD = 10.0, 0.5  # seconds and share: pod_workers.go, backOffPeriod and its jitter


@dataclass(frozen=True, slots=True)
class Kit:
    """The node's parts, as a pod's worker uses them."""

    kubernetes: Kubernetes
    provider: Provider
    starter: ContainerStarter
    record: Record
    learn: Callable[[Object], None]
    clock: Callable[[], float]
    """Seconds since the epoch."""
    address: str
    """The node's."""
    subnet_id: str
    cluster_id: str = ""

    def pause(self) -> float:
        """Seconds until a pod that could not be brought forward is looked at again."""
        return _RETRY * (1 + _SPREAD * random.random())  # noqa: S311  # spreads load, hides nothing
