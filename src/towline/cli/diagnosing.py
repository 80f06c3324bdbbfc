"""How the commands that explain pulls reach the cloud, the cluster and this machine's own network."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from towline.problem import Problem

if TYPE_CHECKING:
    from towline.client.diagnosis import Diagnoses, Diagnosis
    from towline.client.image_examiner import ImageExaminer, Planes


@asynccontextmanager
async def diagnoses(kubeconfig: Path | None = None) -> AsyncIterator[Diagnoses]:
    """Why pods' pulls fail, by a cluster: the one that is named, KUBECONFIG's, or our own."""
    from towline.client.diagnosis import Diagnoses
    from towline.cluster.kubernetes_http import HttpKubernetes

    async with HttpKubernetes.from_kubeconfig(kubeconfig_of(kubeconfig)) as kubernetes:
        yield Diagnoses(kubernetes, image_examiner())


async def why_image(image: str) -> Diagnosis:
    """Why an image cannot be pulled, as this machine sees it, with this user's own login."""
    from towline.client import diagnosis
    from towline.client.image_examiner import ImageQuestion
    from towline.client.registry_access import RegistryAccess
    from towline.oci.reference import InvalidReference, Reference

    try:
        reference = Reference.parse(image)
    except InvalidReference:
        return await diagnosis.why_image(image_examiner(), ImageQuestion(image=image))
    access = RegistryAccess()
    asked = ImageQuestion(
        image=image, keyring=access.keyring(reference), policy=access.policy(reference)
    )
    return await diagnosis.why_image(image_examiner(), asked)


def image_examiner() -> ImageExaminer:
    """Looks at images from here, with what the control plane knows where there is one."""
    from towline.client.image_examiner import ImageExaminer
    from towline.client.lookout import from_here
    from towline.installation.data_directory import DataDirectory, chosen_root
    from towline.oci.platform import Platform

    authorities = DataDirectory(chosen_root(os.environ)).pull_authorities
    trusted = authorities if os.access(authorities, os.R_OK) else None
    return ImageExaminer(
        _planes(),
        from_here(os.environ, trusted),
        Platform.of_machine(os.uname().machine),
    )


def _planes() -> Planes | None:
    """The control plane of this user's installation; None where there is none."""
    from towline.client.cloud_access import open_cloud
    from towline.client.pull_planes import PullPlanes

    try:
        return PullPlanes(open_cloud())
    except Problem:
        return None


def kubeconfig_of(named: Path | None) -> Path:
    """The kubeconfig that is named, or the environment's, or the installation's."""
    from towline.installation.data_directory import DataDirectory, chosen_root

    if named is not None:
        return named
    first = os.environ.get("KUBECONFIG", "").partition(":")[0]
    return Path(first) if first else DataDirectory(chosen_root(os.environ)).kubeconfig
