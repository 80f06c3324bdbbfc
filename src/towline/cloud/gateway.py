"""The gateway of API 3.0: one door for all products.

A request is verified, its action found by (product, version, action), its parameters parsed, the
action run. The answer is always HTTP 200 with a `Response` object; a failure is one that contains
`Error`. Both have a `RequestId`, without which the official SDK fails.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import structlog

from towline.cloud.action import Answer, AnyAction
from towline.cloud.audit import Audit, entry, only_reads, without_secrets
from towline.cloud.authenticate import Caller, HttpRequest, Keys, authenticate
from towline.cloud.context import Clock, Context, Resources
from towline.cloud.parse import convert, parameters_of_body, parameters_of_query
from towline.cloud.refusal import Refusal
from towline.cloud.settings import Settings
from towline.problem import Problem

log = structlog.get_logger()

Product = tuple[str, str]
"""A product and the version of its API: `("tcr", "2019-09-24")`."""
Catalogue = Mapping[Product, Mapping[str, AnyAction]]


@dataclass(frozen=True, slots=True)
class Gateway:
    """Answers requests; knows nothing of sockets."""

    resources: Resources
    settings: Settings
    keys: Keys
    catalogue: Catalogue
    clock: Clock

    async def answer(self, request: HttpRequest) -> bytes:
        """The JSON of the response, whatever happens."""
        request_id = str(uuid.uuid4())
        try:
            fields = msgspec.to_builtins(await self._run(request, request_id))
        except Refusal as refusal:
            fields = _error(refusal.code, refusal.message)
        except Problem as problem:
            log.error("action failed", request=request_id, code=problem.code, cause=problem.cause)
            fields = _error("InternalError", str(problem))
        except Exception:
            log.exception("action crashed", request=request_id)
            fields = _error("InternalError", "An internal error has occurred.")
        return _response(fields, request_id)

    async def _run(self, request: HttpRequest, request_id: str) -> Answer:
        now = self.clock()
        caller = authenticate(request, self.keys, now)
        name = _header(request, "X-TC-Action")
        action = self._find(request, caller, name)
        given = _given(request)
        if only_reads(name):
            return await self._perform(action, name, caller, given)
        noted = entry(request, caller, name, request_id, now)
        noted = msgspec.structs.replace(noted, parameters=without_secrets(given.parameters))
        async with Audit(self.resources.audit).noting(noted):
            return await self._perform(action, name, caller, given)

    async def _perform(self, action: AnyAction, name: str, caller: Caller, given: _Given) -> Answer:
        if not caller.policy.permits(caller.service, name):
            raise Refusal(
                "UnauthorizedOperation",
                f"The policy of `{caller.session}` does not allow {caller.service}:{name}.",
            )
        asked = convert(given.parameters, action.parameters, strict=given.is_typed)
        return await action.run(self._context(caller), asked)

    def _find(self, request: HttpRequest, caller: Caller, name: str) -> AnyAction:
        version = _header(request, "X-TC-Version")
        if all(caller.service != product for product, _ in self.catalogue):
            raise Refusal("NoSuchProduct", f"There is no product `{caller.service}` here.")
        actions = self.catalogue.get((caller.service, version))
        if actions is None:
            raise Refusal("NoSuchVersion", f"`{caller.service}` has no API version `{version}`.")
        if name not in actions:
            raise Refusal(
                "InvalidAction", f"`{caller.service}` {version} has no action `{name}` here."
            )
        return actions[name]

    def _context(self, caller: Caller) -> Context:
        return Context(self.resources, self.settings, self.clock, caller)


@dataclass(frozen=True, slots=True)
class _Given:
    """The parameters as they came. In JSON they have types; in a query all is text."""

    parameters: dict[str, Any]
    is_typed: bool


def _given(request: HttpRequest) -> _Given:
    if request.method == "POST":
        return _Given(parameters_of_body(request.body), is_typed=True)
    return _Given(parameters_of_query(request.query), is_typed=False)


def refuse(refusal: Refusal) -> bytes:
    """The JSON of a response to a request that could not even be read."""
    return _response(_error(refusal.code, refusal.message), str(uuid.uuid4()))


def _response(fields: dict[str, Any], request_id: str) -> bytes:
    return msgspec.json.encode({"Response": {**fields, "RequestId": request_id}})


def _header(request: HttpRequest, name: str) -> str:
    value = request.headers.get(name.lower(), "")
    if not value:
        raise Refusal("MissingParameter", f"The request is missing the header {name}.")
    return value


def _error(code: str, message: str) -> dict[str, Any]:
    return {"Error": {"Code": code, "Message": message}}
