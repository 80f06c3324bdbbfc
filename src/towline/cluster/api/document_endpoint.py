"""The documents: what is served, of which form, by which version, and whether the server lives."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import orjson

from towline.cluster.api import data_file
from towline.cluster.api.call import Answer, Call, json_answer, text_answer
from towline.kube import discovery, openapi, openapi_v2, refusal
from towline.kube.accept import discovery_version, not_acceptable

VERSION = "v1.33.0"
_GO_NAMES = {"x86_64": "amd64", "aarch64": "arm64"}
_BUILD = {
    "major": "1",
    "minor": "33",
    "gitVersion": f"{VERSION}+towline",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "",
    "compiler": "",
    "platform": f"linux/{_GO_NAMES.get(platform.machine(), platform.machine())}",
}
_HEALTH = ("healthz", "livez", "readyz")
_PATHS = [
    "/api",
    "/api/v1",
    "/apis",
    "/healthz",
    "/livez",
    "/openapi/v2",
    "/openapi/v3",
    "/readyz",
    "/version",
]


class DocumentEndpoint:
    """Answers requests for documents. `server` is the address that `/api` names."""

    def __init__(self, server: str) -> None:
        self._server = server

    def answer(self, call: Call) -> Answer:
        """The document; raises 404 and 405 refusals."""
        if call.method not in ("GET", "HEAD"):
            raise refusal.method_not_allowed()
        match call.path:
            case []:
                return json_answer({"paths": _PATHS})
            case ["version"]:
                return json_answer(_BUILD)
            case [health, *_] if health in _HEALTH:
                return text_answer("ok")
            case ["openapi", "v2"]:
                return _openapi_v2(call)
            case ["openapi", "v3", *rest]:
                return _openapi(call, rest)
        return self._discovery(call)

    def _discovery(self, call: Call) -> Answer:
        form = discovery_version(call.header("accept"))
        match call.path:
            case ["api"]:
                return _aggregated(call, ("",), form) or json_answer(
                    discovery.versions(self._server)
                )
            case ["apis"]:
                return _aggregated(call, discovery.groups(), form) or json_answer(
                    discovery.group_list()
                )
            case ["api", "v1"]:
                return json_answer(discovery.resource_list(""))
            case ["apis", group] if discovery.served(group):
                return json_answer(discovery.group(group))
            case ["apis", group, "v1"] if discovery.served(group):
                return json_answer(discovery.resource_list(group))
        raise refusal.no_such_path()


def _aggregated(call: Call, groups: Sequence[str], version: str) -> Answer | None:
    if not version:
        return None
    content_type = f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
    made = orjson.dumps(discovery.aggregated(groups, version=version))
    return _tagged(call, made, content_type, {"Cache-Control": "public", "Vary": "Accept"})


def _openapi(call: Call, rest: Sequence[str]) -> Answer:
    made = _openapi_documents()
    if not rest:
        index = openapi.index({path: _digest(held)[:32] for path, held in made.items()})
        return _tagged(call, orjson.dumps(index), "application/json", {})
    document = made.get("/".join(rest))
    if document is None:
        raise refusal.no_such_path()
    return _tagged(call, document, "application/json", {"Cache-Control": "public, immutable"})


def _openapi_v2(call: Call) -> Answer:
    if openapi_v2.MEDIA_TYPE not in call.header("accept"):
        raise not_acceptable((openapi_v2.MEDIA_TYPE,))
    return _tagged(call, _openapi_v2_document(), openapi_v2.ANSWERED_AS, {"Vary": "Accept"})


@cache
def _openapi_v2_document() -> bytes:
    return openapi_v2.document(data_file.schemas().definitions, VERSION)


@cache
def _openapi_documents() -> dict[str, bytes]:
    """Each document under its path; they are the same for all."""
    definitions = data_file.schemas().definitions
    write: Callable[[Any], bytes] = orjson.dumps
    return {
        path: write(openapi.document(group, definitions, VERSION))
        for path, group in openapi.paths().items()
    }


def _tagged(call: Call, made: bytes, content_type: str, headers: dict[str, str]) -> Answer:
    """The document, unless the client has it already."""
    tag = f'"{_digest(made)}"'
    headers = {**headers, "Etag": tag}
    if tag in call.header("if-none-match"):
        return Answer(304, b"", content_type, headers)
    return Answer(200, made, content_type, headers)


def _digest(made: bytes) -> str:
    return hashlib.sha512(made).hexdigest().upper()
