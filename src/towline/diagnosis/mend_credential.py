"""What gives a pod the right to its image.

The credential that is made pulls from the one namespace of the registry that the image is in, and
nothing else. A Secret that is there and is for another password, user or host is given the new one,
so that even a pod that is there already can use it.
"""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.mending import (
    AttachSecret,
    Change,
    GrantPull,
    Mending,
    Wish,
    WriteCredential,
)
from towline.diagnosis.plane import CredentialState, InstanceSeen, Known, Plane, PodSeen

_REWRITTEN = frozenset(
    {
        CredentialState.MISSING_SECRET,
        CredentialState.OTHER_HOST,
        CredentialState.WRONG_USER,
        CredentialState.WRONG_PASSWORD,
        CredentialState.DISABLED,
        CredentialState.EXPIRED,
    }
)
"""The pod names a Secret that can be made right."""
_ADDED = frozenset({CredentialState.NONE, CredentialState.UNREADABLE})
"""The pod needs a Secret more."""


def mend_credential(facts: Facts, wish: Wish) -> Mending | None:
    """The changes after which the registry lets the pod pull, if it is ours and has the image."""
    plane, pod = facts.plane, facts.pod
    if plane is None or pod is None or plane.instance is None:
        return None
    if plane.namespace_exists is Known.NO or not plane.registry_namespace:
        return None
    changes = _changes(plane, plane.instance, pod)
    return wish.mending(*changes) if changes else None


def _changes(plane: Plane, instance: InstanceSeen, pod: PodSeen) -> tuple[Change, ...]:
    held = plane.credential
    if held.state in _REWRITTEN and held.secret:
        return (_write(plane, instance, pod, held.secret),)
    if held.state in _ADDED or (held.state is CredentialState.OTHER_NAMESPACE and not held.id):
        secret = f"pull-{instance.name}-{plane.registry_namespace}".replace("_", "-")
        written = _write(plane, instance, pod, secret)
        return written, AttachSecret(pod.namespace, pod.patched, secret)
    if held.state is CredentialState.OTHER_NAMESPACE and held.service_account:
        return (GrantPull(instance.name, held.id, plane.registry_namespace),)
    return ()


def _write(plane: Plane, instance: InstanceSeen, pod: PodSeen, secret: str) -> WriteCredential:
    names = (plane.host, instance.domain, instance.vpc_domain)
    servers = tuple(dict.fromkeys(filter(None, names)))
    namespace = plane.registry_namespace
    return WriteCredential(instance.name, namespace, pod.namespace, secret, servers)
