"""What a virtual node has to be told, and what it asks of its surroundings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """Where the kubelet's HTTPS listens, and whom it answers."""

    address: str
    port: int
    """0 for any free one."""
    certificate: Path
    key: Path
    client_authority: Path
    """Signs the certificate that the API comes with."""
    cluster_id: str = ""
    """Whose nodes these are; empty for the installation's own cluster."""


class Subnets(Protocol):
    """Where the pods of this cluster may be: each subnet has a node."""

    def watch(self) -> AsyncIterator[frozenset[str]]:
        """The ids of the subnets, at once and after each change."""
        ...

    def follow_free(self, subnet_id: str) -> AsyncIterator[int]:
        """How many addresses a subnet has left for pods, at once and after each change."""
        ...
