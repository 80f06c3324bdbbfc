"""What the API has to be told, and what it asks of its surroundings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

MASTERS = "system:masters"
"""Members of this group may do everything."""


@dataclass(frozen=True, slots=True)
class User:
    """Who asks."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the API listens, how it proves itself, and whom it knows."""

    address: str
    port: int
    certificate: Path
    key: Path
    ca_certificate: Path
    """Signs the API's and the kubelets' certificates; pods get it as `kube-root-ca.crt`."""
    tokens: Mapping[str, User]
    service_account_key: Path
    """A PEM key, EC or RSA, that signs the tokens of service accounts."""
    kubelet_certificate: Path
    kubelet_key: Path
    """With these the API asks the nodes' kubelets for logs."""


class Hooks(Protocol):
    """What others do while a request is being answered."""

    async def namespace_created(self, name: str, annotations: Mapping[str, str]) -> None:
        """Put into a new namespace what has to be there before its creator hears of it.

        The namespace and its `default` ServiceAccount exist already. A `Problem` undoes the creation:
        the namespace goes, with all that is in it, and the creator is told the problem.
        """
        ...
