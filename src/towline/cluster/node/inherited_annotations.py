"""Annotations that pods have without bearing them: those of the whole cluster, and of their node.

A pod's own come last and win. They are looked up once, when a pod is given its namespaces.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import yaml

from towline.cluster.kubernetes import ApiError, Kubernetes, Object, Resource
from towline.cluster.resources import CONFIG_MAPS, NODES
from towline.kube.annotations import POD_ANNOTATIONS
from towline.problem import Problem

NAMESPACE, NAME, KEY = "kube-system", "eks-config", "pod.annotations"
_NOT_FOUND = 404


async def inherited_annotations(kubernetes: Kubernetes, node: str) -> Mapping[str, str]:
    """What every pod on a node has, unless it says otherwise; raises `ApiError`, and `Problem` when
    the cluster's own cannot be read.
    """
    config, held = await asyncio.gather(
        _found(kubernetes, CONFIG_MAPS, NAMESPACE, NAME), _found(kubernetes, NODES, "", node)
    )
    of_node = held.get("metadata") or {}
    return {
        **_of_pods(_parse((config.get("data") or {}).get(KEY) or "")),
        **_of_pods(of_node.get("annotations") or {}),
    }


async def _found(kubernetes: Kubernetes, resource: Resource, namespace: str, name: str) -> Object:
    try:
        return await kubernetes.get(resource, namespace, name)
    except ApiError as error:
        if error.code != _NOT_FOUND:
            raise
        return {}


def _of_pods(annotations: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in annotations.items() if name in POD_ANNOTATIONS}


def _parse(text: str) -> Mapping[str, str]:
    try:
        held = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise _malformed(str(error)) from error
    if not isinstance(held, dict) or not all(isinstance(each, str) for each in held.values()):
        raise _malformed("it is no map of names to texts")
    return held


def _malformed(why: str) -> Problem:
    return Problem(
        "eks-config-malformed",
        cause=f"the key {KEY} of the ConfigMap {NAMESPACE}/{NAME} cannot be read: {why}",
        remedy=f"correct it: kubectl edit configmap {NAME} --namespace {NAMESPACE}",
    )
