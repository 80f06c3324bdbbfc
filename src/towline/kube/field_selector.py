"""Field selectors: which objects a list or watch is about, by the few fields that each kind can be asked for.

The grammar is that of k8s.io/apimachinery/pkg/fields; the fields are those that the kinds' own conversion
functions name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from towline.kube.refusal import Refusal, bad_request
from towline.kube.resource_type import ResourceType

_TERM = re.compile(r"(?:[^\\,]|\\.?)+", re.DOTALL)  # up to a comma that is not escaped
_PARTS = re.compile(r"((?:[^\\=!]|\\.)+?)(!=|==|=)((?:[^\\=]|\\[\\,=])*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class FieldTerm:
    """One term of a field selector."""

    field: str
    value: str
    equal: bool


@dataclass(frozen=True, slots=True)
class FieldSelector:
    """All terms together; none of them means everything."""

    terms: tuple[FieldTerm, ...] = ()

    def matches(self, item: Mapping[str, Any]) -> bool:
        """Whether the object is selected."""
        return all((_field(item, one.field) == one.value) is one.equal for one in self.terms)

    @property
    def name(self) -> str | None:
        """The one name that can match, when there is one."""
        names = (one.value for one in self.terms if one.field == "metadata.name" and one.equal)
        return next(names, None)


_EVERY_KIND = ("metadata.name", "metadata.namespace")
_SELECTABLE: dict[str, tuple[str, ...]] = {
    "Pod": (
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.podIPs",
        "status.nominatedNodeName",
    ),
    "Event": (
        *(
            f"involvedObject.{one}"
            for one in (
                "kind",
                "namespace",
                "name",
                "uid",
                "apiVersion",
                "resourceVersion",
                "fieldPath",
            )
        ),
        "reason",
        "reportingComponent",
        "source",
        "type",
    ),
    "Node": ("spec.unschedulable",),
    "Namespace": ("status.phase",),
    "Secret": ("type",),
    "ReplicaSet": ("status.replicas",),
}
_ABSENT_IS: dict[str, str] = {"spec.unschedulable": "false", "spec.hostNetwork": "false"}


def parse_fields(text: str, resource: ResourceType) -> FieldSelector:
    """The selector that `--field-selector` takes; raises a 400 refusal."""
    known = (*_EVERY_KIND, *_SELECTABLE.get(resource.kind, ()))
    terms = tuple(_field_term(part, text) for part in _TERM.findall(text))
    for one in terms:
        if one.field not in known:
            raise _unknown_field(one.field, resource)
    return FieldSelector(terms)


def _unknown_field(field: str, resource: ResourceType) -> Refusal:
    if resource.kind in ("Pod", "Event", "Node", "Namespace", "Secret", "ReplicaSet"):
        return bad_request(f"field label not supported: {field}")
    return bad_request(
        f'"{field}" is not a known field selector: only "metadata.name", "metadata.namespace"'
    )


def _field_term(part: str, text: str) -> FieldTerm:
    found = _PARTS.fullmatch(part)
    if found is None:
        raise bad_request(f"invalid selector: '{text}'; can't understand '{part}'")
    return FieldTerm(found[1], re.sub(r"\\(.)", r"\1", found[3]), found[2] != "!=")


def _field(item: Mapping[str, Any], path: str) -> str:
    special = _SPECIAL_FIELDS.get(path)
    if special is not None:
        return special(item)
    held: Any = item
    for step in path.split("."):
        held = held.get(step) if isinstance(held, Mapping) else None
    if held is None:
        return _ABSENT_IS.get(path, "")
    return str(held).lower() if isinstance(held, bool) else str(held)


def _source(event: Mapping[str, Any]) -> str:
    return str(
        (event.get("source") or {}).get("component") or event.get("reportingComponent") or ""
    )


def _first_address(pod: Mapping[str, Any]) -> str:
    return str((pod.get("status") or {}).get("podIP") or "")


_SPECIAL_FIELDS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "source": _source,
    "status.podIPs": _first_address,
}
