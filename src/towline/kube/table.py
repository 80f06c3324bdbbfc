"""Tables: what `kubectl get` prints, which the server makes and kubectl only aligns.

Each kind has its columns and a function from an object to its cells, both as Kubernetes'
`pkg/printers/internalversion/printers.go` has them. Columns of priority 1 appear with `-o wide` only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from towline.kube.duration import human
from towline.kube.timestamp import seconds_of

Object = Mapping[str, Any]
Cell = str | int
NONE, UNKNOWN = "<none>", "<unknown>"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: what it is called, what its cells are, and whether it is for `-o wide` alone."""

    name: str
    description: str
    type: str = "string"
    wide: bool = False

    @property
    def definition(self) -> dict[str, str | int]:
        """The column as a `Table` declares it."""
        return {
            "name": self.name,
            "type": self.type,
            "format": "name" if self.name == "Name" else "",
            "description": self.description,
            "priority": 1 if self.wide else 0,
        }


@dataclass(frozen=True, slots=True)
class Layout:
    """How objects of one kind are printed; `cells` is given the object and the present time."""

    columns: tuple[Column, ...]
    cells: Callable[[Object, float], list[Cell]]

    @property
    def definitions(self) -> list[dict[str, str | int]]:
        """The columns as a `Table` declares them."""
        return [column.definition for column in self.columns]


NAME = Column("Name", "The name, unique among the objects of its kind in a namespace.")
AGE = Column("Age", "How long ago the object was created, by the server's clock.")


def age(item: Object, now: float) -> str:
    """How long the object has been there."""
    return since(item["metadata"].get("creationTimestamp"), now)


def since(moment: str | None, now: float) -> str:
    """How long ago a time of the API was."""
    return UNKNOWN if not moment else human(now - seconds_of(moment))


def name_of(item: Object) -> str:
    """The object's name."""
    return str(item["metadata"].get("name", ""))


def containers_of(template: Object) -> tuple[str, str]:
    """The names and the images of a pod template's containers, each in one cell."""
    containers = (template.get("spec") or {}).get("containers") or ()
    return (
        ",".join(one.get("name", "") for one in containers),
        ",".join(one.get("image", "") for one in containers),
    )


def table(
    layout: Layout, rows: Iterable[dict[str, Any]], metadata: Mapping[str, Any], *, version: str
) -> dict[str, Any]:
    """A `Table` with its columns declared."""
    return {
        "kind": "Table",
        "apiVersion": f"meta.k8s.io/{version}",
        "metadata": dict(metadata),
        "columnDefinitions": layout.definitions,
        "rows": list(rows),
    }


def row(cells: Sequence[Cell], thing: Mapping[str, Any] | None) -> dict[str, Any]:
    """One line of a table, with as much of the object as the client wants to have."""
    return {"cells": list(cells)} if thing is None else {"cells": list(cells), "object": thing}


def partial(item: Object, *, version: str = "v1") -> dict[str, Any]:
    """The object's metadata alone."""
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": f"meta.k8s.io/{version}",
        "metadata": item["metadata"],
    }
