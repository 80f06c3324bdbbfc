"""Fields of a pod, and shares of its containers, as variables and files show them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from towline.cluster.node.references import Unresolved
from towline.kube import quantity
from towline.kube.pod import Container, FieldRef, Pod, ResourceFieldRef

_SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a pod runs."""

    pod: Pod
    address: str
    host: str
    """The node's address."""


def field(place: Place, reference: FieldRef) -> str:
    """The value of a field; raises `Unresolved` for one that there is not."""
    path, metadata, spec = reference.field_path, place.pod.metadata, place.pod.spec
    if found := _SUBSCRIPT.fullmatch(path):
        held = metadata.labels if found[1] == "labels" else metadata.annotations
        return held.get(found[2], "")
    fields = {
        "metadata.name": metadata.name,
        "metadata.namespace": metadata.namespace,
        "metadata.uid": metadata.uid,
        "metadata.labels": _lines(metadata.labels),
        "metadata.annotations": _lines(metadata.annotations),
        "spec.nodeName": spec.node_name,
        "spec.serviceAccountName": spec.service_account_name,
        "status.hostIP": place.host,
        "status.hostIPs": place.host,
        "status.podIP": place.address,
        "status.podIPs": place.address,
    }
    if path not in fields:
        raise Unresolved(f"unsupported fieldPath: {path}")
    return fields[path]


def share(pod: Pod, container: Container, reference: ResourceFieldRef) -> str:
    """A request or limit in units of the divisor, rounded up; raises `Unresolved`."""
    name = reference.container_name or container.name
    holder = next((one for one in _containers(pod) if one.name == name), None)
    kind, _, resource = reference.resource.partition(".")
    if holder is None:
        raise Unresolved(f'container "{name}" not found')
    if kind not in ("limits", "requests"):
        raise Unresolved(f"unsupported container resource : {reference.resource}")
    resources = holder.resources
    held = resources.limits if kind == "limits" else resources.requests
    amount = quantity.value(str(held.get(resource, "0")))
    divisor = quantity.value(reference.divisor) or Decimal(1)
    return str(math.ceil(amount / divisor))


def _containers(pod: Pod) -> tuple[Container, ...]:
    return pod.spec.init_containers + pod.spec.containers


def _lines(held: Mapping[str, str]) -> str:
    """As the kubelet's `FormatMap` writes them."""
    return "\n".join(f'{key}="{_escaped(held[key])}"' for key in sorted(held))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
