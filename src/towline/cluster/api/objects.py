"""Creating, reading, changing and deleting objects: the API's semantics, without HTTP.

Every write is a loop: read the record, make the new object from it, check it, and store it under the
condition that nobody wrote meanwhile. A request that names a resourceVersion is refused then; any other
one is made anew.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from towline.cluster.api import codec, stamp
from towline.cluster.api.address import Address, FieldValidation, Treatment
from towline.cluster.api.admission import admit
from towline.cluster.api.registry_warning import placement_warnings
from towline.cluster.api.view import View, view_of
from towline.kube import defaults, refusal, validation
from towline.kube.resource_type import RESOURCE_TYPES
from towline.kube.schema import Mismatch, Schemas
from towline.store.error import AlreadyExists, Conflict, NotFound
from towline.store.record import Key, Record
from towline.store.store import Store
from towline.store.write import Create

Object = dict[str, Any]
UNSAVED = 0  # the revision of what a dry run would have written


class Misread(refusal.Refusal):
    """A body that its type cannot hold; `because` says where."""

    def __init__(self, kind: str, version: str, because: str) -> None:
        text = f'{kind} in version "{version}" cannot be handled as a {kind}: {because}'
        super().__init__(400, "BadRequest", text)
        self.because = because


class Objects:
    """The objects of one cluster."""

    def __init__(self, store: Store, schemas: Schemas) -> None:
        self.store = store
        self.schemas = schemas

    def record(self, address: Address) -> Record:
        """The stored object; raises a 404 refusal."""
        record = self.store.get(address.key)
        if record is None:
            raise refusal.not_found(address.resource, address.name)
        return record

    def read(self, address: Address) -> Object:
        """The object as seen through the address's subresource; raises a 404 refusal."""
        item = codec.decode(self.record(address))
        return view_of(address.resource, address.resource.subresource(address.subresource)).read(
            item
        )

    def prepare(self, address: Address, body: Object, how: Treatment) -> tuple[Address, Object]:
        """The object that creating `body` would store, and where; raises refusals."""
        item = self.understood(address, body, address.resource.schema, how)
        address = _checked(address, item)
        stamp.stamp_new(address.resource, item)
        address = address.named(item["metadata"].get("name", ""))
        if address.resource.kind in _STATUS_BY_SERVER:
            item.pop("status", None)
        _begin(item)
        defaults.apply(address.resource.kind, item)
        admit(self.store, address, item)
        errors = validation.create_errors(address.resource, item)
        if errors:
            raise refusal.invalid(address.resource, address.name, errors)
        how.warnings.extend(placement_warnings(item))
        return address, item

    async def create(self, address: Address, body: Object, how: Treatment) -> Record:
        """Store a new object; raises refusals."""
        address, item = self.prepare(address, body, how)
        return await self.store_new(address, item, how)

    async def store_new(self, address: Address, item: Object, how: Treatment) -> Record:
        """Store what `prepare` has made; raises a 409 refusal."""
        value = codec.encode(address.resource, item)
        if self.store.get(address.key) is not None:
            raise refusal.already_exists(address.resource, address.name)
        if how.dry_run:
            return Record(address.key, value, UNSAVED, UNSAVED)
        try:
            return (await self.store.apply([Create(address.key, value)]))[0]
        except AlreadyExists:
            raise refusal.already_exists(address.resource, address.name) from None

    async def change(
        self, address: Address, make: Callable[[Object], Object], how: Treatment
    ) -> Record:
        """Put `make(what is there)` in its place, through the address's subresource; raises refusals.

        `make` gets a copy of its own and may be asked again.
        """
        view = view_of(address.resource, address.resource.subresource(address.subresource))
        while True:
            record = self.record(address)
            made = make(view.read(codec.decode(record)))
            try:
                return await self._replace(address, record, made, view, how)
            except Conflict:
                continue  # who named a resourceVersion is refused by the next round's check
            except NotFound:
                raise refusal.not_found(address.resource, address.name) from None

    async def _replace(
        self, address: Address, record: Record, made: Object, view: View, how: Treatment
    ) -> Record:
        held = codec.decode(record)
        made = self.understood(address, made, view.schema, how)
        _same_object(address, made, held)
        item = view.merge(held, made)
        item["metadata"] = dict(item["metadata"])
        stamp.carry_over(item, held)
        if not address.subresource or address.subresource == "scale":
            defaults.apply(address.resource.kind, item)
            errors = validation.update_errors(address.resource, item, held)
            if errors:
                raise refusal.invalid(address.resource, address.name, errors)
        if not address.subresource:
            how.warnings.extend(placement_warnings(item))
        return await self._store_changed(address, record, item, how)

    async def _store_changed(
        self, address: Address, record: Record, item: Object, how: Treatment
    ) -> Record:
        value = codec.encode(address.resource, item)
        if value == record.value:
            return record
        if how.dry_run:
            return Record(address.key, value, record.revision, record.created)
        if _may_go(item):
            gone = await self.store.delete(record.key, revision=record.revision)
            return Record(gone.key, value, gone.revision, gone.created)
        return await self.store.update(record.key, value, revision=record.revision)

    def understood(self, address: Address, body: Object, schema: str, how: Treatment) -> Object:
        """The body as its type keeps it; raises `Misread`."""
        version = address.resource.version
        kind = body.get("kind") or address.resource.kind
        try:
            walked = self.schemas.walk(schema, body)
        except Mismatch as error:
            raise Misread(kind, version, str(error)) from None
        unknown = [f'unknown field "{path}"' for path in walked.unknown]
        if unknown and how.validation is FieldValidation.STRICT:
            raise Misread(kind, version, f"strict decoding error: {', '.join(unknown)}")
        if how.validation is FieldValidation.WARN:
            how.warnings.extend(unknown)
        walked.value.setdefault("metadata", {})
        return walked.value


_STATUS_BY_SERVER = frozenset({"Pod", "Deployment", "ReplicaSet", "Namespace"})


def _begin(item: Object) -> None:
    if item["kind"] == "Namespace":
        item.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])


def _checked(address: Address, item: Object) -> Address:
    """Agree on kind and namespace between the path and the body of a new object."""
    resource, metadata = address.resource, item["metadata"]
    item["kind"] = item.get("kind") or resource.kind
    item["apiVersion"] = item.get("apiVersion") or resource.api_version
    if item["kind"] != resource.kind or item["apiVersion"] != resource.api_version:
        raise _other_kind(address, item)
    if metadata.get("resourceVersion"):
        raise refusal.bad_request("resourceVersion should not be set on objects to be created")
    if not resource.namespaced:
        metadata.pop("namespace", None)
    elif metadata.setdefault("namespace", address.namespace) != address.namespace:
        raise refusal.bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    return address


def _other_kind(address: Address, item: Object) -> refusal.Refusal:
    resource = address.resource
    return refusal.bad_request(
        f'{item["kind"]} in version "{item["apiVersion"].rpartition("/")[2]}" cannot be handled as a '
        f"{resource.kind}: converting ({item['apiVersion']}, Kind={item['kind']}) to "
        f"({resource.api_version}, Kind={resource.kind}) is not possible"
    )


def _same_object(address: Address, made: Object, held: Object) -> None:
    metadata, before = made["metadata"], held["metadata"]
    name = metadata.setdefault("name", address.name)
    if name != address.name:
        raise refusal.bad_request(
            f"the name of the object ({name}) does not match the name on the URL ({address.name})"
        )
    if (
        address.resource.namespaced
        and metadata.get("namespace", address.namespace) != address.namespace
    ):
        raise refusal.bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    if metadata.get("uid") and metadata["uid"] != before["uid"]:
        because = (
            f"Precondition failed: UID in precondition: {metadata['uid']}, "
            f"UID in object meta: {before['uid']}"
        )
        raise refusal.conflict(address.resource, address.name, because)
    if metadata.get("resourceVersion", before["resourceVersion"]) not in (
        "",
        before["resourceVersion"],
    ):
        raise refusal.conflict(address.resource, address.name)


def _may_go(item: Object) -> bool:
    """Whether a write has removed the last thing that held a deleted object back."""
    metadata = item["metadata"]
    if not metadata.get("deletionTimestamp") or metadata.get("finalizers"):
        return False
    if item["kind"] == "Namespace":
        return not item["spec"].get("finalizers")
    return not metadata.get("deletionGracePeriodSeconds")


def keys_in(store: Store, namespace: str) -> tuple[Key, ...]:
    """Everything that is stored in a namespace."""
    return tuple(
        record.key
        for resource in RESOURCE_TYPES
        if resource.namespaced
        for record in store.list(resource.qualified, namespace).records
    )
