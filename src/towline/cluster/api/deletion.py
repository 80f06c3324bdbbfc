"""Deleting: at once, gracefully (pods), after finalizers, or by emptying first (namespaces)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from towline.cluster.api import codec, stamp
from towline.cluster.api.address import Address, Treatment
from towline.cluster.api.objects import UNSAVED, Objects
from towline.kube import refusal
from towline.store.error import Conflict, NotFound
from towline.store.record import Record

Object = dict[str, Any]
ORPHAN, FOREGROUND = "orphan", "foregroundDeletion"


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """The body of a DELETE request."""

    grace_seconds: int | None = None
    propagation: str = "Background"
    uid: str = ""
    resource_version: str = ""

    @classmethod
    def read(cls, body: Mapping[str, Any], query: Mapping[str, str]) -> DeleteOptions:
        """Take them from the body, else from the query, as the API allows both."""
        grace = body.get("gracePeriodSeconds", query.get("gracePeriodSeconds"))
        conditions = body.get("preconditions") or {}
        orphan = body.get("orphanDependents")
        policy = body.get("propagationPolicy") or query.get("propagationPolicy")
        if policy is None:
            policy = "Orphan" if orphan else "Background"
        if policy not in ("Background", "Foreground", "Orphan"):
            raise refusal.bad_request(f"invalid propagationPolicy {policy!r}")
        return cls(
            None if grace is None else _seconds(grace),
            policy,
            conditions.get("uid") or "",
            conditions.get("resourceVersion") or "",
        )


def _seconds(grace: Any) -> int:
    text = str(grace)
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 19):
        raise refusal.bad_request(f"invalid gracePeriodSeconds {text!r}")
    return int(text)


@dataclass(frozen=True, slots=True)
class Deleted:
    """What became of the object: `gone`, or still there with a deletionTimestamp."""

    record: Record
    gone: bool


async def delete(
    objects: Objects, address: Address, options: DeleteOptions, how: Treatment
) -> Deleted:
    """Delete an object, or mark it as being deleted; raises refusals."""
    while True:
        record = objects.record(address)
        item = codec.decode(record)
        _check_conditions(address, item, options)
        marked = _marked(address, item, options)
        try:
            if marked is None:
                return await _remove(objects, record, how)
            return await _mark(objects, address, record, marked, how)
        except Conflict:
            continue
        except NotFound:
            raise refusal.not_found(address.resource, address.name) from None


async def _remove(objects: Objects, record: Record, how: Treatment) -> Deleted:
    if how.dry_run:
        return Deleted(record, gone=True)
    return Deleted(await objects.store.delete(record.key, revision=record.revision), gone=True)


async def _mark(
    objects: Objects, address: Address, record: Record, marked: Object, how: Treatment
) -> Deleted:
    value = codec.encode(address.resource, marked)
    if value == record.value:
        return Deleted(record, gone=False)
    if how.dry_run:
        return Deleted(Record(record.key, value, record.revision, UNSAVED), gone=False)
    return Deleted(
        await objects.store.update(record.key, value, revision=record.revision), gone=False
    )


def _check_conditions(address: Address, item: Object, options: DeleteOptions) -> None:
    metadata = item["metadata"]
    if options.uid and options.uid != metadata["uid"]:
        because = (
            f"Precondition failed: UID in precondition: {options.uid}, "
            f"UID in object meta: {metadata['uid']}"
        )
        raise refusal.conflict(address.resource, address.name, because)
    if options.resource_version and options.resource_version != metadata["resourceVersion"]:
        because = (
            f"Precondition failed: ResourceVersion in precondition: {options.resource_version}, "
            f"ResourceVersion in object meta: {metadata['resourceVersion']}"
        )
        raise refusal.conflict(address.resource, address.name, because)


def _marked(address: Address, item: Object, options: DeleteOptions) -> Object | None:
    """The object as marked for deletion, or None if nothing holds it back."""
    grace = _grace(address, item, options)
    finalizers = _finalizers(item, options)
    held_back = finalizers or (
        address.resource.kind == "Namespace" and item["spec"].get("finalizers")
    )
    if not grace and not held_back:
        return None
    return _with_mark(address, item, grace, finalizers)


def _with_mark(address: Address, item: Object, grace: int, finalizers: list[str]) -> Object:
    metadata = {**item["metadata"]}
    before = metadata.get("deletionGracePeriodSeconds")
    if "deletionTimestamp" not in metadata or (before is not None and grace < before):
        metadata["deletionTimestamp"] = stamp.timestamp(stamp.now() + timedelta(seconds=grace))
        if address.resource.kind != "Namespace":
            metadata["deletionGracePeriodSeconds"] = grace
        if "generation" in metadata and before is None:
            metadata["generation"] += 1
    if finalizers:
        metadata["finalizers"] = finalizers
    marked = {**item, "metadata": metadata}
    if address.resource.kind == "Namespace":
        marked["status"] = {**item.get("status", {}), "phase": "Terminating"}
    return marked


def _grace(address: Address, item: Object, options: DeleteOptions) -> int:
    """Seconds until the pod may be removed: none if it runs nowhere or has ended."""
    if address.resource.kind != "Pod":
        return 0
    ended = item.get("status", {}).get("phase") in ("Succeeded", "Failed")
    if not item["spec"].get("nodeName") or ended:
        return 0
    if options.grace_seconds is not None:
        return max(options.grace_seconds, 0)
    return int(item["spec"].get("terminationGracePeriodSeconds", 30))


def _finalizers(item: Object, options: DeleteOptions) -> list[str]:
    held = list(item["metadata"].get("finalizers") or ())
    if item["metadata"].get("deletionTimestamp"):
        return held
    wanted = {"Orphan": ORPHAN, "Foreground": FOREGROUND}.get(options.propagation)
    if wanted is not None and wanted not in held and item["kind"] != "Namespace":
        held.append(wanted)
    return held
