"""What a container has said: fetched from the kubelet of the pod's node and passed on as it comes."""

from __future__ import annotations

import os
import ssl
from collections.abc import AsyncGenerator, Mapping
from typing import Any
from urllib.parse import quote

import aiohttp

from towline.cluster.api.address import Address
from towline.cluster.api.call import Call, Reply, Stream
from towline.cluster.api.objects import Objects
from towline.cluster.api.page import is_number
from towline.kube import refusal
from towline.kube.refusal import FieldError, Refusal
from towline.kube.resource_type import NODES, ResourceType

Object = dict[str, Any]
PLAIN = "text/plain"
MAX_COMPLAINT = 2048  # bytes of a kubelet's error: k8s.io/apiserver's HttpResponseChecker
_CONNECT = aiohttp.ClientTimeout(total=None, sock_connect=10)
_FLAGS = ("follow", "previous", "timestamps")
_OPTIONS = ResourceType("", "v1", "pods", "PodLogOptions", "", namespaced=True)


class LogEndpoint:
    """Answers `pods/log`. The session belongs to whoever made it."""

    def __init__(
        self, objects: Objects, session: aiohttp.ClientSession, tls: ssl.SSLContext
    ) -> None:
        self._objects = objects
        self._session = session
        self._tls = tls

    async def get(self, call: Call, address: Address) -> Reply:
        """The log of one container; raises refusals, also those of the kubelet."""
        pod = self._objects.read(Address(address.resource, address.namespace, address.name))
        container = _container(pod, call.query.get("container", ""))
        query = _query(call)
        node = pod["spec"].get("nodeName")
        if not node:  # nobody has taken the pod: it has said nothing yet
            return Stream(_nothing(), PLAIN)
        path = "/".join(quote(one, safe="") for one in (address.namespace, address.name, container))
        url = f"https://{self._kubelet_of(node)}/containerLogs/{path}"
        return Stream(await self._opened(url, query, address), PLAIN)

    def _kubelet_of(self, name: str) -> str:
        status = self._objects.read(Address(NODES, name=name)).get("status") or {}
        addresses = status.get("addresses") or ()
        hosts = [one["address"] for one in addresses if one["type"] == "InternalIP"]
        port = ((status.get("daemonEndpoints") or {}).get("kubeletEndpoint") or {}).get("Port")
        if not hosts or not port:
            known = [f"{{{one['type']} {one['address']}}}" for one in addresses]
            message = f"no preferred addresses found; known addresses: [{' '.join(known)}]"
            raise Refusal(500, "InternalError", f"Internal error occurred: {message}")
        host = f"[{hosts[0]}]" if ":" in hosts[0] else hosts[0]
        return f"{host}:{port}"

    async def _opened(
        self, url: str, query: Mapping[str, str], address: Address
    ) -> AsyncGenerator[bytes, None]:
        """The kubelet's answer, begun, so that its complaint can still be a Status."""
        try:
            answer = await self._session.get(
                url, params=query, ssl=self._tls, timeout=_CONNECT, allow_redirects=False
            )
        except (aiohttp.ClientError, OSError) as error:
            raise Refusal(500, "", f'Get "{url}": {_words(error)}') from None
        if answer.status != 200:
            complaint = (await answer.content.read(MAX_COMPLAINT)).decode(errors="replace")
            answer.close()
            raise _complaint(answer.status, complaint.strip(), address)
        return _passed_on(answer)


async def _passed_on(answer: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
    try:
        async for chunk in answer.content.iter_any():
            yield chunk
    except aiohttp.ClientError:
        return  # the kubelet has gone: the log ends here, as it does with the real server
    finally:
        answer.close()


async def _nothing() -> AsyncGenerator[bytes, None]:
    return
    yield b""  # makes it a generator


def _complaint(code: int, text: str, address: Address) -> Refusal:
    if code == 400:
        return refusal.bad_request(text)
    if code == 404:
        return Refusal(404, "NotFound", text or f'pods "{address.name}" not found')
    return Refusal(500, "InternalError", f"Internal error occurred: {text or f'status {code}'}")


def _words(error: Exception) -> str:
    """What Go says of a connection that could not be made."""
    if not isinstance(error, aiohttp.ClientConnectorError):
        return str(error) or type(error).__name__
    number = error.os_error.errno
    reason = os.strerror(number).lower() if number else str(error.os_error)
    return f"dial tcp {error.host}:{error.port}: connect: {reason}"


def _container(pod: Object, wanted: str) -> str:
    """The container that is meant; raises a 400 refusal."""
    names = [one["name"] for one in pod["spec"].get("containers") or ()]
    inits = [one["name"] for one in pod["spec"].get("initContainers") or ()]
    name = pod["metadata"]["name"]
    if not wanted:
        if len(names) == 1 and not inits:
            return str(names[0])
        choice = f"choose one of: [{' '.join(names)}]"
        if inits:
            choice += f" or one of the init containers: [{' '.join(inits)}]"
        raise refusal.bad_request(f"a container name must be specified for pod {name}, {choice}")
    if wanted not in (*names, *inits):
        raise refusal.bad_request(f"container {wanted} is not valid for pod {name}")
    return wanted


def _query(call: Call) -> dict[str, str]:
    """The options for the kubelet; raises a 422 refusal."""
    query = {flag: "true" for flag in _FLAGS if call.asks(flag)}
    errors = []
    for option, least in (("tailLines", 0), ("sinceSeconds", 1), ("limitBytes", 1)):
        text = call.query.get(option)
        if text is None:
            continue
        if not is_number(text.removeprefix("-")):
            raise refusal.bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
        if int(text) < least:
            because = f"must be greater than {'or equal to 0' if least == 0 else '0'}"
            message = f"Invalid value: {text}: {because}"
            errors.append(FieldError("FieldValueInvalid", option, message))
        query[option] = text
    if errors:
        raise refusal.invalid(_OPTIONS, "", errors)
    if call.query.get("sinceTime"):
        query["sinceTime"] = call.query["sinceTime"]
    return query
