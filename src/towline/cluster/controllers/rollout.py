"""A Deployment with its ReplicaSets: the one with its template, and those with older ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from towline.cluster.controllers.deployment_wish import DeploymentWish, read_wish
from towline.cluster.controllers.revision import most_before
from towline.cluster.controllers.rollout_size import SetSize
from towline.cluster.controllers.template_hash import same_template
from towline.cluster.kubernetes import Object


@dataclass(frozen=True, slots=True)
class Rollout:
    """What one look at a Deployment sees. Steps that write return a new one."""

    deployment: Object
    wish: DeploymentWish
    new: Object | None
    """The ReplicaSet with the Deployment's template, once it has been made."""
    old: tuple[Object, ...]

    @property
    def sets(self) -> tuple[Object, ...]:
        """All of its ReplicaSets, the newest last."""
        return self.old if self.new is None else (*self.old, self.new)

    @property
    def active_old(self) -> tuple[Object, ...]:
        """Old ones that are still to have pods."""
        return tuple(one for one in self.old if wanted_of(one) > 0)

    @property
    def is_settled(self) -> bool:
        """Whether every ReplicaSet's status speaks of its present size."""
        return all(
            (one.get("status") or {}).get("observedGeneration", 0)
            >= one["metadata"].get("generation", 0)
            for one in self.sets
        )

    def with_deployment(self, deployment: Object) -> Rollout:
        """The same after a write to the Deployment."""
        return replace(self, deployment=deployment)

    def with_set(self, written: Object) -> Rollout:
        """The same after a write to one of the ReplicaSets, or with the newest one just made."""
        name = written["metadata"]["name"]
        if self.new is None or self.new["metadata"]["name"] == name:
            known = any(one["metadata"]["name"] == name for one in self.old)
            if not known:
                return replace(self, new=written)
        old = (written if one["metadata"]["name"] == name else one for one in self.old)
        return replace(self, old=tuple(old))


def see(deployment: Object, sets: Sequence[Object]) -> Rollout:
    """Sort a Deployment's ReplicaSets; of several with its template the oldest is the newest set."""
    template = deployment["spec"]["template"]
    by_age = sorted(sets, key=_age)
    new = next((one for one in by_age if same_template(one["spec"]["template"], template)), None)
    old = tuple(one for one in by_age if one is not new)
    return Rollout(deployment, read_wish(deployment), new, old)


def wanted_of(replica_set: Object) -> int:
    """How many pods a ReplicaSet is to have."""
    replicas = replica_set["spec"].get("replicas")
    return 1 if replicas is None else int(replicas)


def counted(sets: Iterable[Object], field: str) -> int:
    """The sum of one count in the statuses of ReplicaSets."""
    return sum((one.get("status") or {}).get(field) or 0 for one in sets)


def size_of(replica_set: Object) -> SetSize:
    """A ReplicaSet as the arithmetic of sizes wants it."""
    metadata = replica_set["metadata"]
    return SetSize(
        name=metadata["name"],
        born=metadata["creationTimestamp"],
        wanted=wanted_of(replica_set),
        available=counted((replica_set,), "availableReplicas"),
        most_before=most_before(replica_set),
    )


def _age(replica_set: Object) -> tuple[str, str]:
    return replica_set["metadata"]["creationTimestamp"], replica_set["metadata"]["name"]
