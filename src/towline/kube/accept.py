"""What form of an answer a client can read: the Kubernetes dialect of the `Accept` header.

A client lists forms in the order of its liking; the first that is served here is taken. Protobuf is not:
every client that asks for it names JSON as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from towline.kube.refusal import Refusal

JSON, YAML = "application/json", "application/yaml"
_META = "meta.k8s.io"
_DISCOVERY = "apidiscovery.k8s.io"


class Shape(Enum):
    """What is made of an object before it is sent."""

    WHOLE = "whole"
    TABLE = "Table"
    PARTIAL = "PartialObjectMetadata"


@dataclass(frozen=True, slots=True)
class Form:
    """A shape, the version of the types it is of, and how it is written."""

    shape: Shape = Shape.WHOLE
    version: str = "v1"
    yaml: bool = False

    @property
    def content_type(self) -> str:
        """How the answer calls itself."""
        return YAML if self.yaml else JSON


def form_of(accept: str) -> Form:
    """The form that an object or a list is wanted in; raises a 406 refusal."""
    for media_type, parameters in _clauses(accept):
        shape = _shape(parameters)
        if media_type in (JSON, YAML, "*/*", "application/*") and shape is not None:
            version = parameters.get("v", "v1") if shape is not Shape.WHOLE else "v1"
            return Form(shape, version, yaml=media_type == YAML)
    raise not_acceptable((JSON, YAML))


def _shape(parameters: Mapping[str, str]) -> Shape | None:
    wanted = parameters.get("as")
    if wanted is None:
        return Shape.WHOLE
    if parameters.get("g") != _META or parameters.get("v") not in ("v1", "v1beta1"):
        return None
    name = wanted.removesuffix("List")
    return next((one for one in (Shape.TABLE, Shape.PARTIAL) if one.value == name), None)


def discovery_version(accept: str) -> str:
    """The version of the aggregated discovery document that is wanted; empty for the older form."""
    for media_type, parameters in _clauses(accept):
        if parameters.get("g") != _DISCOVERY:
            if media_type in (JSON, "*/*"):
                return ""
        elif parameters.get("as") == "APIGroupDiscoveryList":
            version = parameters.get("v", "")
            if version in ("v2", "v2beta1"):
                return version
    return ""


def _clauses(accept: str) -> Iterator[tuple[str, dict[str, str]]]:
    for clause in (accept or "*/*").split(","):
        media_type, *rest = (part.strip() for part in clause.split(";"))
        pairs = (part.partition("=") for part in rest)
        yield media_type.lower(), {name.strip(): value.strip() for name, _, value in pairs}


def not_acceptable(served: Iterable[str]) -> Refusal:
    """The client can read none of the forms that there are."""
    message = f"only the following media types are accepted: {', '.join(served)}"
    return Refusal(406, "NotAcceptable", message)
