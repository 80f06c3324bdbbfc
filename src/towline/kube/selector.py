"""Label and field selectors: which objects a list or watch is about."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from towline.kube.refusal import Refusal, bad_request
from towline.kube.resource_type import ResourceType

Labels = Mapping[str, str]

_TERM = re.compile(
    r"""\s*(?:
        (?P<absent>!)\s*(?P<missing>[^\s,=!()]+)
      | (?P<key>[^\s,=!()]+)\s*
        (?: (?P<operator>==|=|!=)\s*(?P<value>[^\s,=!()]*)
          | \s(?P<set>in|notin)\s*\((?P<values>[^()]*)\)
          | (?P<compare>[<>])\s*(?P<number>-?\d+)
        )?
    )\s*(?:,|$)""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Requirement:
    """One term: the label has to be there and in (or not in) the values."""

    key: str
    operator: str
    """`In`, `NotIn`, `Exists`, `DoesNotExist`, `Gt` or `Lt`."""
    values: tuple[str, ...] = ()

    def matches(self, labels: Labels) -> bool:
        """Whether an object with these labels is meant."""
        held = labels.get(self.key)
        match self.operator:
            case "In":
                return held is not None and held in self.values
            case "NotIn":
                return held is None or held not in self.values
            case "Exists":
                return held is not None
            case "DoesNotExist":
                return held is None
        return _compares(held, self.operator, self.values[0])


def _compares(held: str | None, operator: str, bound: str) -> bool:
    try:
        number = int(held or "")
    except ValueError:
        return False
    return number > int(bound) if operator == "Gt" else number < int(bound)


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """All requirements together; none of them means everything."""

    requirements: tuple[Requirement, ...] = ()

    def matches(self, labels: Labels) -> bool:
        """Whether an object with these labels is selected."""
        return all(one.matches(labels) for one in self.requirements)

    def __str__(self) -> str:
        return ",".join(_written(one) for one in self.requirements)


def _written(one: Requirement) -> str:
    match one.operator:
        case "In" if len(one.values) == 1:
            return f"{one.key}={one.values[0]}"
        case "In" | "NotIn":
            return f"{one.key} {one.operator.lower()} ({','.join(sorted(one.values))})"
        case "Exists":
            return one.key
        case "DoesNotExist":
            return f"!{one.key}"
    return f"{one.key}{'>' if one.operator == 'Gt' else '<'}{one.values[0]}"


def parse_labels(text: str) -> LabelSelector:
    """The selector that `-l` takes; raises a 400 refusal."""
    found: list[Requirement] = []
    at = 0
    while at < len(text) and text.strip():
        term = _TERM.match(text, at)
        if term is None or term.end() == at:
            raise bad_request(f"unable to parse requirement: found '{text[at:].strip()}'")
        found.append(_requirement(term))
        at = term.end()
    return LabelSelector(tuple(found))


def _requirement(term: re.Match[str]) -> Requirement:
    if term["absent"]:
        return Requirement(term["missing"], "DoesNotExist")
    key = term["key"]
    if term["operator"]:
        operator = "NotIn" if term["operator"] == "!=" else "In"
        return Requirement(key, operator, (term["value"],))
    if term["set"]:
        values = tuple(value.strip() for value in term["values"].split(","))
        return Requirement(key, "In" if term["set"] == "in" else "NotIn", values)
    if term["compare"]:
        return Requirement(key, "Gt" if term["compare"] == ">" else "Lt", (term["number"],))
    return Requirement(key, "Exists")


def from_object(selector: Mapping[str, Any]) -> LabelSelector:
    """The selector that a workload's `spec.selector` is."""
    equal = (
        Requirement(key, "In", (value,))
        for key, value in sorted((selector.get("matchLabels") or {}).items())
    )
    listed = (
        Requirement(one["key"], one["operator"], tuple(one.get("values") or ()))
        for one in selector.get("matchExpressions") or ()
    )
    return LabelSelector((*equal, *listed))


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
    terms = tuple(_field_term(part) for part in text.split(",") if part.strip())
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


def _field_term(part: str) -> FieldTerm:
    found = re.fullmatch(r"\s*([^=!\s]+)\s*(==|=|!=)\s*(.*?)\s*", part)
    if found is None:
        message = f"invalid selector: '{part}'; can't understand '{part}'"
        raise bad_request(message)
    return FieldTerm(found[1], found[3], found[2] != "!=")


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
