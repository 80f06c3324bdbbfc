"""What a Deployment's controller writes into the Deployment itself: status, revision, failures."""

from __future__ import annotations

from collections.abc import Callable

from towline.cluster.controllers.deployment_status import progressing
from towline.cluster.controllers.revision import REVISION, annotations_of
from towline.cluster.controllers.rollout import Rollout, counted
from towline.cluster.controllers.status_patch import status_patch, with_condition
from towline.cluster.event_recorder import EventRecorder
from towline.cluster.kubernetes import Kubernetes, Object
from towline.cluster.object_key import key_of
from towline.cluster.reflector import Reflector
from towline.cluster.resources import DEPLOYMENTS
from towline.kube.event import EventType, Happening, ObjectReference
from towline.kube.timestamp import to_second

CREATE_FAILED = "ReplicaSetCreateError"


class DeploymentWriter:
    """Writes Deployments, and lets the copy know of it at once."""

    def __init__(
        self,
        kubernetes: Kubernetes,
        copy: Reflector,
        events: EventRecorder,
        clock: Callable[[], float],
    ) -> None:
        self._kubernetes = kubernetes
        self._copy = copy
        self._events = events
        self._clock = clock

    async def publish(self, rollout: Rollout, status: Object) -> Rollout:
        """Write what of the status has changed."""
        patch = status_patch(rollout.deployment.get("status") or {}, status)
        if not patch:
            return rollout
        return await self._patch(rollout, {"status": patch}, subresource="status")

    async def note(self, rollout: Rollout, status: str, reason: str, message: str) -> Rollout:
        """Publish a change of the `Progressing` condition, if there is a deadline to judge by."""
        if rollout.wish.deadline is None:
            return rollout
        now = self._clock()
        held = (rollout.deployment.get("status") or {}).get("conditions") or []
        condition = progressing(status, reason, message, now)
        return await self.publish(
            rollout, {"conditions": with_condition(held, condition, to_second(now))}
        )

    async def note_failure(self, rollout: Rollout, message: str) -> None:
        """Say that a ReplicaSet could not be made."""
        about = ObjectReference.to(rollout.deployment)
        self._events.record(Happening(about, EventType.WARNING, CREATE_FAILED, message))
        await self.note(rollout, "False", CREATE_FAILED, message)

    async def count_collision(self, rollout: Rollout) -> Rollout:
        """Let the next look make another hash of the same template."""
        held = counted((rollout.deployment,), "collisionCount")
        return await self.publish(rollout, {"collisionCount": held + 1})

    async def set_revision(self, rollout: Rollout, revision: int) -> Rollout:
        """Write the revision that the Deployment is at."""
        if annotations_of(rollout.deployment).get(REVISION) == str(revision):
            return rollout
        return await self._patch(rollout, {"metadata": {"annotations": {REVISION: str(revision)}}})

    async def _patch(self, rollout: Rollout, body: Object, subresource: str = "") -> Rollout:
        metadata = {"uid": rollout.deployment["metadata"]["uid"], **body.get("metadata", {})}
        written = await self._kubernetes.patch(
            DEPLOYMENTS,
            *key_of(rollout.deployment),
            {**body, "metadata": metadata},
            subresource=subresource,
        )
        self._copy.learn(written)
        return rollout.with_deployment(written)
