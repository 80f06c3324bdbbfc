"""What is asked of one object, or posted to make one: get, create, replace, patch, delete."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from towline.cluster.api import body, codec
from towline.cluster.api.address import Address, Treatment
from towline.cluster.api.call import Answer, Call, json_answer
from towline.cluster.api.deletion import Deleted, DeleteOptions, delete
from towline.cluster.api.foresight import Foresight
from towline.cluster.api.namespace_creation import NamespaceCreation
from towline.cluster.api.objects import Misread, Objects
from towline.cluster.api.patching import APPLY, JSON, go_text, patcher
from towline.cluster.api.pod_action import bind, evict
from towline.cluster.api.rendering import Rendering
from towline.cluster.api.service_account_token import TokenMaker
from towline.cluster.api.treatment import treatment_of
from towline.cluster.api.view import view_of
from towline.kube import refusal, resource_type
from towline.kube.accept import form_of
from towline.store.record import Record

Object = dict[str, Any]
_SHOWN_WHEN_DELETED = frozenset({"Pod", "Namespace", "Service"})
"""Kinds whose deletion answers with the object; others answer with a Status."""
_PARTS = frozenset({"scale"})
"""Subresources that are an object of their own."""
CREATED = 201


class ObjectEndpoint:
    """Answers requests about single objects."""

    def __init__(
        self,
        objects: Objects,
        namespaces: NamespaceCreation,
        tokens: TokenMaker,
        foresight: Foresight,
    ) -> None:
        self._objects = objects
        self._namespaces = namespaces
        self._tokens = tokens
        self._foresight = foresight

    async def get(self, call: Call, address: Address) -> Answer:
        """The object, or a part of it."""
        record = self._objects.record(address)
        return self._shown(call, address, record)

    async def create(self, call: Call, address: Address) -> Answer:
        """A new object, or what is posted below one."""
        how = treatment_of(call)
        if address.subresource:
            return await self._post_below(call, address, how)
        posted = body.read_object(call)
        if address.resource is resource_type.NAMESPACES:
            record = await self._namespaces.create(address, posted, how)
        else:
            record = await self._objects.create(address, posted, how)
            await self._foresight.look(address, record, how)
        return _heard(rendering_of(call, address).answer(record, CREATED), how)

    async def _post_below(self, call: Call, address: Address, how: Treatment) -> Answer:
        below = address.resource.subresource(address.subresource)
        schema = below.schema if below else address.resource.schema
        posted = self._objects.understood(address, body.read_object(call), schema, how)
        if address.subresource == "binding":
            return json_answer(await bind(self._objects, address, posted, how), CREATED)
        if address.subresource == "eviction":
            return json_answer(await evict(self._objects, address, posted, how), CREATED)
        account = self._objects.read(Address(address.resource, address.namespace, address.name))
        return json_answer(self._tokens.answer(account, posted), CREATED)

    async def update(self, call: Call, address: Address) -> Answer:
        """The object, replaced by the body."""
        how = treatment_of(call)
        posted = body.read_object(call)
        _of_the_kind(address, posted)
        record = await self._objects.change(address, lambda _: posted, how)
        await self._foresight.look(address, record, how)
        return _heard(self._shown(call, address, record), how)

    async def patch(self, call: Call, address: Address) -> Answer:
        """The object as patched."""
        how = treatment_of(call)
        kind = body.media_type(call)
        if kind == APPLY:
            raise _no_server_side_apply()
        patch = body.read_patch(call)
        change = patcher(self._objects.schemas, address, kind, patch)
        try:
            record = await self._objects.change(address, _kind_kept(address, change), how)
        except Misread as error:
            shown = orjson.dumps(patch).decode() if kind == JSON else go_text(patch)
            raise refusal.invalid_patch(shown, error.because) from None
        await self._foresight.look(address, record, how)
        return _heard(self._shown(call, address, record), how)

    async def delete(self, call: Call, address: Address) -> Answer:
        """The object, deleted or marked as being deleted."""
        posted = body.read_optional(call)
        how = treatment_of(call, posted.get("dryRun") or ())
        options = DeleteOptions.read(posted, call.query)
        return self._deleted(call, address, await delete(self._objects, address, options, how))

    def _deleted(self, call: Call, address: Address, deleted: Deleted) -> Answer:
        if not deleted.gone or address.resource.kind in _SHOWN_WHEN_DELETED:
            return rendering_of(call, address).answer(deleted.record)
        metadata = codec.decode(deleted.record)["metadata"]
        group = {"group": address.resource.group} if address.resource.group else {}
        details = {
            "name": metadata["name"],
            **group,
            "kind": address.resource.plural,
            "uid": metadata["uid"],
        }
        return json_answer(
            {
                "kind": "Status",
                "apiVersion": "v1",
                "metadata": {},
                "status": "Success",
                "details": details,
            }
        )

    def _shown(self, call: Call, address: Address, record: Record) -> Answer:
        rendering = rendering_of(call, address)
        if address.subresource not in _PARTS:
            return rendering.answer(record)
        view = view_of(address.resource, address.resource.subresource(address.subresource))
        return rendering.answer_object(view.read(codec.decode(record)))


def rendering_of(call: Call, address: Address) -> Rendering:
    """How the objects of a request are to be shown; raises a 406 refusal."""
    include = call.query.get("includeObject") or "Metadata"
    return Rendering(address.resource, form_of(call.header("accept")), include)


def _heard(answer: Answer, how: Treatment) -> Answer:
    """The answer, with the warnings that the write has earned."""
    if not how.warnings:
        return answer
    return Answer(
        answer.code, answer.body, answer.content_type, answer.headers, tuple(how.warnings)
    )


def _kind_kept(address: Address, change: Callable[[Object], Object]) -> Callable[[Object], Object]:
    def changed(held: Object) -> Object:
        made = change(held)
        _of_the_kind(address, made)
        return made

    return changed


def _of_the_kind(address: Address, item: Object) -> None:
    """Check that a body is of the kind that its path says; raises a 400 refusal."""
    below = address.resource.subresource(address.subresource)
    kind = below.kind if below else address.resource.kind
    version = address.resource.api_version
    if below and below.group:
        version = f"{below.group}/{below.version}"
    said = item.get("apiVersion") or version
    if said != version:
        raise refusal.bad_request(
            f"the API version in the data ({said}) does not match the expected API version ({version})"
        )
    if (item.get("kind") or kind) != kind:
        raise refusal.bad_request(
            f'{item["kind"]} in version "{version.rpartition("/")[2]}" cannot be handled as a {kind}'
        )


def _no_server_side_apply() -> refusal.Refusal:
    message = (
        "server-side apply is not served by this cluster: "
        "use client-side apply (kubectl apply without --server-side)"
    )
    return refusal.Refusal(415, "UnsupportedMediaType", message)
