"""What a container has said: fetched from the kubelet of the pod's node and passed on as it comes."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any
from urllib.parse import quote

from towline.cluster.api.address import Address
from towline.cluster.api.call import Call, Reply, Stream
from towline.cluster.api.kubelets import Complaint, Kubelets, passed_on
from towline.cluster.api.objects import Objects
from towline.cluster.api.page import is_number
from towline.kube import refusal
from towline.kube.refusal import FieldError, Refusal
from towline.kube.resource_type import ResourceType

Object = dict[str, Any]
PLAIN = "text/plain"
_FLAGS = ("follow", "previous", "timestamps")
_OPTIONS = ResourceType("", "v1", "pods", "PodLogOptions", "", namespaced=True)


class LogEndpoint:
    """Answers `pods/log`."""

    def __init__(self, objects: Objects, kubelets: Kubelets) -> None:
        self._objects = objects
        self._kubelets = kubelets

    async def get(self, call: Call, address: Address) -> Reply:
        """The log of one container; raises refusals, also those of the kubelet."""
        pod = self._objects.read(Address(address.resource, address.namespace, address.name))
        container = _container(pod, call.query.get("container", ""))
        query = _query(call)
        node = pod["spec"].get("nodeName")
        if not node:  # nobody has taken the pod: it has said nothing yet
            return Stream(_nothing(), PLAIN)
        path = "/".join(quote(one, safe="") for one in (address.namespace, address.name, container))
        try:
            answer = await self._kubelets.ask(node, f"containerLogs/{path}", query)
        except Complaint as complaint:
            raise _refused(complaint, address) from None
        return Stream(passed_on(answer), PLAIN)


async def _nothing() -> AsyncGenerator[bytes, None]:
    return
    yield b""  # makes it a generator


def _refused(complaint: Complaint, address: Address) -> Refusal:
    code, text = complaint.code, complaint.text
    if code == 400:
        return refusal.bad_request(text)
    if code == 404:
        return Refusal(404, "NotFound", text or f'pods "{address.name}" not found')
    return Refusal(500, "InternalError", f"Internal error occurred: {text or f'status {code}'}")


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
