"""Sees before a pod runs that one of its images cannot be pulled, or will not work when it is.

Some faults are silent until then: an image for another processor, a Helm chart, a layer of a type that
nobody unpacks. Others cost a pod's author half a minute and a look at its events. Only what is proved
is said: a warning that is wrong once is read no more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from typing import Any

from towline.client.image_examiner import ImageExaminer, ImageQuestion
from towline.cluster.kubernetes import ApiError, Kubernetes, Object
from towline.cluster.node.node_object import SUBNET_ANNOTATION
from towline.cluster.node.pod_seen import pull_secret_seen
from towline.cluster.resources import NODES, SECRETS, SERVICE_ACCOUNTS
from towline.diagnosis.diagnose import diagnose
from towline.diagnosis.facts import Facts
from towline.diagnosis.plane import PodSeen
from towline.diagnosis.verdict import Confidence, Verdict
from towline.kube.annotations import EIP_ATTRIBUTES, EIP_ID_LIST
from towline.kube.secret import secret_data
from towline.network.address import DATA_CENTRE, PUBLIC
from towline.network.trace_name import Answerer
from towline.pull.keyring import InvalidDockerConfig, Keyring
from towline.pull.policy import RegistryPolicy

MOST = 8  # images of one pod that are looked at
_AS_SEEN_FROM_HERE = frozenset({"dns", "net", "proxy", "storage"})
"""Stages whose verdicts are this machine's own, and say nothing of a pod's."""


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
        """See `Preflight`. What takes too long is left out, and the rest is said."""
        template = _template(item)
        credentials = await self._credentials(template)
        sources = await self._sources(template)
        async with asyncio.TaskGroup() as tasks:
            looks = [
                (at, image, tasks.create_task(self._look(template, credentials, sources, image)))
                for at, image in list(template.images())[:MOST]
            ]
        found = [(at, image, look.result()) for at, image, look in looks]
        return tuple(_sentence(at, image, verdict) for at, image, verdict in found if verdict)

    async def _look(
        self, template: _Template, credentials: _Credentials, sources: tuple[str, ...], image: str
    ) -> Verdict | None:
        """What is proved against an image, wherever the pod may run."""
        verdict = None
        for source in sources:
            question = ImageQuestion(
                image=image,
                keyring=credentials.keyring,
                policy=RegistryPolicy.from_annotations(template.annotations),
                pod=replace(credentials.seen, image=image),
                source=source,
                annotations=template.annotations,
            )
            verdict = _proved(await self._images.facts(question))
            if verdict is None:
                return None
        return verdict

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


def _proved(facts: Facts) -> Verdict | None:
    """What is certain for a pod as well: first by the records alone, then by what was seen."""
    by_records = diagnose(replace(facts, seen=None))
    if by_records is not None and by_records.confidence is Confidence.PROVED:
        return by_records
    if not _seen_alike(facts):
        return None
    found = diagnose(facts)
    if found is None or found.confidence is not Confidence.PROVED:
        return None
    return None if found.stage in _AS_SEEN_FROM_HERE else found


def _seen_alike(facts: Facts) -> bool:
    """Whether a pod meets the same registry under this name as was looked at.

    A registry of ours is looked at by its own door. Another is the same one where it was looked at
    from the pod's VPC, and where packets leave the installation by the host's network.
    """
    plane, seen = facts.plane, facts.seen
    if plane is None:
        return False
    if plane.instance is not None or (seen is not None and seen.vantage == plane.vpc_id):
        return True
    if not plane.address:
        return plane.resolution is not None and plane.resolution.answerer is Answerer.UPLINK
    address = IPv4Address(plane.address)
    return address not in PUBLIC and address not in DATA_CENTRE


def _sentence(at: str, image: str, verdict: Verdict) -> str:
    return f"{at}: {image}: {verdict.cause}; {verdict.remedy.text} ({verdict.code})"
