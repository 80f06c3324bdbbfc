"""A plan that mends a pull, turned into steps: in the cloud, in Secrets, in templates of pods."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from towline.client.mending_cloud import CloudMender
from towline.client.mending_secret import SecretMender
from towline.client.mending_template import TemplateMender
from towline.client.step import Step
from towline.cluster.kubernetes import Kubernetes
from towline.diagnosis.mending import (
    Annotate,
    AttachSecret,
    Change,
    Mending,
    SetImage,
    WriteCredential,
)

Menders = Callable[[], CloudMender]


@dataclass(frozen=True, slots=True)
class Mender:
    """Knows how each kind of change is made.

    The cloud is asked for only when a change needs it: an annotation can be mended on a cluster that
    is not ours.
    """

    kubernetes: Kubernetes
    cloud: Menders

    async def steps(self, mending: Mending) -> list[Step]:
        """What is to be done, in order; raises `Problem` when something of it is not there."""
        return [step for change in mending.changes for step in await self._steps(change)]

    async def _steps(self, change: Change) -> list[Step]:
        match change:
            case WriteCredential():
                return [SecretMender(self.kubernetes, self.cloud().registries, change).step()]
            case Annotate() | AttachSecret() | SetImage():
                return [await TemplateMender(self.kubernetes).step(change)]
            case _:
                return await self.cloud().steps(change)
