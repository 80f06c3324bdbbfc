"""Sees before a pod runs that one of its images cannot be pulled, or will not work when it is.

Some faults are silent until then: an image for another processor, a Helm chart, a layer of a type that
nobody unpacks. Others cost a pod's author half a minute and a look at its events. Only what is proved
is said: a warning that is wrong once is read no more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Any

from towline.client.image_examiner import ImageExaminer, ImageQuestion
from towline.cluster.api.foresight import BUDGET
from towline.cluster.kubernetes import ApiError, Kubernetes, Object
from towline.cluster.node.node_object import SUBNET_ANNOTATION
from towline.cluster.node.pod_seen import pull_secret_seen
from towline.cluster.resources import NODES, SECRETS, SERVICE_ACCOUNTS
from towline.diagnosis.facts import Facts
from towline.diagnosis.from_elsewhere import diagnose_from_elsewhere
from towline.diagnosis.observation import Observations
from towline.diagnosis.plane import PodSeen
from towline.diagnosis.verdict import Confidence, Verdict
from towline.kube.annotations import EIP_ATTRIBUTES, EIP_ID_LIST
from towline.kube.secret import secret_data
from towline.network.address import DATA_CENTRE, PUBLIC
from towline.network.trace_name import Answerer
from towline.pull.keyring import InvalidDockerConfig, Keyring
from towline.pull.policy import RegistryPolicy

MOST = 8  # images of one pod that are looked at
_PATIENCE = BUDGET - 0.1  # seconds; what is not known by then is not said


@dataclass(frozen=True, slots=True)
class _Template:
    """A pod that will be."""

    namespace: str
    kind: str
    name: str
    at: str
    """Where in the object its spec stands."""
    spec: Mapping[str, Any]
    annotations: Mapping[str, str]
    workload_annotations: Mapping[str, str]

    def images(self) -> Iterator[tuple[str, str]]:
        """Where each image stands, and the image."""
        for part in ("initContainers", "containers"):
            for index, container in enumerate(self.spec.get(part) or ()):
                if container.get("image") and container.get("imagePullPolicy") != "Never":
                    yield f"{self.at}.{part}[{index}].image", container["image"]


@dataclass(frozen=True, slots=True)
class _Credentials:
    seen: PodSeen
    keyring: Keyring


class ImagePreflight:
    """Implements `towline.cluster.api.foresight.Preflight` for one cluster."""

    def __init__(self, kubernetes: Kubernetes, images: ImageExaminer) -> None:
        self._kubernetes = kubernetes
        self._images = images

    async def warnings(self, item: Object) -> tuple[str, ...]:
        """See `Preflight`. An image that takes too long is left out, and the rest is said."""
        end = asyncio.get_running_loop().time() + _PATIENCE
        template = _template(item)
        credentials = await self._credentials(template)
        sources = await self._sources(template)
        async with asyncio.TaskGroup() as tasks:
            looks = [
                (at, image, tasks.create_task(_in_time(end, self._look(asked, sources))))
                for at, image in list(template.images())[:MOST]
                for asked in [_question(template, credentials, image)]
            ]
        found = [(at, image, look.result()) for at, image, look in looks]
        return tuple(_sentence(at, image, verdict) for at, image, verdict in found if verdict)

    async def _look(self, asked: ImageQuestion, sources: tuple[str, ...]) -> Verdict | None:
        """What is proved against an image, wherever the pod may run."""
        verdict = None
        for source in sources:
            verdict = await self._from(replace(asked, source=source))
            if verdict is None:
                return None
        return verdict

    async def _from(self, asked: ImageQuestion) -> Verdict | None:
        """By the records if they suffice: they are quick, and where packets end a look is not."""
        known = await self._images.known(asked)
        return _certain(known) or _certain(await self._images.looked_at(asked, known))

    async def _sources(self, template: _Template) -> tuple[str, ...]:
        """The subnets that the pod may run in; one without a name when that is no matter of subnets."""
        if {EIP_ATTRIBUTES, EIP_ID_LIST} & template.annotations.keys():
            return ("",)  # it brings a public address of its own, which is not there yet
        nodes = (await self._kubernetes.list(NODES)).items
        wanted = template.spec.get("nodeName")
        annotations = [
            node["metadata"].get("annotations") or {}
            for node in nodes
            if wanted in {None, node["metadata"]["name"]}
        ]
        found = {one[SUBNET_ANNOTATION] for one in annotations if SUBNET_ANNOTATION in one}
        return tuple(sorted(found)) or ("",)

    async def _credentials(self, template: _Template) -> _Credentials:
        names = await self._secret_names(template)
        keyring = Keyring()
        for name in names:
            keyring = keyring.joined(await self._keys(template.namespace, name))
        seen = PodSeen(
            namespace=template.namespace,
            name=template.name,
            owner="" if template.kind == "Pod" else f"{template.kind.lower()}/{template.name}",
            annotations=template.annotations,
            workload_annotations=template.workload_annotations,
            pull_secrets=tuple(
                [
                    await pull_secret_seen(self._kubernetes, template.namespace, name)
                    for name in names
                ]
            ),
        )
        return _Credentials(seen, keyring)

    async def _secret_names(self, template: _Template) -> tuple[str, ...]:
        """The pod's own list, or that of its service account: never both."""
        listed = template.spec.get("imagePullSecrets")
        if not listed:
            account = template.spec.get("serviceAccountName") or "default"
            try:
                held = await self._kubernetes.get(SERVICE_ACCOUNTS, template.namespace, account)
            except ApiError:
                return ()
            listed = held.get("imagePullSecrets") or ()
        return tuple(one["name"] for one in listed if one.get("name"))

    async def _keys(self, namespace: str, name: str) -> Keyring:
        try:
            secret = await self._kubernetes.get(SECRETS, namespace, name)
            return Keyring.from_secret(secret.get("type", ""), secret_data(secret))
        except (ApiError, InvalidDockerConfig):
            return Keyring()


def _template(item: Object) -> _Template:
    metadata, pod, at = item["metadata"], item, "spec"
    if item["kind"] != "Pod":
        pod, at = item["spec"]["template"], "spec.template.spec"
    own = metadata.get("annotations") or {}
    return _Template(
        namespace=metadata["namespace"],
        kind=item["kind"],
        name=metadata["name"],
        at=at,
        spec=pod.get("spec") or {},
        annotations=(pod.get("metadata") or {}).get("annotations") or {},
        workload_annotations={} if item["kind"] == "Pod" else own,
    )


def _question(template: _Template, credentials: _Credentials, image: str) -> ImageQuestion:
    return ImageQuestion(
        image=image,
        keyring=credentials.keyring,
        policy=RegistryPolicy.from_annotations(template.annotations),
        pod=replace(credentials.seen, image=image),
        annotations=template.annotations,
    )


async def _in_time(end: float, look: Awaitable[Verdict | None]) -> Verdict | None:
    """What a look finds; nothing when it is not done by then."""
    try:
        async with asyncio.timeout_at(end):
            return await look
    except TimeoutError:
        return None


def _certain(facts: Facts) -> Verdict | None:
    """What is so for a pod as well: by the records, and by what was seen if a pod sees the same."""
    found = diagnose_from_elsewhere(facts if _seen_alike(facts) else replace(facts, seen=None))
    return found if found is not None and found.confidence is Confidence.PROVED else None


def _seen_alike(facts: Facts) -> bool:
    """Whether a pod meets the same registry under this name as was looked at.

    A registry of ours is looked at by its own door. Another is the same one where it was looked at
    from the pod's VPC, and where packets leave the installation by the host's network. What is on this
    machine's own loopback is nowhere for a pod.
    """
    plane, seen = facts.plane, facts.seen
    if plane is None:
        return False
    if plane.instance is not None or (seen is not None and seen.vantage == plane.vpc_id):
        return True
    if seen is not None and _is_of_this_machine(seen):
        return False
    if not plane.address:
        return plane.resolution is not None and plane.resolution.answerer is Answerer.UPLINK
    address = ip_address(plane.address)
    return address not in PUBLIC and address not in DATA_CENTRE


def _is_of_this_machine(seen: Observations) -> bool:
    dials = seen.path.dials if seen.path is not None else ()
    places = (ip_address(dial.address) for dial in dials)
    return any(one.is_loopback or one.is_unspecified or one.is_link_local for one in places)


def _sentence(at: str, image: str, verdict: Verdict) -> str:
    return f"{at}: {image}: {verdict.cause}; {verdict.remedy.text} ({verdict.code})"
