"""What a pod's annotations have to say of its registry.

An annotation that somebody has written, but where it does nothing or not as the registry is named,
is put right: that was asked for. What nobody has asked for (plain HTTP, a certificate with something
wrong) needs a flag. A certificate that is merely unknown is pinned: this one, and no other. One that is
another than the pinned one is not merely unknown.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from towline.diagnosis.facts import Facts
from towline.diagnosis.known_annotation import ONLY_UNKNOWN
from towline.diagnosis.mending import Annotate, Mending, Widening, Wish
from towline.diagnosis.observed_path import PathSeen, TrustOutcome
from towline.diagnosis.plane import PodSeen
from towline.kube.annotations import (
    REGISTRY_CERTIFICATE,
    REGISTRY_HTTP_ENDPOINT,
    REGISTRY_INSECURE_SKIP_VERIFY,
)
from towline.oci.reference import InvalidReference, Reference
from towline.pull.policy import AddressList, Pins

_HARMLESS = ONLY_UNKNOWN | {"auth.realm-tls"}
"""Codes of certificates that nobody whom we know has signed."""
_UNSIGNED = frozenset({TrustOutcome.UNTRUSTED, TrustOutcome.SELF_SIGNED, TrustOutcome.INCOMPLETE})
"""What may be wrong with a certificate that is merely unknown; the code names the first fault only."""


def mend_http_server(facts: Facts, wish: Wish) -> Mending | None:
    """Speak plain HTTP to the registry."""
    pod, host = facts.pod, _registry(facts)
    if pod is None or not host:
        return None
    asked = _is_meant(pod, REGISTRY_HTTP_ENDPOINT, host)
    needs = None if asked else Widening.HTTP
    return wish.mending(_listing(pod, REGISTRY_HTTP_ENDPOINT, host), needs=needs)


def mend_tls_server(facts: Facts, wish: Wish) -> Mending | None:
    """Speak TLS to a registry that the pod speaks plain HTTP to."""
    pod, host = facts.pod, _registry(facts)
    held = AddressList.parse(pod.annotations.get(REGISTRY_HTTP_ENDPOINT, "")) if pod else None
    if pod is None or held is None or host.lower() not in held.addresses:
        return None
    left = ",".join(sorted(held.addresses - {host.lower()})) or None
    return wish.mending(Annotate(pod.namespace, pod.patched, REGISTRY_HTTP_ENDPOINT, left))


def mend_certificate(code: str, facts: Facts, wish: Wish) -> Mending | None:
    """Believe the registry's certificate."""
    pod, host = facts.pod, _registry(facts)
    if pod is None or not host:
        return None
    if _is_meant(pod, REGISTRY_INSECURE_SKIP_VERIFY, host):
        return wish.mending(_listing(pod, REGISTRY_INSECURE_SKIP_VERIFY, host))
    path = facts.seen.path if facts.seen is not None else None
    return _believed(code, pod, host, path, wish)


def mend_realm_certificate(facts: Facts, wish: Wish) -> Mending | None:
    """Believe the certificate of the registry's token server."""
    pod, seen = facts.pod, facts.seen
    realm = seen.challenge.realm if seen is not None and seen.challenge is not None else ""
    host = urlsplit(realm).netloc
    if pod is None or seen is None or not host:
        return None
    return _believed("auth.realm-tls", pod, host, seen.token_path, wish)


def _believed(
    code: str, pod: PodSeen, host: str, path: PathSeen | None, wish: Wish
) -> Mending | None:
    tls = path.tls if path is not None else None
    if tls is None or not tls.chain:
        listed = _listing(pod, REGISTRY_INSECURE_SKIP_VERIFY, host)
        return wish.mending(listed, needs=Widening.INSECURE)
    held = Pins.parse(pod.annotations.get(REGISTRY_CERTIFICATE, "")).of(host)
    harmless = code in _HARMLESS and _UNSIGNED.issuperset(tls.problems) and not held
    needs = None if harmless else Widening.INSECURE
    return wish.mending(_pinning(pod, host, tls.chain[0].sha256), needs=needs)


def _registry(facts: Facts) -> str:
    """The image's `host[:port]`, as annotations have to name it."""
    try:
        return Reference.parse(facts.pod.image if facts.pod else facts.image).domain
    except InvalidReference:
        return ""


def _is_meant(pod: PodSeen, key: str, host: str) -> bool:
    """Whether somebody wrote the annotation for this registry, in the wrong place or not exactly."""
    if pod.owner and host in AddressList.parse(pod.workload_annotations.get(key, "")):
        return True
    values = f"{pod.annotations.get(key, '')},{pod.workload_annotations.get(key, '')}"
    return any(_stands_for(word, host) for word in AddressList.parse(values).addresses)


def _stands_for(word: str, host: str) -> bool:
    """Whether it names this registry: also with a scheme or a path, or without the port.

    Another port of the same machine is another registry.
    """
    bare = (word.partition("://")[2] or word).partition("/")[0].lower()
    return bare in (host.lower(), host.lower().rpartition(":")[0])


def _listing(pod: PodSeen, key: str, host: str) -> Annotate:
    """The annotation with this registry in it, as well as those that are right already."""
    held = [word.strip() for word in pod.annotations.get(key, "").split(",") if word.strip()]
    kept = [word for word in held if not _stands_for(word, host)]
    return Annotate(pod.namespace, pod.patched, key, ",".join([*kept, host]))


def _pinning(pod: PodSeen, host: str, sha256: str) -> Annotate:
    held = [word.strip() for word in pod.annotations.get(REGISTRY_CERTIFICATE, "").split(",")]
    kept = [
        word for word in held if word and word.partition("=")[0].strip().lower() != host.lower()
    ]
    pinned = ",".join([*kept, f"{host}={sha256.lower()}"])
    return Annotate(pod.namespace, pod.patched, REGISTRY_CERTIFICATE, pinned)
