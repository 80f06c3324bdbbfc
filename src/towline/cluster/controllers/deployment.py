"""Deployment: replaces pods of an old template by pods of a new one, a few at a time.

It does so by ReplicaSets, one for each template: the new one grows while the old ones shrink. Every
look at a Deployment takes one step, and the changes that follow from it cause the next look. A step
of a rolling update waits until the ReplicaSets have acted on the step before: what they say of their
pods is then true, and the bounds of the strategy hold for pods and not only for sizes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from towline.cluster.controllers.control_loop import Copies, Route
from towline.cluster.controllers.deployment_status import (
    PAUSED,
    PROGRESSING,
    TIMED_OUT,
    condition_of,
    deadline_in,
    is_complete,
    progress_status,
    settled_status,
)
from towline.cluster.controllers.deployment_wish import Strategy
from towline.cluster.controllers.deployment_writer import DeploymentWriter
from towline.cluster.controllers.ownership import (
    adopt,
    can_adopt,
    controller_key,
    controls,
    is_being_deleted,
    may_adopt,
    release,
)
from towline.cluster.controllers.replica_set_writer import NameTaken, ReplicaSetWriter, set_name
from towline.cluster.controllers.revision import (
    desired_before,
    latest_revision,
    revision_of,
)
from towline.cluster.controllers.rollout import Rollout, counted, see, size_of, wanted_of
from towline.cluster.controllers.rollout_size import (
    Sizes,
    new_size,
    old_sizes,
    proportional_sizes,
)
from towline.cluster.event_recorder import EventRecorder
from towline.cluster.kubernetes import ApiError, Kubernetes, Object, Resource
from towline.cluster.object_key import ObjectKey, key_of
from towline.cluster.resources import DEPLOYMENTS, PODS, REPLICA_SETS
from towline.kube.selector import from_object


class DeploymentController:
    """Makes ReplicaSets and moves pods between them by changing their sizes."""

    def __init__(
        self,
        kubernetes: Kubernetes,
        copies: Copies,
        events: EventRecorder,
        clock: Callable[[], float],
    ) -> None:
        self._kubernetes = kubernetes
        self._deployments = copies[DEPLOYMENTS]
        self._sets = copies[REPLICA_SETS]
        self._pods = copies[PODS]
        self._set_writer = ReplicaSetWriter(kubernetes, self._sets, events)
        self._writer = DeploymentWriter(kubernetes, self._deployments, events, clock)
        self._clock = clock

    def routes(self) -> Mapping[Resource, Route[ObjectKey]]:
        """Own changes, those of the ReplicaSets, and pods that a new template waits for."""
        return {
            DEPLOYMENTS: lambda thing: (key_of(thing),),
            REPLICA_SETS: self._deployments_of_set,
            PODS: self._deployments_of_pod,
        }

    async def reconcile(self, key: ObjectKey) -> float | None:
        """Take the next step of a rollout and publish how far it is."""
        deployment = self._deployments.get(key)
        if deployment is None:
            return None
        rollout = await self._see(deployment)
        if is_being_deleted(deployment):
            await self._writer.publish(rollout, settled_status(rollout, self._clock()))
            return None
        rollout = await self._note_pause(await self._keep_current(rollout))
        if rollout.wish.paused or _is_being_scaled(rollout):
            rollout = await self._scale(rollout)
            await self._writer.publish(rollout, settled_status(rollout, self._clock()))
        else:
            rollout = await self._advance(rollout)
            await self._writer.publish(rollout, progress_status(rollout, self._clock()))
        await self._forget_history(rollout)
        now = self._clock()
        return deadline_in(rollout, settled_status(rollout, now), now)

    def _deployments_of_set(self, replica_set: Object) -> tuple[ObjectKey, ...]:
        owners = controller_key(replica_set, "Deployment")
        if owners or replica_set["metadata"].get("ownerReferences"):
            return owners
        labels = replica_set["metadata"].get("labels") or {}
        namespace = replica_set["metadata"]["namespace"]
        return tuple(
            key_of(one)
            for one in self._deployments.list(namespace)
            if from_object(one["spec"]["selector"]).matches(labels)
        )

    def _deployments_of_pod(self, pod: Object) -> tuple[ObjectKey, ...]:
        """Only who recreates has to know when the last pod has gone."""
        found = list[ObjectKey]()
        for key in controller_key(pod, "ReplicaSet"):
            replica_set = self._sets.get(key)
            for owner in controller_key(replica_set, "Deployment") if replica_set else ():
                deployment = self._deployments.get(owner)
                strategy = deployment and deployment["spec"].get("strategy")
                if strategy and strategy.get("type") == Strategy.RECREATE:
                    found.append(owner)
        return tuple(found)

    async def _see(self, deployment: Object) -> Rollout:
        """The Deployment and its ReplicaSets, after taking over strays and releasing strangers."""
        selector, mine = from_object(deployment["spec"]["selector"]), list[Object]()
        for one in self._sets.list(deployment["metadata"]["namespace"]):
            if controls(deployment, one):
                if selector.matches(one["metadata"].get("labels") or {}):
                    mine.append(one)
                elif not is_being_deleted(deployment):
                    released = await release(self._kubernetes, REPLICA_SETS, deployment, one)
                    self._sets.learn(released)
            elif may_adopt(deployment, one, selector) and await can_adopt(
                self._kubernetes, DEPLOYMENTS, deployment
            ):
                mine.append(await adopt(self._kubernetes, REPLICA_SETS, deployment, one))
                self._sets.learn(mine[-1])
        return see(deployment, mine)

    async def _keep_current(self, rollout: Rollout) -> Rollout:
        """Give the newest ReplicaSet, if it is there, its revision, and the Deployment the same."""
        if rollout.new is None:
            return rollout
        revision = latest_revision(rollout.old) + 1
        current = await self._set_writer.keep_current(rollout, rollout.new, revision)
        rollout = rollout.with_set(current)
        rollout = await self._writer.set_revision(rollout, revision_of(current))
        if condition_of(rollout.deployment.get("status") or {}, PROGRESSING):
            return rollout
        message = f'Found new replica set "{current["metadata"]["name"]}"'
        return await self._writer.note(rollout, "True", "FoundNewReplicaSet", message)

    async def _note_pause(self, rollout: Rollout) -> Rollout:
        held = condition_of(rollout.deployment.get("status") or {}, PROGRESSING)
        reason = held["reason"] if held else ""
        if reason == TIMED_OUT:
            return rollout
        if rollout.wish.paused and reason != PAUSED:
            return await self._writer.note(rollout, "Unknown", PAUSED, "Deployment is paused")
        if not rollout.wish.paused and reason == PAUSED:
            return await self._writer.note(
                rollout, "Unknown", "DeploymentResumed", "Deployment is resumed"
            )
        return rollout

    async def _scale(self, rollout: Rollout) -> Rollout:
        """Bring the number of pods to what is asked, without moving them to a new template."""
        active = [one for one in rollout.sets if wanted_of(one) > 0]
        if len(active) <= 1:
            last = active[0] if active else rollout.new or _latest(rollout)
            if last is None:
                return rollout
            return await self._resize(rollout, {last["metadata"]["name"]: rollout.wish.replicas})
        if _is_saturated(rollout):
            down = {one["metadata"]["name"]: 0 for one in rollout.active_old}
            return await self._resize(rollout, down)
        if rollout.wish.strategy is Strategy.RECREATE:
            return await self._recreate(rollout)
        held = counted((rollout.deployment,), "replicas")
        sizes = proportional_sizes(rollout.wish, tuple(map(size_of, active)), held)
        return await self._resize(rollout, sizes)

    async def _advance(self, rollout: Rollout) -> Rollout:
        match rollout.wish.strategy:
            case Strategy.ROLLING_UPDATE:
                return await self._roll(rollout)
            case Strategy.RECREATE:
                return await self._recreate(rollout)

    async def _roll(self, rollout: Rollout) -> Rollout:
        """Grow the new ReplicaSet if it may, else shrink the old ones if they may."""
        if not rollout.is_settled:
            return rollout  # the next change of a ReplicaSet's status brings us back
        all_wanted = sum(map(wanted_of, rollout.sets))
        if rollout.new is None:
            return await self._make_new(rollout, new_size(rollout.wish, 0, all_wanted))
        new = size_of(rollout.new)
        size = new_size(rollout.wish, new.wanted, all_wanted)
        if size != new.wanted:
            return await self._resize(rollout, {new.name: size})
        active = tuple(map(size_of, rollout.active_old))
        return await self._resize(rollout, old_sizes(rollout.wish, new, active))

    async def _recreate(self, rollout: Rollout) -> Rollout:
        """Shrink the old ReplicaSets to nothing; the new one begins when no pod is left."""
        if rollout.active_old:
            down = {one["metadata"]["name"]: 0 for one in rollout.active_old}
            return await self._resize(rollout, down)
        if counted(rollout.old, "replicas") or self._has_old_pods(rollout):
            return rollout
        if rollout.new is None:
            return await self._make_new(rollout, rollout.wish.replicas)
        return await self._resize(rollout, {rollout.new["metadata"]["name"]: rollout.wish.replicas})

    def _has_old_pods(self, rollout: Rollout) -> bool:
        """Whether a pod of an old template still runs, be it on its way out."""
        return any(
            (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")
            for pod in self._pods.list(rollout.deployment["metadata"]["namespace"])
            if any(controls(one, pod) for one in rollout.old)
        )

    async def _make_new(self, rollout: Rollout, size: int) -> Rollout:
        revision, name = latest_revision(rollout.old) + 1, set_name(rollout)
        try:
            made = await self._set_writer.create(rollout, size, revision)
        except NameTaken:
            return await self._writer.count_collision(rollout)
        except ApiError as error:
            message = f'Failed to create new replica set "{name}": {error.message}'
            await self._writer.note_failure(rollout, message)
            raise
        rollout = await self._writer.set_revision(rollout.with_set(made), revision)
        message = f'Created new replica set "{name}"'
        return await self._writer.note(rollout, "True", "NewReplicaSetCreated", message)

    async def _resize(self, rollout: Rollout, sizes: Sizes) -> Rollout:
        for one in rollout.sets:
            size = sizes.get(one["metadata"]["name"])
            if size is not None:
                rollout = rollout.with_set(await self._set_writer.scale(rollout, one, size))
        return rollout

    async def _forget_history(self, rollout: Rollout) -> None:
        """Remove the oldest revisions beyond the limit, once nothing moves."""
        if not rollout.wish.paused and not is_complete(
            rollout, settled_status(rollout, self._clock())
        ):
            return
        kept = [one for one in rollout.old if not is_being_deleted(one)]
        kept.sort(key=revision_of)
        for one in kept[: max(0, len(kept) - rollout.wish.history_limit)]:
            unused = not wanted_of(one) and not counted((one,), "replicas")
            seen = counted((one,), "observedGeneration") >= one["metadata"].get("generation", 0)
            if unused and seen:
                await self._set_writer.delete(one)


def _is_being_scaled(rollout: Rollout) -> bool:
    """Whether the number of pods asked for has changed since the sizes were last set."""
    return any(
        desired_before(one) not in (None, rollout.wish.replicas)
        for one in rollout.sets
        if wanted_of(one) > 0
    )


def _is_saturated(rollout: Rollout) -> bool:
    """Whether the newest ReplicaSet alone has all the pods that are asked for."""
    if rollout.new is None:
        return False
    wanted = rollout.wish.replicas
    desired = desired_before(rollout.new)
    available = counted((rollout.new,), "availableReplicas")
    return wanted_of(rollout.new) == desired == available == wanted


def _latest(rollout: Rollout) -> Object | None:
    return rollout.old[-1] if rollout.old else None
