"""From a request to its answer: who asks, for what, may they, and who answers it.

Nothing here knows of sockets. Whatever goes wrong becomes a `Status`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import orjson
import structlog

from towline.cluster.api.address import Address
from towline.cluster.api.authentication import Authenticator
from towline.cluster.api.authorization import Question, check
from towline.cluster.api.call import Answer, Call, Reply
from towline.cluster.api.collection_endpoint import CollectionEndpoint
from towline.cluster.api.document_endpoint import DocumentEndpoint
from towline.cluster.api.log_endpoint import LogEndpoint
from towline.cluster.api.node_proxy import PROXY, NodeProxy
from towline.cluster.api.object_endpoint import ObjectEndpoint
from towline.cluster.api.review_endpoint import ReviewEndpoint
from towline.cluster.api.route import address_of, is_document, verb_of
from towline.cluster.api.settings import User
from towline.kube.refusal import Refusal
from towline.kube.resource_type import REVIEWS
from towline.problem import Problem

_log = structlog.get_logger("towline.cluster.api")


@dataclass(frozen=True, slots=True)
class Endpoints:
    """What answers."""

    documents: DocumentEndpoint
    objects: ObjectEndpoint
    collections: CollectionEndpoint
    logs: LogEndpoint
    nodes: NodeProxy
    reviews: ReviewEndpoint


class Application:
    """Answers requests."""

    def __init__(self, authenticator: Authenticator, endpoints: Endpoints) -> None:
        self._authenticator = authenticator
        self._endpoints = endpoints
        objects, collections = endpoints.objects, endpoints.collections
        self._answers: Mapping[str, Callable[[Call, Address], Awaitable[Reply]]] = {
            "get": objects.get,
            "create": objects.create,
            "update": objects.update,
            "patch": objects.patch,
            "delete": objects.delete,
            "list": collections.list,
            "watch": collections.watch,
            "deletecollection": collections.delete,
        }

    async def answer(self, call: Call) -> Reply:
        """The answer, whatever happens."""
        try:
            user = self._authenticator.user_of(call.header("authorization"))
            if is_document(call.path):
                return self._document(call, user)
            return await self._resource(call, user)
        except Refusal as refusal:
            return refused(refusal)
        except Problem as problem:
            _log.error("request failed", code=problem.code, cause=problem.cause)
            return refused(_internal(f"{problem.cause}; {problem.remedy} ({problem.code})"))
        except Exception:  # noqa: BLE001  # logged; one bad request must not end the others
            _log.exception("request crashed", method=call.method, path="/".join(call.path))
            return refused(_internal("the server met a defect of its own; its log says more"))

    def _document(self, call: Call, user: User) -> Answer:
        check(user, Question(call.method.lower(), path="/" + "/".join(call.path)))
        return self._endpoints.documents.answer(call)

    async def _resource(self, call: Call, user: User) -> Reply:
        address = address_of(call.path)
        verb = verb_of(call.method, address, watching=call.asks("watch"))
        check(user, Question.about(verb, address))
        if address.resource in REVIEWS:
            return self._endpoints.reviews.answer(call, address, user)
        if address.subresource == "log":
            return await self._endpoints.logs.get(call, address)
        if address.subresource == PROXY:
            return await self._endpoints.nodes.get(call, address)
        return await self._answers[verb](call, address)


def refused(refusal: Refusal) -> Answer:
    """The answer that is a refusal."""
    return Answer(refusal.code, orjson.dumps(refusal.status()))


def _internal(text: str) -> Refusal:
    return Refusal(500, "InternalError", f"Internal error occurred: {text}")
