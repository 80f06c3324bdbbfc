"""The workers of an agent's pods of one cluster, on whichever node they are."""

from __future__ import annotations

from collections.abc import Mapping

from towline.cluster.node.pod_worker import PodWorker
from towline.cluster.node.provider import StandingPod


class PodDirectory:
    """Who works on which pod, and what nobody has taken over from an earlier process."""

    def __init__(self) -> None:
        self._workers: dict[str, PodWorker] = {}
        self._standing: dict[str, StandingPod] = {}

    @property
    def unclaimed(self) -> Mapping[str, StandingPod]:
        """What stands without a worker, by the pods' uids."""
        return self._standing

    def find(self, namespace: str, name: str) -> PodWorker | None:
        """The worker of a pod; of two of one name the younger."""
        for worker in reversed(self._workers.values()):
            metadata = worker.pod.metadata
            if (metadata.namespace, metadata.name) == (namespace, name):
                return worker
        return None

    def leave(self, pod: StandingPod) -> None:
        """Something stands that a worker may go on with."""
        self._standing[pod.uid] = pod

    def take(self, uid: str) -> StandingPod | None:
        """What stands of a pod: its worker's from now on."""
        return self._standing.pop(uid, None)

    def enter(self, uid: str, worker: PodWorker) -> None:
        """A worker has begun."""
        self._workers[uid] = worker

    def get(self, uid: str) -> PodWorker | None:
        """The worker of a uid."""
        return self._workers.get(uid)

    def remove(self, uid: str) -> None:
        """A worker is done."""
        del self._workers[uid]
