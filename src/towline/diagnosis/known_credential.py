"""Why a registry of ours does not give a pod its image, by its records and the pod's Secrets."""

from __future__ import annotations

from collections.abc import Callable

from towline.diagnosis.facts import Facts
from towline.diagnosis.known import Known
from towline.diagnosis.plane import (
    CredentialSeen,
    CredentialState,
    InstanceSeen,
    Plane,
    PodSeen,
    PullSecret,
)
from towline.diagnosis.plane import Known as Looked
from towline.diagnosis.rule import Proof
from towline.diagnosis.seen_key import closed
from towline.diagnosis.verdict import Remedy, Who
from towline.kube.annotations import RELEASE_CREDENTIAL

_CODES = {
    CredentialState.NONE: "auth.missing-credential",
    CredentialState.MISSING_SECRET: "auth.missing-credential",
    CredentialState.UNREADABLE: "auth.missing-credential",
    CredentialState.OTHER_HOST: "auth.missing-credential",
    CredentialState.WRONG_USER: "auth.wrong-credential",
    CredentialState.WRONG_PASSWORD: "auth.wrong-credential",
    CredentialState.DISABLED: "auth.wrong-credential",
    CredentialState.EXPIRED: "auth.expired-credential",
    CredentialState.OTHER_NAMESPACE: "authz.insufficient-scope",
}
Prove = Callable[[Facts], Proof | None]


def known_or_seen(code: str, seen: Prove) -> Prove:
    """The proof of a code of credentials: by the records, by what a probe saw, or by both."""

    def proof(facts: Facts) -> Proof | None:
        known, found = credential_known(facts), seen(facts)
        if known is None:
            return found
        if known[0] != code:
            return None  # the records know better what the same answer means
        evidence = (*known[1].evidence, *(found.evidence if found else ()))
        return Proof(evidence, known[1].cause)

    return proof


def credential_known(facts: Facts) -> tuple[str, Known] | None:
    """The code and the cause; None when the records know of none, or the image was opened."""
    plane = facts.plane
    if plane is None or plane.instance is None or _opened(facts):
        return None
    if plane.namespace_exists is Looked.NO and plane.registry_namespace:
        return "authz.insufficient-scope", _no_namespace(plane, plane.instance)
    code = _CODES.get(plane.credential.state)
    if code is None or plane.namespace_exists is Looked.UNKNOWN:
        return None
    if plane.namespace_is_public is Looked.YES and code == "auth.missing-credential":
        return None
    return code, _cause(plane, plane.instance, facts.pod)


def _opened(facts: Facts) -> bool:
    """Whether the registry has let the probe in, whatever it then found."""
    seen = facts.seen
    if seen is None or seen.manifest is None:
        return False
    return seen.manifest.answer.status != 0 and closed(seen) is None


def _no_namespace(plane: Plane, instance: InstanceSeen) -> Known:
    near = ", ".join(plane.near_namespaces)
    meant = f"Write {near} instead, or create" if near else "Correct the image's name, or create"
    return Known(
        f"the registry {instance.name} has no namespace {plane.registry_namespace}",
        (f"namespaces that are nearly called so: {near or 'none'}",),
        Remedy(
            text=f"{meant} the namespace and push the image",
            commands=(f"towline namespace create {instance.name} {plane.registry_namespace}",),
        ),
    )


def _cause(plane: Plane, instance: InstanceSeen, pod: PodSeen | None) -> Known:
    held = plane.credential
    secret = f"the Secret {held.secret}" if held.secret else "the credential"
    who = Who.POD_AUTHOR
    match held.state:
        case CredentialState.DISABLED:
            cause = f"the credential {held.id} ({held.username}) of {secret} is switched off"
            who = Who.REGISTRY_ADMIN
        case CredentialState.EXPIRED:
            cause = f"the credential {held.id} ({held.username}) of {secret} expired at {held.expired_at}"
        case CredentialState.WRONG_USER:
            cause = f"the registry {instance.name} knows no user {held.username}, of {secret}"
        case CredentialState.WRONG_PASSWORD:
            cause = (
                f"the password of {held.username} in {secret} is none that {instance.name} knows"
            )
        case CredentialState.OTHER_NAMESPACE:
            allowed = ", ".join(held.namespaces) or "nowhere"
            cause = (
                f"{held.username}, of {secret}, may pull from {allowed} of the registry "
                f"{instance.name}, and not from {plane.registry_namespace}"
            )
            who = Who.REGISTRY_ADMIN
        case _:
            cause = _lacking(plane, instance, held, pod)
    evidence = (f"the registry's records: {held.state.value}", *_hosts(pod))
    return Known(cause, evidence, _remedy(plane, instance, pod, who))


def _lacking(
    plane: Plane, instance: InstanceSeen, held: CredentialSeen, pod: PodSeen | None
) -> str:
    where = f"the namespace {pod.namespace}" if pod else "the pod's namespace"
    known = _secret(held.secret, pod)
    match held.state:
        case CredentialState.MISSING_SECRET:
            others = f" (it is in {', '.join(known.elsewhere)})" if known.elsewhere else ""
            return f"the pod names the Secret {held.secret}, which {where} does not have{others}"
        case CredentialState.UNREADABLE:
            return f"the Secret {held.secret} holds no credential that can be read: {known.trouble}"
        case CredentialState.OTHER_HOST:
            hosts = ", ".join(known.hosts) or "nothing"
            return f"the Secret {held.secret} is for {hosts}, and not for {plane.host}"
        case _:
            return (
                f"the pod brings no credential, and {plane.registry_namespace} of the registry "
                f"{instance.name} is private"
            )


def _remedy(plane: Plane, instance: InstanceSeen, pod: PodSeen | None, who: Who) -> Remedy:
    make = f"towline credential create {instance.name} --namespace {plane.registry_namespace}"
    if plane.credential.state is CredentialState.OTHER_NAMESPACE:
        text = f"Let {plane.credential.username} pull from {plane.registry_namespace}"
        return Remedy(text=f"{text}, or give the pod a credential that may", who=who)
    if pod is None:
        return Remedy(
            text=f"Log in to {plane.host} with a credential of {instance.name}",
            commands=(f"{make} --right pull",),
            who=who,
        )
    namespace = pod.namespace
    return Remedy(
        text=f"Give the pod a credential for {plane.host}: have the namespace {namespace} released one "
        "(it is then its default), or put one into a Secret and name it in imagePullSecrets; then make "
        "the pod anew, for it reads that only once",
        commands=(
            f"kubectl annotate --overwrite namespace {namespace} {RELEASE_CREDENTIAL}={instance.name}",
            f"{make} --right pull",
        ),
        who=who,
    )


def _secret(name: str, pod: PodSeen | None) -> PullSecret:
    secrets = pod.pull_secrets if pod else ()
    return next((one for one in secrets if one.name == name), PullSecret(name=name))


def _hosts(pod: PodSeen | None) -> tuple[str, ...]:
    """What the pod's Secrets are for, a line each."""
    return tuple(
        f"Secret {pod.namespace}/{one.name}: {', '.join(one.hosts) or one.trouble or 'not there'}"
        for one in (pod.pull_secrets if pod else ())
        if pod
    )
