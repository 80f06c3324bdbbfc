"""What a sender hears of annotations that will not do what they were written for.

The annotations of pods have to stand in a workload's pod template, and some values mean nothing. Such
mistakes are silent elsewhere and cost hours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from towline.kube.annotations import (
    LAZY,
    LAZY_WORDS,
    REGISTRY_ANNOTATIONS,
    REGISTRY_PROXY,
    misplaced,
    misplaced_warning,
)
from towline.pull.proxy import Proxy


def placement_warnings(item: Mapping[str, Any]) -> list[str]:
    """The warnings that an object deserves, in order."""
    own = _annotations(item)
    if item["kind"] == "Pod":
        return list(_values(own, "metadata.annotations"))
    if item["kind"] not in ("Deployment", "ReplicaSet"):
        return []
    template = _annotations(item["spec"].get("template") or {})
    wrong_place = [misplaced_warning(name) for name in misplaced(own, template)]
    return [*wrong_place, *_values(template, "spec.template.metadata.annotations")]


def _annotations(item: Mapping[str, Any]) -> Mapping[str, str]:
    return (item.get("metadata") or {}).get("annotations") or {}


def _values(annotations: Mapping[str, str], at: str) -> Iterator[str]:
    for name in sorted(REGISTRY_ANNOTATIONS & annotations.keys()):
        for value in annotations[name].split(","):
            host = value.strip()
            bare = host.partition("://")[2] or host
            if bare != host or "/" in bare:
                yield (
                    f"{at}[{name}]: {host!r} names no registry: write the host and port alone, "
                    f"as in {bare.partition('/')[0]!r}"
                )
    proxy = annotations.get(REGISTRY_PROXY, "").strip()
    if proxy and not Proxy.parse(proxy).is_usable:
        yield f"{at}[{REGISTRY_PROXY}]: no proxy: write it as in 'http://proxy.example:3128'"
    lazy = annotations.get(LAZY, "").strip()
    if lazy and lazy not in LAZY_WORDS:
        yield f"{at}[{LAZY}]: {lazy!r} is neither 'auto' nor 'off'; it is taken for 'auto'"
