"""What lets a client into a registry instance: access tokens and service accounts."""

from __future__ import annotations

from enum import StrEnum
from hashlib import sha256

import msgspec


class Lifetime(StrEnum):
    """How long a credential lives, in the words of `CreateInstanceToken.TokenType`."""

    TEMPORARY = "temp"
    LONG_TERM = "longterm"


EVERY_NAMESPACE = "*"


class Permission(msgspec.Struct, frozen=True, kw_only=True):
    """What a credential may do in one namespace; actions are `pull`, `push` and `delete`."""

    namespace: str
    """`EVERY_NAMESPACE` for all that there are and will be; no namespace can be named like that."""
    actions: tuple[str, ...]
    asked: tuple[str, ...] = ()
    """The cloud's own names of the actions, as the account was created with."""


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """A user name and a secret of one instance. Only the secret's SHA-256 is kept."""

    id: str
    instance_id: str
    username: str
    secret_sha256: str
    lifetime: Lifetime
    description: str = ""
    enabled: bool = True
    created_at: str
    updated_at: str = ""
    """Empty until it is changed for the first time."""
    expires_at: int | None = None
    """Milliseconds since the epoch; None when it never expires."""
    permissions: tuple[Permission, ...] | None = None
    """None: everything in the instance, as a user's own token may."""

    @property
    def is_service_account(self) -> bool:
        """Whether it is one: with rights of its own, and not just for an hour."""
        return self.permissions is not None and self.lifetime is Lifetime.LONG_TERM


def digest_of_secret(secret: str) -> str:
    """How a secret is stored and looked up: hex SHA-256. Secrets are long and random."""
    return sha256(secret.encode()).hexdigest()
