"""What the sandbox needs of the network: a namespace for each pod, with an address of its subnet."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from towline.cluster.node.provider import PodIdentity


class PodNamespaces(Protocol):
    """Pods' network namespaces. They outlive the process that made them."""

    async def attach(self, uid: str, subnet_id: str, pod: PodIdentity | None = None) -> str:
        """Give a pod a namespace in a subnet; its address. Doing it twice is the same as once.

        What the pod's annotations ask of its network is done, too.

        Raises `Problem`.
        """
        ...

    async def detach(self, uid: str) -> None:
        """Remove a pod's namespace and free its address; nothing happens when it has none."""
        ...

    def standing(self) -> Mapping[str, str]:
        """The address of every pod that has a namespace now, by uid."""
        ...

    def namespace_path(self, uid: str) -> Path:
        """The file that keeps a pod's namespace."""
        ...

    def nameservers(self, uid: str) -> tuple[str, ...]:
        """Whom a pod asks for names that does not say so itself."""
        ...
