"""How a Deployment makes, sizes and removes its ReplicaSets, and says so in events."""

from __future__ import annotations

from collections.abc import Mapping

from towline.cluster.controllers.ownership import controls, owner_reference
from towline.cluster.controllers.revision import (
    Annotations,
    annotations_of,
    set_annotations,
    size_annotations,
)
from towline.cluster.controllers.rollout import Rollout, wanted_of
from towline.cluster.controllers.template_hash import LABEL, same_template, template_hash
from towline.cluster.event_recorder import EventRecorder
from towline.cluster.kubernetes import ApiError, Kubernetes, Object
from towline.cluster.object_key import key_of
from towline.cluster.reflector import Reflector
from towline.cluster.resources import REPLICA_SETS
from towline.kube.event import EventType, Happening, ObjectReference


class NameTaken(Exception):
    """A ReplicaSet of the wanted name exists and is another one: the hash has collided."""


class ReplicaSetWriter:
    """Writes ReplicaSets, and lets the copy know of them at once."""

    def __init__(self, kubernetes: Kubernetes, copy: Reflector, events: EventRecorder) -> None:
        self._kubernetes = kubernetes
        self._copy = copy
        self._events = events

    async def create(self, rollout: Rollout, size: int, revision: int) -> Object:
        """Make the newest ReplicaSet, or find it made already.

        Raises `NameTaken`, or `ApiError` after an event has said why.
        """
        body = _body(rollout, size, revision)
        namespace, name = body["metadata"]["namespace"], body["metadata"]["name"]
        try:
            made = await self._kubernetes.create(REPLICA_SETS, namespace, body)
        except ApiError as error:
            if error.reason != "AlreadyExists":
                raise
            return await self._existing(rollout, namespace, name)
        self._copy.learn(made)
        if size:
            self._say(rollout.deployment, f"Scaled up replica set {name} from 0 to {size}")
        return made

    async def scale(self, rollout: Rollout, held: Object, size: int) -> Object:
        """Set a size, on the condition that nobody wrote the ReplicaSet meanwhile."""
        before, name = wanted_of(held), held["metadata"]["name"]
        annotations = _changed(annotations_of(held), size_annotations(rollout.wish))
        if before == size and not annotations:
            return held
        spec = {} if before == size else {"spec": {"replicas": size}}
        written = await self._patch(held, annotations, spec)
        if before != size:
            way = "up" if size > before else "down"
            self._say(
                rollout.deployment, f"Scaled {way} replica set {name} from {before} to {size}"
            )
        return written

    async def keep_current(self, rollout: Rollout, held: Object, revision: int) -> Object:
        """Give the newest ReplicaSet its revision and what its Deployment changed."""
        wanted = set_annotations(rollout.deployment, annotations_of(held), revision)
        annotations = _changed(annotations_of(held), wanted)
        spec: Object = {}
        if (held["spec"].get("minReadySeconds") or 0) != rollout.wish.min_ready:
            spec = {"spec": {"minReadySeconds": rollout.wish.min_ready}}
        if not annotations and not spec:
            return held
        return await self._patch(held, annotations, spec)

    async def delete(self, held: Object) -> None:
        """Remove a ReplicaSet that has no pods."""
        metadata = held["metadata"]
        conditions = {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}
        try:
            await self._kubernetes.delete(
                REPLICA_SETS, *key_of(held), options={"preconditions": conditions}
            )
        except ApiError as error:
            if error.code != 404:
                raise

    async def _existing(self, rollout: Rollout, namespace: str, name: str) -> Object:
        found = await self._kubernetes.get(REPLICA_SETS, namespace, name)
        template = rollout.deployment["spec"]["template"]
        if not controls(rollout.deployment, found):
            raise NameTaken
        if not same_template(found["spec"]["template"], template):
            raise NameTaken
        self._copy.learn(found)
        return found

    async def _patch(self, held: Object, annotations: Annotations, spec: Object) -> Object:
        metadata: Object = {
            "uid": held["metadata"]["uid"],
            "resourceVersion": held["metadata"]["resourceVersion"],
        }
        if annotations:
            metadata["annotations"] = dict(annotations)
        body = {"metadata": metadata, **spec}
        written = await self._kubernetes.patch(REPLICA_SETS, *key_of(held), body)
        self._copy.learn(written)
        return written

    def _say(self, deployment: Object, message: str) -> None:
        about = ObjectReference.to(deployment)
        self._events.record(Happening(about, EventType.NORMAL, "ScalingReplicaSet", message))


def set_name(rollout: Rollout) -> str:
    """The name of a Deployment's newest ReplicaSet."""
    return f"{rollout.deployment['metadata']['name']}-{_hash(rollout)}"


def _hash(rollout: Rollout) -> str:
    collisions = (rollout.deployment.get("status") or {}).get("collisionCount")
    return template_hash(rollout.deployment["spec"]["template"], collisions)


def _body(rollout: Rollout, size: int, revision: int) -> Object:
    deployment, label = rollout.deployment, {LABEL: _hash(rollout)}
    spec, template = deployment["spec"], deployment["spec"]["template"]
    labels = {**((template.get("metadata") or {}).get("labels") or {}), **label}
    selector = spec["selector"]
    annotations = {
        **set_annotations(deployment, {}, revision),
        **size_annotations(rollout.wish),
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": set_name(rollout),
            "namespace": deployment["metadata"]["namespace"],
            "labels": labels,
            "annotations": annotations,
            "ownerReferences": [owner_reference(deployment)],
        },
        "spec": {
            "replicas": size,
            "minReadySeconds": rollout.wish.min_ready,
            "selector": {
                **selector,
                "matchLabels": {**(selector.get("matchLabels") or {}), **label},
            },
            "template": {
                **template,
                "metadata": {**(template.get("metadata") or {}), "labels": labels},
            },
        },
    }


def _changed(held: Mapping[str, str], wanted: Annotations) -> Annotations:
    return {name: value for name, value in wanted.items() if held.get(name) != value}
