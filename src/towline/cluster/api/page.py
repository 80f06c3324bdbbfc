"""Lists: at which revision, of what, and how much of it at once.

A list is answered from the present. The pages after the first come from the same snapshot, which is kept
for a while: records are immutable, so a snapshot costs one tuple.
"""

from __future__ import annotations

import base64
import binascii
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from towline.cluster.api.address import Address
from towline.kube import refusal
from towline.kube.field_selector import FieldSelector, parse_fields
from towline.kube.selector import LabelSelector, parse_labels
from towline.store.record import Listing, Record
from towline.store.store import Store

KEPT_FOR = 300.0  # seconds: etcd's compaction interval, which clients are used to
KEPT = 64  # snapshots at most


@dataclass(frozen=True, slots=True)
class Selection:
    """What of a collection is asked for."""

    labels: LabelSelector
    fields: FieldSelector

    @classmethod
    def read(cls, address: Address, query: Mapping[str, str]) -> Selection:
        """The selectors of a request; raises a 400 refusal."""
        return cls(
            parse_labels(query.get("labelSelector", "")),
            parse_fields(query.get("fieldSelector", ""), address.resource),
        )

    @property
    def everything(self) -> bool:
        """Whether nothing is left out."""
        return not self.labels.requirements and not self.fields.terms

    def matches(self, record: Record) -> bool:
        """Whether a stored object is meant."""
        if self.everything:
            return True
        name = self.fields.name
        if name is not None and record.key.name != name:
            return False
        item = orjson.loads(record.value)
        labels = item["metadata"].get("labels") or {}
        return self.labels.matches(labels) and self.fields.matches(item)


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list: `remaining` is None when nobody can know."""

    revision: int
    records: tuple[Record, ...]
    proceed: str = ""
    remaining: int | None = None

    @property
    def metadata(self) -> dict[str, str | int]:
        """What the list says of itself."""
        said: dict[str, str | int] = {"resourceVersion": str(self.revision)}
        if self.proceed:
            said["continue"] = self.proceed
            if self.remaining is not None:
                said["remainingItemCount"] = self.remaining
        return said


class Pages:
    """The lists of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._snapshots: OrderedDict[tuple[str, str, int], tuple[float, Listing]] = OrderedDict()

    def page(self, address: Address, selection: Selection, query: Mapping[str, str]) -> Page:
        """One page; raises refusals for a bad or forgotten `continue` and for times to come."""
        limit = _number(query, "limit")
        token = query.get("continue", "")
        listing, start = (
            self._resume(address, token) if token else (self._listing(address, query), None)
        )
        records = listing.records
        if start is not None:
            records = tuple(one for one in records if (one.key.scope, one.key.name) > start)
        if not selection.everything:
            records = tuple(filter(selection.matches, records))
        if not limit or len(records) <= limit or query.get("resourceVersion") == "0":
            return Page(listing.revision, records)
        self._keep(address, listing)
        shown = records[:limit]
        proceed = _token(listing.revision, shown[-1])
        remaining = len(records) - limit if selection.everything else None
        return Page(listing.revision, shown, proceed, remaining)

    def _listing(self, address: Address, query: Mapping[str, str]) -> Listing:
        wanted = _number(query, "resourceVersion")
        match = query.get("resourceVersionMatch", "")
        if wanted > self._store.revision:
            raise too_large(wanted, self._store.revision)
        if match == "Exact" and wanted != self._store.revision:
            kept = self._snapshots.get((address.resource.qualified, address.namespace, wanted))
            if kept is None:
                raise refusal.expired(f"The provided resource version is too old: {wanted}")
            return kept[1]
        return self._store.list(address.resource.qualified, address.namespace or None)

    def _resume(self, address: Address, token: str) -> tuple[Listing, tuple[str, str]]:
        try:
            revision, scope, name = orjson.loads(base64.urlsafe_b64decode(token))
        except (binascii.Error, ValueError, TypeError):
            raise refusal.bad_request("continue key is not valid: illegal base64 data") from None
        kept = self._snapshots.get((address.resource.qualified, address.namespace, revision))
        if kept is None or kept[0] < time.monotonic():
            raise refusal.expired(
                "The provided continue parameter is too old to display a consistent list result. You can "
                "start a new list without the continue parameter, or use the continue token in this "
                "response to retrieve the remainder of the results. Continuing with the provided token "
                "results in an inconsistent list - objects that were created, modified, or deleted "
                "between the time the first chunk was returned and now may show up in the list."
            )
        return kept[1], (scope, name)

    def _keep(self, address: Address, listing: Listing) -> None:
        key = (address.resource.qualified, address.namespace, listing.revision)
        self._snapshots[key] = (time.monotonic() + KEPT_FOR, listing)
        self._snapshots.move_to_end(key)
        while len(self._snapshots) > KEPT:
            self._snapshots.popitem(last=False)


def _token(revision: int, last: Record) -> str:
    return base64.urlsafe_b64encode(
        orjson.dumps([revision, last.key.scope, last.key.name])
    ).decode()


def _number(query: Mapping[str, str], field: str) -> int:
    text = query.get(field) or "0"
    if not is_number(text):
        raise refusal.bad_request(f'Invalid value: "{text}": strconv.ParseUint: invalid syntax')
    return int(text)


def is_number(text: str) -> bool:
    """Whether the text is a revision or a limit: digits as ASCII has them, and not too many."""
    return text.isascii() and text.isdigit() and len(text) <= 19


def too_large(wanted: int, current: int) -> refusal.Refusal:
    """The revision lies in the future: the client should ask again."""
    message = f"Too large resource version: {wanted}, current: {current}"
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    return refusal.Refusal(
        504, "Timeout", f"Timeout: {message}", {"causes": [cause], "retryAfterSeconds": 1}
    )
