"""The keys with which requests to the cloud are signed, and the account that each stands for."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class KeyStatus(StrEnum):
    """Whether a key opens anything, in the words of `UpdateAccessKey.Status`."""

    ACTIVE = "Active"
    INACTIVE = "Inactive"


class AccessKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key pair. The secret is kept as it is, for a signature can be verified with nothing less."""

    secret_id: str
    secret_key: str
    uin: str
    """The number of the account, which is also its user name at a registry."""
    description: str = ""
    status: KeyStatus = KeyStatus.ACTIVE
    created_at: str = ""
    is_own: bool = False
    """One of the installation's own, from its file: its holder may make keys for any account."""
