"""Stored objects in the form that a client asked for: whole, as rows of a table, or as metadata alone.

Whole objects are sent as the bytes they are stored as; nothing is parsed for them.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import yaml

from towline.cluster.api import codec
from towline.cluster.api.call import Answer
from towline.cluster.api.page import Page
from towline.kube.accept import Form, Shape
from towline.kube.resource_type import ResourceType
from towline.kube.table import partial, row, table
from towline.kube.table_layout import layout_of
from towline.store.record import Record

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rendering:
    """How one request's objects are shown; `include` says how much of an object a row carries."""

    resource: ResourceType
    form: Form
    include: str = "Metadata"

    def answer(self, record: Record, code: int = 200) -> Answer:
        """One stored object."""
        if self.form == Form():
            return Answer(code, codec.spliced(record))
        return self.answer_object(codec.decode(record), code)

    def answer_object(self, item: Object, code: int = 200) -> Answer:
        """One object that is not as it is stored: a part of one, or one that is gone."""
        shown = item
        if self.form.shape is Shape.TABLE:
            version = {"resourceVersion": item["metadata"].get("resourceVersion", "")}
            shown = self._table([item], version)
        elif self.form.shape is Shape.PARTIAL:
            shown = partial(item, version=self.form.version)
        return Answer(code, self._written(shown), self.form.content_type)

    def answer_page(self, page: Page) -> Answer:
        """A list."""
        if self.form == Form():
            head = orjson.dumps(self._head(f"{self.resource.kind}List", page))[:-1]
            return Answer(200, b"%b,%b" % (head, codec.items(page.records)))
        items = [codec.decode(one) for one in page.records]
        if self.form.shape is Shape.TABLE:
            shown = self._table(items, page.metadata)
        elif self.form.shape is Shape.PARTIAL:
            shown = self._partial_head(page) | {
                "items": [partial(one, version=self.form.version) for one in items]
            }
        else:
            shown = self._head(f"{self.resource.kind}List", page) | {"items": items}
        return Answer(200, self._written(shown), self.form.content_type)

    def event(self, kind: str, record: Record, *, first: bool) -> bytes:
        """One line of a watch; the first one of a table declares the columns."""
        if self.form.shape is Shape.WHOLE:
            return b'{"type":"%b","object":%b}\n' % (kind.encode(), codec.spliced(record))
        item = codec.decode(record)
        if self.form.shape is Shape.PARTIAL:
            return event_line(kind, partial(item, version=self.form.version))
        version = {"resourceVersion": item["metadata"]["resourceVersion"]}
        shown = self._table([item], version)
        if not first:
            shown["columnDefinitions"] = None
        return event_line(kind, shown)

    def bookmark(self, revision: int, annotations: dict[str, str] | None) -> bytes:
        """The line that says up to where everything has been told."""
        metadata: Object = {"resourceVersion": str(revision), "creationTimestamp": None}
        if annotations:
            metadata["annotations"] = annotations
        item: Object = {
            "kind": self.resource.kind,
            "apiVersion": self.resource.api_version,
            "metadata": metadata,
        }
        if self.form.shape is Shape.PARTIAL:
            item = partial(item, version=self.form.version)
        elif self.form.shape is Shape.TABLE:
            blank = row([""] * len(layout_of(self.resource.kind).columns), partial(item))
            item = {
                "kind": "Table",
                "apiVersion": f"meta.k8s.io/{self.form.version}",
                "metadata": metadata,
                "columnDefinitions": None,
                "rows": [blank],
            }
        return event_line("BOOKMARK", item)

    def _head(self, kind: str, page: Page) -> Object:
        version = self.resource.api_version
        return {"kind": kind, "apiVersion": version, "metadata": page.metadata}

    def _partial_head(self, page: Page) -> Object:
        return {
            "kind": "PartialObjectMetadataList",
            "apiVersion": f"meta.k8s.io/{self.form.version}",
            "metadata": page.metadata,
        }

    def _table(self, items: Sequence[Object], metadata: Object) -> Object:
        layout, now = layout_of(self.resource.kind), time.time()
        rows = (row(layout.cells(item, now), self._included(item)) for item in items)
        return table(layout, rows, metadata, version=self.form.version)

    def _included(self, item: Object) -> Object | None:
        match self.include:
            case "None":
                return None
            case "Object":
                return item
        return partial(item, version=self.form.version)

    def _written(self, shown: Object) -> bytes:
        if self.form.yaml:
            return yaml.safe_dump(shown, sort_keys=False, allow_unicode=True).encode()
        return orjson.dumps(shown)


def event_line(kind: str, item: Object) -> bytes:
    """One line of a watch, of an object that is not stored."""
    return orjson.dumps({"type": kind, "object": item}) + b"\n"
