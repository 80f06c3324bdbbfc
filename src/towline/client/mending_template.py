"""Changes to what pods are made from, as steps that can be undone.

A workload's template is patched, and its controller makes new pods. A pod that nobody makes anew
takes another image as it stands; for all else it is deleted and created again.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from towline.client.cloud_wait import until
from towline.client.step import Step
from towline.client.workload import RESOURCES, Workload, found
from towline.cluster.kubernetes import ApiError, Kubernetes, Object
from towline.cluster.resources import PODS
from towline.diagnosis.mending import Annotate, AttachSecret, SetImage, TemplateChange
from towline.problem import Problem

_SECONDS = 60.0  # for a pod to go
_TOKEN_VOLUME = "kube-api-access-"  # noqa: S105  # the name with which the API mounts one
_KEPT = ("name", "namespace", "labels", "annotations")

Edit = Callable[[Object], Object]
"""From a pod, or a template for pods, to what it is to become; changes nothing in place."""


@dataclass(frozen=True, slots=True)
class TemplateMender:
    """Makes what a mending wants of one workload's pods."""

    kubernetes: Kubernetes

    async def step(self, change: TemplateChange) -> Step:
        """What is to be done for one change; raises `Problem` when the workload is not there."""
        kind, _, name = change.owner.partition("/")
        workload = Workload(change.namespace, kind, name)
        if kind not in RESOURCES:
            raise Problem(
                "template-unchangeable",
                cause=f"the pods of {change.owner} cannot be changed while it is there",
                remedy="change its manifest, delete it and apply it again",
            )
        before = await found(self.kubernetes, workload)
        if not workload.is_bare_pod:
            return self._template_step(change, workload, before)
        if isinstance(change, SetImage):
            return self._image_step(change, workload, before)
        return self._recreation(change, before)

    def _template_step(self, change: TemplateChange, workload: Workload, before: Object) -> Step:
        template = before["spec"]["template"]
        after = _edited(change)(template)

        async def put(wanted: Object, instead_of: Object) -> None:
            body = {"spec": {"template": _difference(instead_of, wanted)}}
            await self.kubernetes.patch(workload.resource, workload.namespace, workload.name, body)

        return Step(str(change), lambda: put(after, template), lambda: put(template, after))

    def _image_step(self, change: SetImage, workload: Workload, before: Object) -> Step:
        after = _edited(change)(before)

        async def put(wanted: Object, instead_of: Object) -> None:
            body = _difference({"spec": instead_of["spec"]}, {"spec": wanted["spec"]})
            await self.kubernetes.patch(PODS, workload.namespace, workload.name, body)

        return Step(str(change), lambda: put(after, before), lambda: put(before, after))

    def _recreation(self, change: TemplateChange, before: Object) -> Step:
        old = _as_written(before)
        new = _edited(change)(old)
        text = f"{change}, and create it anew, because a pod reads that only once"
        return Step(text, lambda: self._recreate(new), lambda: self._recreate(old))

    async def _recreate(self, wanted: Object) -> None:
        namespace, name = wanted["metadata"]["namespace"], wanted["metadata"]["name"]
        options = {"gracePeriodSeconds": 1}

        async def gone() -> bool | None:
            try:
                await self.kubernetes.get(PODS, namespace, name)
            except ApiError as error:
                if error.code == 404:
                    return True
                raise
            return None

        if not await gone():
            await self.kubernetes.delete(PODS, namespace, name, options=options)
            await until(gone, _SECONDS, f"the pod {namespace}/{name} is still there")
        await self.kubernetes.create(PODS, namespace, wanted)


def _edited(change: TemplateChange) -> Edit:
    def edit(thing: Object) -> Object:
        edited = copy.deepcopy(thing)
        match change:
            case Annotate():
                _annotate(edited.setdefault("metadata", {}), change)
            case AttachSecret():
                held = edited["spec"].get("imagePullSecrets") or []
                edited["spec"]["imagePullSecrets"] = [*held, {"name": change.secret}]
            case SetImage():
                _set_image(edited["spec"], change)
        return edited

    return edit


def _annotate(metadata: Object, change: Annotate) -> None:
    annotations = dict(metadata.get("annotations") or {})
    if change.value is None:
        annotations.pop(change.key, None)
    else:
        annotations[change.key] = change.value
    metadata["annotations"] = annotations


def _set_image(spec: Object, change: SetImage) -> None:
    for containers in (spec.get("initContainers") or (), spec["containers"]):
        for container in containers:
            if container["image"] == change.before:
                container["image"] = change.after


def _difference(before: Any, after: Object) -> Object:
    """The merge patch (RFC 7396) that makes one object of another."""
    held = before if isinstance(before, dict) else {}
    patch: Object = dict.fromkeys(held.keys() - after.keys())
    for key, value in after.items():
        if isinstance(value, dict):
            inner = _difference(held.get(key), value)
            if inner or key not in held:
                patch[key] = inner
        elif key not in held or held[key] != value:
            patch[key] = value
    return patch


def _as_written(pod: Object) -> Object:
    """The manifest of a pod, without what the API and the scheduler have put into it."""
    metadata = {key: pod["metadata"][key] for key in _KEPT if key in pod["metadata"]}
    spec = copy.deepcopy(pod["spec"])
    spec.pop("nodeName", None)
    spec["volumes"] = [one for one in spec.get("volumes") or () if not _is_token(one)]
    for containers in (spec.get("initContainers") or (), spec["containers"]):
        _without_token(containers)
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _without_token(containers: Sequence[Object]) -> None:
    for container in containers:
        mounts = container.get("volumeMounts") or ()
        container["volumeMounts"] = [one for one in mounts if not _is_token(one)]


def _is_token(named: Object) -> bool:
    return str(named["name"]).startswith(_TOKEN_VOLUME)
