"""Events as people read them in `kubectl describe`: about what, from whom, and what happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from towline.kube.timestamp import to_second

MAX_MESSAGE = 1024  # the API's limit for the note of an event
_CLUSTER_NAMESPACE = "default"  # where events about objects without a namespace are kept


class EventType(StrEnum):
    """Whether somebody should worry."""

    NORMAL = "Normal"
    WARNING = "Warning"


@dataclass(frozen=True, slots=True)
class EventSource:
    """Who says it: `eklet, eklet-subnet-…` in `describe`."""

    component: str
    host: str = ""


@dataclass(frozen=True, slots=True)
class ObjectReference:
    """What an event is about."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str
    resource_version: str = ""
    field_path: str = ""
    """`spec.containers{web}`."""

    @classmethod
    def to(cls, thing: Mapping[str, Any], field_path: str = "") -> ObjectReference:
        """A reference to an object of the API."""
        metadata = thing["metadata"]
        return cls(
            thing["apiVersion"],
            thing["kind"],
            metadata.get("namespace", ""),
            metadata["name"],
            metadata["uid"],
            metadata.get("resourceVersion", ""),
            field_path,
        )

    def to_object(self) -> dict[str, str]:
        """As the API writes it."""
        fields = {
            "apiVersion": self.api_version,
            "kind": self.kind,
            "namespace": self.namespace,
            "name": self.name,
            "uid": self.uid,
            "resourceVersion": self.resource_version,
            "fieldPath": self.field_path,
        }
        return {name: value for name, value in fields.items() if value}


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened, before it is written as an Event."""

    about: ObjectReference
    type: EventType
    reason: str
    message: str
    topic: str = ""
    """All that is said of one topic is one Event, whose message is the latest; who gives one speaks
    seldom enough by itself.
    """

    @property
    def namespace(self) -> str:
        """Where its Event is kept."""
        return self.about.namespace or _CLUSTER_NAMESPACE


def event_object(
    happening: Happening, source: EventSource, name: str, now: float
) -> dict[str, Any]:
    """The Event of something that happened once."""
    time = to_second(now)
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": happening.namespace},
        "involvedObject": happening.about.to_object(),
        "reason": happening.reason,
        "message": happening.message[:MAX_MESSAGE],
        "type": happening.type.value,
        "source": {"component": source.component, "host": source.host},
        "reportingComponent": source.component,
        "reportingInstance": source.host,
        "firstTimestamp": time,
        "lastTimestamp": time,
        "count": 1,
    }
