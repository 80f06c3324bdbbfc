"""An annotation that somebody wrote for a registry, and that does nothing as it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from towline.diagnosis.known import Known
from towline.diagnosis.plane import PodSeen
from towline.diagnosis.verdict import Remedy, Who
from towline.kube.annotations import (
    REGISTRY_CERTIFICATE,
    REGISTRY_HTTP_ENDPOINT,
    REGISTRY_INSECURE_SKIP_VERIFY,
)
from towline.pull.policy import AddressList

_HTTP = frozenset({"tls.http-server"})
ONLY_UNKNOWN = frozenset({"tls.self-signed", "tls.unknown-authority", "tls.incomplete-chain"})
"""Nothing is wrong with the certificate but that nobody whom we know has signed it."""
CERTIFICATE = frozenset(
    {
        "tls.self-signed",
        "tls.unknown-authority",
        "tls.incomplete-chain",
        "tls.expired",
        "tls.not-yet-valid",
        "tls.wrong-host",
        "tls.no-ip-san",
        "tls.cn-only",
    }
)
"""Something is wrong with the certificate that the registry shows."""


def annotation_known(code: str, pod: PodSeen, registry: str) -> Known | None:
    """Why what the pod asks for is not done, and where to write what; None for other codes.

    `registry` is the image's `host[:port]`.
    """
    if code in _HTTP:
        return _known(REGISTRY_HTTP_ENDPOINT, pod, registry, "speaks plain HTTP")
    if code in CERTIFICATE:
        trouble = "shows a certificate that cannot be verified"
        return _known(REGISTRY_INSECURE_SKIP_VERIFY, pod, registry, trouble)
    return None


def changed_certificate(pod: PodSeen, registry: str, sha256: str) -> Known:
    """Another certificate than the pinned one: renewed, or somebody else's. Nobody may just follow."""
    return Known(
        f"{registry} shows another certificate than the one that {REGISTRY_CERTIFICATE} pins",
        (
            f"{REGISTRY_CERTIFICATE} of the pod: {pod.annotations.get(REGISTRY_CERTIFICATE, '')}",
            f"the certificate's SHA-256: {sha256}",
        ),
        Remedy(
            text="Find out from the registry's administrator whether it was renewed, and only then "
            f"pin the new one on {pod.patched}",
            who=Who.REGISTRY_ADMIN,
        ),
    )


def annotation_wanted(code: str, pod: PodSeen, registry: str, sha256: str) -> Remedy | None:
    """What to write where nobody has written anything yet; None for other codes.

    A certificate that is merely unknown is pinned by its fingerprint rather than passed over.
    """
    if code in _HTTP:
        return _written(REGISTRY_HTTP_ENDPOINT, pod, registry)
    if code in ONLY_UNKNOWN and sha256:
        pinned = _written(REGISTRY_CERTIFICATE, pod, f"{registry}={sha256}")
        told = f"; {REGISTRY_INSECURE_SKIP_VERIFY}: {registry} would believe any certificate"
        return replace(pinned, text=pinned.text + told)
    return None


def _written(key: str, pod: PodSeen, value: str) -> Remedy:
    return Remedy(text=_where(key, pod, value), commands=_patch(key, pod, value))


def _known(key: str, pod: PodSeen, registry: str, trouble: str) -> Known | None:
    fault = _fault(key, pod, registry)
    if not fault:
        return None
    return Known(
        f"{registry} {trouble}, and {fault}",
        (f"{key} of the pod: {pod.annotations.get(key, '') or 'none'}",),
        _written(key, pod, registry),
    )


def _fault(key: str, pod: PodSeen, registry: str) -> str:
    """What is wrong with the annotation; empty when nobody has written one for this registry."""
    if _is_meant(pod.workload_annotations, key, registry) and not pod.annotations.get(key):
        return f"the annotation {key} stands on {pod.owner} itself instead of on its pod template"
    for word in AddressList.parse(pod.annotations.get(key, "")).addresses:
        bare = _bare(word)
        if bare == registry.lower() and word != bare:
            return f"the annotation {key} names {word}, with more than host and port"
        if bare != registry.lower() and _host(bare) == _host(registry.lower()):
            return f"the annotation {key} names {word} and not {registry}, as the image does"
    return ""


def _is_meant(annotations: Mapping[str, str], key: str, registry: str) -> bool:
    listed = AddressList.parse(annotations.get(key, ""))
    hosts = {_host(_bare(word)) for word in listed.addresses}
    return registry in listed or _host(registry.lower()) in hosts


def _bare(word: str) -> str:
    return (word.partition("://")[2] or word).partition("/")[0]


def _host(address: str) -> str:
    host, colon, port = address.rpartition(":")
    return host if colon and port.isdigit() else address


def _where(key: str, pod: PodSeen, value: str) -> str:
    place = f"the pod template of {pod.owner}" if pod.owner else f"the pod {pod.path}, made anew"
    return f"Write {key}: {value} on {place}"


def _patch(key: str, pod: PodSeen, value: str) -> tuple[str, ...]:
    if not pod.owner:
        return ()
    patch = f'{{"spec":{{"template":{{"metadata":{{"annotations":{{"{key}":"{value}"}}}}}}}}}}'
    return (f"kubectl patch {pod.owner} --namespace {pod.namespace} --patch '{patch}'",)
