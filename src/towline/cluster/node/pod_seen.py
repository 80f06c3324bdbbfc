"""A pod as a diagnosis sees it: whose template made it, and which registries its Secrets open.

Names and hosts only; what a Secret opens them with stays where it is.
"""

from __future__ import annotations

from typing import Any

from towline.cluster.kubernetes import ApiError, Kubernetes, Object
from towline.cluster.resources import OWNED, PODS, SECRETS
from towline.diagnosis.plane import PodSeen, PullSecret
from towline.kube.pod import Pod
from towline.kube.secret import secret_data
from towline.pull.keyring import InvalidDockerConfig, Keyring, SecretType

_DEEPEST = 3  # owners of owners: a pod, its ReplicaSet, its Deployment
_READABLE = frozenset(SecretType)


async def pod_seen(kubernetes: Kubernetes, pod: Pod, image: str) -> PodSeen:
    """Look at a pod once; what the API does not say is left out."""
    metadata = pod.metadata
    owner = await _owner(kubernetes, metadata.namespace, metadata.name)
    names = [one.name for one in pod.spec.image_pull_secrets if one.name]
    held = owner.get("metadata") or {}
    return PodSeen(
        namespace=metadata.namespace,
        name=metadata.name,
        owner=f"{owner['kind'].lower()}/{held['name']}" if owner else "",
        image=image,
        annotations=metadata.annotations,
        workload_annotations=held.get("annotations") or {},
        pull_secrets=tuple(
            [await pull_secret_seen(kubernetes, metadata.namespace, name) for name in names]
        ),
        ip=pod.status.get("podIP") or "",
        node=pod.spec.node_name,
    )


async def _owner(kubernetes: Kubernetes, namespace: str, name: str) -> Object:
    """The topmost object that made the pod; empty when nobody did."""
    found: Object = {}
    try:
        held = await kubernetes.get(PODS, namespace, name)
        for _ in range(_DEEPEST):
            reference = _controller(held)
            resource = OWNED.get((reference.get("apiVersion", ""), reference.get("kind", "")))
            if resource is None:
                break
            held = await kubernetes.get(resource, namespace, reference["name"])
            found = {"kind": reference["kind"], **held}
    except ApiError:
        pass  # it is gone by now, or not for us to see: what is known is enough
    return found


def _controller(held: Object) -> dict[str, Any]:
    references = held["metadata"].get("ownerReferences") or ()
    return next((one for one in references if one.get("controller")), {})


async def pull_secret_seen(kubernetes: Kubernetes, namespace: str, name: str) -> PullSecret:
    """One Secret that a pod names; in which other namespaces it is, when it is missing."""
    try:
        secret = await kubernetes.get(SECRETS, namespace, name)
    except ApiError:
        elsewhere = await _elsewhere(kubernetes, name)
        return PullSecret(name=name, exists=False, elsewhere=elsewhere)
    type_ = str(secret.get("type") or "Opaque")
    if type_ not in _READABLE:
        return PullSecret(name=name, type=type_, trouble=f"its type is {type_}")
    try:
        entries = Keyring.from_secret(type_, secret_data(secret)).entries
    except InvalidDockerConfig as error:
        return PullSecret(name=name, type=type_, trouble=str(error))
    return PullSecret(name=name, type=type_, hosts=tuple(key for key, _ in entries))


async def _elsewhere(kubernetes: Kubernetes, name: str) -> tuple[str, ...]:
    """The namespaces that do have a Secret of this name."""
    selectors = {"fieldSelector": f"metadata.name={name}"}
    try:
        found = await kubernetes.list(SECRETS, selectors=selectors)
    except ApiError:
        return ()
    return tuple(sorted(one["metadata"]["namespace"] for one in found.items))
