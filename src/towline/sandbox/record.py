"""What the sandbox writes down of each pod, so that the next process knows what the last one did."""

from __future__ import annotations

import msgspec

from towline.cluster.node.provider import ContainerId, Image, PodIdentity
from towline.linux.process import Process
from towline.oci.image_config import ImageConfig


class PodRecord(msgspec.Struct, frozen=True):
    """Written before anything of the pod is made."""

    identity: PodIdentity


class ImageRecord(msgspec.Struct, frozen=True):
    """Written when all layers of an image are here; the pod holds them until it is closed."""

    image: Image
    config: ImageConfig
    pulled_at: float


class ContainerRecord(msgspec.Struct, frozen=True):
    """Written before anything of a container is made."""

    id: ContainerId
    image: Image
    stop_signal: int


class StartRecord(msgspec.Struct, frozen=True):
    """Written when a container has been made, before it is let run.

    A container without it is half made, and rubbish.
    """

    process: Process
    monitor: Process
    started_at: float
