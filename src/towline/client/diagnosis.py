"""Why pulls fail, as a person asks: of a pod, whose node looks for us, or of an image.

The node probes from the pod's own network. Where no node of ours answers (the pod is nowhere yet, or
on a cluster of somebody else), the runtime's own words in the pod's events are weighed against what is
seen from here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import msgspec

from towline.client.image_examiner import ImageExaminer, ImageQuestion
from towline.cluster.kubernetes import ApiError, Object
from towline.cluster.kubernetes_http import HttpKubernetes
from towline.cluster.node.pod_seen import pod_seen
from towline.cluster.node.pull_secrets import pull_secrets
from towline.cluster.resources import EVENTS, PODS
from towline.diagnosis.diagnose import diagnose
from towline.diagnosis.facts import Facts
from towline.diagnosis.facts_document import read_facts
from towline.diagnosis.from_elsewhere import diagnose_from_elsewhere
from towline.diagnosis.verdict import Verdict
from towline.kube.pod import Pod
from towline.problem import Problem
from towline.pull.keyring import InvalidDockerConfig, Keyring
from towline.pull.policy import RegistryPolicy

_NOT_FOUND = 404
_ABOUT_PULLS = ("Failed to pull image", "Failed to apply default image tag")


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One image of a pod, or one that was asked for."""

    image: str
    verdict: Verdict | None
    """None when nothing is found that would stop a pull."""
    facts: Facts


class Diagnoses:
    """Answers by a Kubernetes API and its nodes."""

    def __init__(self, kubernetes: HttpKubernetes, images: ImageExaminer) -> None:
        self._kubernetes = kubernetes
        self._images = images

    async def why_pod(self, namespace: str, name: str, image: str = "") -> tuple[Diagnosis, ...]:
        """Every image of a pod, or another image as if the pod pulled it; raises `Problem`."""
        held = await self._pod(namespace, name)
        pod = Pod.parse(held)
        asked = (image,) if image else _images(pod)
        answered = await self._by_node(pod, image)
        if answered is not None:
            return answered
        texts = {} if image else await self._said(held)
        return tuple([await self._from_here(pod, one, texts.get(one, "")) for one in asked])

    async def of_pod(self, namespace: str, name: str) -> tuple[Verdict | None, Facts]:
        """The first image of a pod that cannot be pulled, or else its first; raises `Problem`."""
        found = await self.why_pod(namespace, name)
        failing = next((one for one in found if one.verdict is not None), found[0])
        return failing.verdict, failing.facts

    async def _pod(self, namespace: str, name: str) -> Object:
        try:
            return await self._kubernetes.get(PODS, namespace, name)
        except ApiError as error:
            if error.code != _NOT_FOUND:
                raise _unasked(error) from error
            raise Problem(
                "no-such-pod",
                cause=f"there is no pod {name} in the namespace {namespace}",
                remedy=f"see which there are: kubectl get pods --namespace {namespace}",
            ) from error

    async def _by_node(self, pod: Pod, image: str) -> tuple[Diagnosis, ...] | None:
        """What the pod's node finds; None when none of ours answers."""
        metadata, node = pod.metadata, pod.spec.node_name
        if not node:
            return None
        path = f"diagnosis/{metadata.namespace}/{metadata.name}"
        try:
            answer = await self._kubernetes.ask_node(node, path, {"image": image} if image else {})
            return tuple(map(_read, answer["images"]))
        except (ApiError, KeyError, msgspec.ValidationError):
            return None

    async def _said(self, pod: Object) -> dict[str, str]:
        """What the runtime last said of each image."""
        selectors = {"fieldSelector": f"involvedObject.uid={pod['metadata']['uid']}"}
        namespace = pod["metadata"]["namespace"]
        try:
            events = (await self._kubernetes.list(EVENTS, namespace, selectors=selectors)).items
        except ApiError:
            return {}
        found = dict[str, str]()
        for event in sorted(events, key=lambda one: str(one.get("lastTimestamp") or "")):
            message = str(event.get("message") or "")
            if message.startswith(_ABOUT_PULLS):
                found[message.partition('"')[2].partition('"')[0]] = message
        return found

    async def _from_here(self, pod: Pod, image: str, text: str) -> Diagnosis:
        try:
            keyring = (await pull_secrets(self._kubernetes, pod)).keyring
        except InvalidDockerConfig:
            keyring = Keyring()
        annotations = pod.metadata.annotations
        question = ImageQuestion(
            image=image,
            keyring=keyring,
            policy=RegistryPolicy.from_annotations(annotations),
            pod=await pod_seen(self._kubernetes, pod, image),
            annotations=annotations,
        )
        facts = replace(await self._images.facts(question), text=text)
        return Diagnosis(image, diagnose_from_elsewhere(facts), facts)


async def why_image(images: ImageExaminer, asked: ImageQuestion) -> Diagnosis:
    """One image, as this machine sees its registry."""
    facts = await images.facts(asked)
    return Diagnosis(asked.image, diagnose(facts), facts)


def _read(answer: dict[str, Any]) -> Diagnosis:
    facts = read_facts(answer["facts"])
    return Diagnosis(str(answer["image"]), diagnose(facts), facts)


def _images(pod: Pod) -> tuple[str, ...]:
    containers = (*pod.spec.init_containers, *pod.spec.containers)
    return tuple(dict.fromkeys(one.image for one in containers))


def _unasked(error: ApiError) -> Problem:
    return Problem(
        "kubernetes-unwilling",
        cause=f"the Kubernetes API does not say: {error.message}",
        remedy="see with `kubectl get pods` whether it answers, and whose kubeconfig it is",
    )
