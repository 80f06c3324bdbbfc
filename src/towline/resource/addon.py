"""Add-ons of clusters. There is one: the release of registry credentials into namespaces."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class AddonPhase(StrEnum):
    """The life of an add-on, in the words of the cloud's `Addon.Phase`."""

    INSTALLING = "Installing"
    UPGRADING = "Upgrading"
    SUCCEEDED = "Succeeded"
    TERMINATING = "Terminating"


class RegistryRelease(msgspec.Struct, frozen=True, kw_only=True):
    """One instance whose credential is released, and where."""

    instance_id: str
    instance_name: str
    namespaces: tuple[str, ...] = ()
    """Kubernetes namespaces; empty for all."""
    every_account: bool = False
    """Whether all service accounts of them name it, or the default one alone."""


class Addon(msgspec.Struct, frozen=True, kw_only=True):
    """One add-on of a cluster. The cloud writes the wish, the cluster's role that it is met."""

    name: str
    version: str
    values: str
    """The JSON that it was installed with."""
    releases: tuple[RegistryRelease, ...] = ()
    """What the values say."""
    phase: AddonPhase = AddonPhase.INSTALLING
    created_at: str
