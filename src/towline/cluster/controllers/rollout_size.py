"""How large the ReplicaSets of a Deployment should be next: arithmetic, without any writing.

The rules are Kubernetes' (`pkg/controller/deployment/rolling.go`, `sync.go`, `util/deployment_util.go`).
They bound sums of sizes; the caller asks only when every ReplicaSet has acted on its size, and so the
bounds hold for the pods themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from towline.cluster.controllers.deployment_wish import DeploymentWish

Sizes = Mapping[str, int]
"""The wanted size of each ReplicaSet, by name."""


@dataclass(frozen=True, slots=True)
class SetSize:
    """One ReplicaSet, as far as it decides sizes."""

    name: str
    born: str
    """Its creation timestamp: sorts as text."""
    wanted: int
    available: int
    most_before: int | None = None
    """How many pods its Deployment was allowed when its size was last set."""


def new_size(wish: DeploymentWish, new: int, all_wanted: int) -> int:
    """The size of the newest set: as far up as the surge allows, or down to what is asked."""
    room = max(0, wish.most - all_wanted)
    return min(wish.replicas, new + room) if new < wish.replicas else wish.replicas


def old_sizes(wish: DeploymentWish, new: SetSize, old: Sequence[SetSize]) -> Sizes:
    """The sizes of the old sets: down as far as enough pods stay available.

    Pods that are not available go first, whichever set they are of.
    """
    total = new.wanted + sum(one.wanted for one in old)
    spare = total - wish.least_available - (new.wanted - new.available)
    sizes = {one.name: one.wanted for one in old}
    if spare <= 0:
        return sizes
    by_age = sorted(old, key=lambda one: (one.born, one.name))
    for one in by_age:
        broken = min(spare, one.wanted - one.available)
        sizes[one.name] -= max(0, broken)
        spare -= max(0, broken)
    surplus = new.available + sum(one.available for one in old) - wish.least_available
    for one in by_age:
        gone = min(sizes[one.name], max(0, surplus))
        sizes[one.name] -= gone
        surplus -= gone
    return sizes


def proportional_sizes(wish: DeploymentWish, sets: Sequence[SetSize], held_before: int) -> Sizes:
    """The sizes when a Deployment is scaled in the middle of a rollout: each set gets its share.

    `held_before` stands in for sets that do not say how many pods were allowed before.
    """
    to_add = (wish.most if wish.replicas else 0) - sum(one.wanted for one in sets)
    sizes = {one.name: one.wanted for one in sets}
    if to_add == 0:
        return sizes
    ordered = _by_size(sets, newest_first=to_add > 0)
    added = 0
    for one in ordered:
        share = _share(wish, one, one.most_before or held_before)
        share = min(share, to_add - added) if to_add > 0 else max(share, to_add - added)
        sizes[one.name] += share
        added += share
    largest = ordered[0].name
    sizes[largest] = max(0, sizes[largest] + to_add - added)
    return sizes


def _by_size(sets: Sequence[SetSize], *, newest_first: bool) -> list[SetSize]:
    by_age = sorted(sets, key=lambda one: (one.born, one.name), reverse=newest_first)
    return sorted(by_age, key=lambda one: -one.wanted)


def _share(wish: DeploymentWish, one: SetSize, most_before: int) -> int:
    if wish.replicas == 0:
        return -one.wanted
    if most_before == 0:
        return 0
    return _rounded(one.wanted * wish.most, most_before) - one.wanted


def _rounded(amount: int, by: int) -> int:
    """Half up, as Go's `math.Round` does with what is not negative."""
    return (2 * amount + by) // (2 * by)
