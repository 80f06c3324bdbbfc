"""What lets a client into a registry instance: access tokens and service accounts."""

from __future__ import annotations

from enum import StrEnum
from hashlib import scrypt, sha256
from hmac import compare_digest

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
    """A user name and a secret of one instance, of which only a digest is kept: the SHA-256 of one
    that we have drawn, or scrypt's of one that somebody has thought of.
    """

    id: str
    instance_id: str
    username: str
    secret_sha256: str
    """Empty when there is the other."""
    secret_scrypt: str = ""
    """With its salt: `<salt>:<digest>`. A password that was chosen by an earlier version has the
    SHA-256 until it is changed."""
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
    """How a secret of ours is stored and looked up: hex SHA-256. It is long and random."""
    return sha256(secret.encode()).hexdigest()


def digest_of_password(password: str, salt: str) -> str:
    """How a chosen password is stored: so that a thief of the records can try few in a second.

    Takes 50 ms of a core and 16 MiB: keep it out of event loops.
    """
    digest = scrypt(password.encode(), salt=salt.encode(), n=2**14, r=8, p=1)
    return f"{salt}:{digest.hex()}"


def is_password(password: str, kept: str) -> bool:
    """Whether a password is the one whose digest was kept; takes as long as `digest_of_password`."""
    salt, _, _ = kept.partition(":")
    return compare_digest(digest_of_password(password, salt), kept)
