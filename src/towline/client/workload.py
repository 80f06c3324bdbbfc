"""A pod, or what makes pods: how it is named on a command line, and which pods are its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from towline.cluster.kubernetes import ApiError, Kubernetes, Object, Resource
from towline.cluster.resources import DEPLOYMENTS, PODS, REPLICA_SETS
from towline.problem import Problem

POD = "pod"
RESOURCES = {
    POD: PODS,
    "deployment": DEPLOYMENTS,
    "replicaset": REPLICA_SETS,
    "statefulset": Resource("apps", "v1", "statefulsets"),
    "daemonset": Resource("apps", "v1", "daemonsets"),
}
_SHORT = {"po": POD, "pods": POD, "deploy": "deployment", "deployments": "deployment"}
_SHORT |= {"rs": "replicaset", "sts": "statefulset", "ds": "daemonset"}


@dataclass(frozen=True, slots=True)
class Workload:
    """An object whose pods shall run."""

    namespace: str
    kind: str
    """`pod`, `deployment`, …"""
    name: str

    @classmethod
    def parse(cls, namespace: str, text: str) -> Workload:
        """Read `pod/web` or `deployment/web`, in kubectl's short forms too; raises `Problem`."""
        kind, slash, name = text.partition("/")
        kind = _SHORT.get(kind.lower(), kind.lower())
        if not slash or not name or kind not in RESOURCES:
            raise Problem(
                "workload-malformed",
                cause=f"{text!r} names no pod and nothing that makes pods",
                remedy="write it like pod/web-1 or deployment/web; its namespace goes into --namespace",
            )
        return cls(namespace, kind, name)

    @property
    def resource(self) -> Resource:
        """The collection that it is in."""
        return RESOURCES[self.kind]

    @property
    def is_bare_pod(self) -> bool:
        """Whether it is a pod, which nobody makes anew."""
        return self.kind == POD

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


async def found(kubernetes: Kubernetes, workload: Workload) -> Object:
    """The object; raises `Problem` when there is none."""
    try:
        return await kubernetes.get(workload.resource, workload.namespace, workload.name)
    except ApiError as error:
        if error.code != 404:
            raise
        raise Problem(
            "no-such-workload",
            cause=f"the namespace {workload.namespace} has no {workload}",
            remedy=f"see what there is: kubectl -n {workload.namespace} get {workload.kind}s",
        ) from error


async def owner_of(kubernetes: Kubernetes, pod: Object) -> Workload | None:
    """What has made a pod, and has the template to be changed; None for a pod made by hand."""
    namespace, owner = pod["metadata"]["namespace"], _controller(pod)
    if owner is None:
        return None
    if owner["kind"] == "ReplicaSet":
        above = _controller(await kubernetes.get(REPLICA_SETS, namespace, owner["name"]))
        owner = above or owner
    return Workload(namespace, owner["kind"].lower(), owner["name"])


async def pods_of(kubernetes: Kubernetes, workload: Workload) -> list[Object]:
    """The pods that a workload has now and means to keep, the youngest first."""
    if workload.is_bare_pod:
        return [await found(kubernetes, workload)]
    owners = [await found(kubernetes, workload)]
    if workload.kind == "deployment":
        sets = (await kubernetes.list(REPLICA_SETS, workload.namespace)).items
        owners = [one for one in _owned_by(sets, owners) if (one.get("spec") or {}).get("replicas")]
    pods = (await kubernetes.list(PODS, workload.namespace)).items
    own = [one for one in _owned_by(pods, owners) if not _is_going(one)]
    return sorted(own, key=lambda pod: str(pod["metadata"]["creationTimestamp"]), reverse=True)


def _owned_by(things: Iterable[Object], owners: Iterable[Object]) -> list[Object]:
    ids = {one["metadata"]["uid"] for one in owners}
    return [one for one in things if (_controller(one) or {}).get("uid") in ids]


def _controller(thing: Object) -> dict[str, Any] | None:
    references = thing["metadata"].get("ownerReferences") or ()
    return next((one for one in references if one.get("controller")), None)


def _is_going(thing: Object) -> bool:
    return "deletionTimestamp" in thing["metadata"]
