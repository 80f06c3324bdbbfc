"""What the cluster needs of the cloud to release a registry credential into a namespace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class RegistryLogin:
    """A credential with which every pod of a namespace may pull from one instance, and no more."""

    instance_id: str
    credential_id: str
    """By which it is revoked."""
    account: str
    """The number (UIN) of the account that issued it: the first part of the Secret's name."""
    servers: tuple[str, ...]
    """The domains it is for: the default one and the `-vpc` one."""
    username: str
    password: str
    issued_at: float
    """Seconds since the epoch."""
    expires_at: float

    def __repr__(self) -> str:
        return f"RegistryLogin(instance_id={self.instance_id!r}, username={self.username!r}, …)"


class CredentialIssuer(Protocol):
    """Makes credentials. Each call makes a new one; older ones stay valid until they expire or are
    revoked.
    """

    async def issue(self, instance: str, namespace: str) -> RegistryLogin:
        """A login for the instance of this name or id, for the pods of a Kubernetes namespace.

        Raises `Problem` when there is no such instance or no credential can be had now.
        """
        ...

    async def revoke(self, instance_id: str, credential_id: str) -> None:
        """Let a login be refused from now on; that it has gone already is well.

        Raises `Problem` when that cannot be done now.
        """
        ...
