"""The registry add-on in the cluster itself: a ConfigMap that says which instance's credential is
released into which namespaces.

A namespace that asks for an instance by its annotation has its wish, whatever this says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from towline.cluster.kubernetes import ApiError, Kubernetes, Object
from towline.cluster.resources import CONFIG_MAPS
from towline.kube.annotations import RELEASE_CREDENTIAL
from towline.resource.addon import RegistryRelease

NAMESPACE, NAME = "kube-system", "tcr-credential-release"
_KEY = "releases.json"


@dataclass(frozen=True, slots=True)
class Wish:
    """A credential that is wanted in a namespace."""

    instance: str
    """The instance by its name or id."""
    every_account: bool = False
    """Whether all accounts are to name it, or the default one alone."""


def config_map(releases: Iterable[RegistryRelease]) -> Object:
    """The ConfigMap that says this."""
    content = msgspec.json.format(msgspec.json.encode(tuple(releases))).decode()
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": NAME},
        "data": {_KEY: content},
    }


def is_addon(thing: Mapping[str, Any]) -> bool:
    """Whether a ConfigMap is the add-on's."""
    metadata = thing["metadata"]
    return (metadata.get("namespace"), metadata["name"]) == (NAMESPACE, NAME)


async def wishes_for(
    kubernetes: Kubernetes, namespace: str, annotations: Mapping[str, str]
) -> tuple[Wish, ...]:
    """Which credentials belong into a namespace: the annotation's first, then the add-on's."""
    asked = annotations.get(RELEASE_CREDENTIAL, "").strip()
    more = [
        Wish(one.instance_id, one.every_account)
        for one in await _releases(kubernetes)
        if (not one.namespaces or namespace in one.namespaces)
        and asked not in (one.instance_id, one.instance_name)
    ]
    return (Wish(asked), *more) if asked else tuple(more)


async def _releases(kubernetes: Kubernetes) -> tuple[RegistryRelease, ...]:
    """What the ConfigMap says; one that somebody has spoilt says nothing."""
    try:
        held = await kubernetes.get(CONFIG_MAPS, NAMESPACE, NAME)
        text = (held.get("data") or {}).get(_KEY, "")
        return msgspec.json.decode(text, type=tuple[RegistryRelease, ...])
    except msgspec.DecodeError:
        return ()
    except ApiError as error:
        if error.code == 404:
            return ()
        raise
