"""What a Deployment asks for, read from its spec, with percentages made into numbers of pods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from towline.cluster.kubernetes import Object

_NO_DEADLINE = 2**31 - 1  # what kubectl and others write for "never"


class Strategy(StrEnum):
    """How the pods of an old template make way for those of a new one."""

    ROLLING_UPDATE = "RollingUpdate"
    RECREATE = "Recreate"


@dataclass(frozen=True, slots=True)
class DeploymentWish:
    """A Deployment's spec, as far as it decides numbers and times."""

    replicas: int
    strategy: Strategy
    max_surge: int
    max_unavailable: int
    min_ready: int
    deadline: int | None
    """Seconds without progress after which a rollout is said to have failed."""
    history_limit: int
    paused: bool

    @property
    def most(self) -> int:
        """How many pods there may be at any time."""
        return self.replicas + self.max_surge

    @property
    def least_available(self) -> int:
        """How many pods have to be available at any time."""
        return max(0, self.replicas - self.max_unavailable)


def read_wish(deployment: Object) -> DeploymentWish:
    """Read a Deployment; what is absent has the API's default."""
    spec = deployment["spec"]
    replicas = _number(spec, "replicas", 1)
    strategy = Strategy((spec.get("strategy") or {}).get("type") or Strategy.ROLLING_UPDATE)
    surge, unavailable = _fence_posts(spec, strategy, replicas)
    deadline = _number(spec, "progressDeadlineSeconds", 600)
    return DeploymentWish(
        replicas=replicas,
        strategy=strategy,
        max_surge=surge,
        max_unavailable=unavailable,
        min_ready=_number(spec, "minReadySeconds", 0),
        deadline=None if deadline == _NO_DEADLINE else deadline,
        history_limit=_number(spec, "revisionHistoryLimit", 10),
        paused=bool(spec.get("paused")),
    )


def _fence_posts(spec: Mapping[str, Any], strategy: Strategy, replicas: int) -> tuple[int, int]:
    """Surge is rounded up and unavailability down; if nothing may move, one pod may be missing.

    Kubernetes' `ResolveFenceposts`.
    """
    if strategy is Strategy.RECREATE:
        return 0, 0
    rolling = (spec.get("strategy") or {}).get("rollingUpdate") or {}
    surge = -(-_share(rolling.get("maxSurge", "25%"), replicas) // 100)
    unavailable = _share(rolling.get("maxUnavailable", "25%"), replicas) // 100
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return surge, min(unavailable, replicas)


def _share(value: int | str, replicas: int) -> int:
    """A number or a percentage of the replicas, in hundredths of a pod."""
    if isinstance(value, str) and value.endswith("%"):
        return int(value[:-1]) * replicas
    return int(value) * 100


def _number(spec: Mapping[str, Any], name: str, default: int) -> int:
    value = spec.get(name)
    return default if value is None else int(value)
