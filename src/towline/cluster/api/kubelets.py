"""The nodes' kubelets, as the API reaches them: with a certificate that they know it by."""

from __future__ import annotations

import os
import ssl
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import aiohttp

from towline.cluster.api.address import Address
from towline.cluster.api.objects import Objects
from towline.kube.refusal import Refusal
from towline.kube.resource_type import NODES

MAX_COMPLAINT = 2048  # bytes of a kubelet's error: k8s.io/apiserver's HttpResponseChecker
_CONNECT = aiohttp.ClientTimeout(total=None, sock_connect=10)


class Complaint(Exception):
    """A kubelet that did not do what it was asked; the text is its own."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class Kubelets:
    """Asks kubelets. The session belongs to whoever made it."""

    def __init__(
        self, objects: Objects, session: aiohttp.ClientSession, tls: ssl.SSLContext
    ) -> None:
        self._objects = objects
        self._session = session
        self._tls = tls

    async def ask(self, node: str, path: str, query: Mapping[str, str]) -> aiohttp.ClientResponse:
        """A kubelet's answer, begun; raises `Complaint`, and refusals when it cannot be reached."""
        url = f"https://{self._address(node)}/{path}"
        try:
            answer = await self._session.get(
                url, params=query, ssl=self._tls, timeout=_CONNECT, allow_redirects=False
            )
        except (aiohttp.ClientError, OSError) as error:
            raise Refusal(500, "", f'Get "{url}": {_words(error)}') from None
        if answer.status != 200:
            complaint = (await answer.content.read(MAX_COMPLAINT)).decode(errors="replace")
            answer.close()
            raise Complaint(answer.status, complaint.strip())
        return answer

    def _address(self, name: str) -> str:
        status: dict[str, Any] = self._objects.read(Address(NODES, name=name)).get("status") or {}
        addresses = status.get("addresses") or ()
        hosts = [one["address"] for one in addresses if one["type"] == "InternalIP"]
        port = ((status.get("daemonEndpoints") or {}).get("kubeletEndpoint") or {}).get("Port")
        if not hosts or not port:
            known = [f"{{{one['type']} {one['address']}}}" for one in addresses]
            message = f"no preferred addresses found; known addresses: [{' '.join(known)}]"
            raise Refusal(500, "InternalError", f"Internal error occurred: {message}")
        host = f"[{hosts[0]}]" if ":" in hosts[0] else hosts[0]
        return f"{host}:{port}"


async def passed_on(answer: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
    """The body as it comes."""
    try:
        async for chunk in answer.content.iter_any():
            yield chunk
    except aiohttp.ClientError:
        return  # the kubelet has gone: this is the end, as it is with the real server
    finally:
        answer.close()


def _words(error: Exception) -> str:
    """What Go says of a connection that could not be made."""
    if not isinstance(error, aiohttp.ClientConnectorError):
        return str(error) or type(error).__name__
    number = error.os_error.errno
    reason = os.strerror(number).lower() if number else str(error.os_error)
    return f"dial tcp {error.host}:{error.port}: connect: {reason}"
