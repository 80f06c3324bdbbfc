"""What the CLI reads of clusters out of the cloud's answers, parsed once."""

from __future__ import annotations

import msgspec


class ClusterView(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A cluster."""

    cluster_id: str
    cluster_name: str
    vpc_id: str
    subnet_ids: list[str]
    version: str = msgspec.field(name="K8SVersion")
    status: str
    created_time: str


class PlaceView(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """Where an API listens."""

    ip: str
    port: int


class ReachView(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """How a cluster is reached."""

    addresses: list[PlaceView]
    kubeconfig: str

    @property
    def server(self) -> str:
        """The URL of the API."""
        return f"https://{self.addresses[0].ip}:{self.addresses[0].port}"


class NodeView(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A virtual node."""

    name: str
    subnet_id: str
    phase: str


class AddonView(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """An add-on of a cluster."""

    addon_name: str
    phase: str
