"""Which object, or which collection, a request is about, and how it wants to be treated."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum

from towline.kube.resource_type import ResourceType
from towline.store.record import Key


@dataclass(frozen=True, slots=True)
class Address:
    """A resource, and as far as they are named a namespace, an object and a subresource of it."""

    resource: ResourceType
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @property
    def key(self) -> Key:
        """Where the object is stored."""
        return Key(self.resource.qualified, self.namespace, self.name)

    def named(self, name: str) -> Address:
        """The object of that name."""
        return replace(self, name=name)


class FieldValidation(Enum):
    """What happens to fields that the type does not have."""

    IGNORE = "Ignore"
    WARN = "Warn"
    STRICT = "Strict"


@dataclass(frozen=True, slots=True)
class Treatment:
    """How a write is to be done; `warnings` collects what its sender should hear."""

    dry_run: bool = False
    validation: FieldValidation = FieldValidation.WARN
    warnings: list[str] = field(default_factory=list)
