"""The keys with which requests are signed, and the account that each stands for."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import msgspec

from towline.problem import Problem


class _Stored(msgspec.Struct, frozen=True, rename="pascal"):
    secret_id: str
    secret_key: str
    uin: str = ""


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A key pair and the number (UIN) of its account, which is also its user name at a registry."""

    secret_id: str
    secret_key: str
    uin: str


def load(path: Path) -> dict[str, AccessKey]:
    """Read one key or a list of keys, `{"SecretId": …, "SecretKey": …, "Uin": …}`, by SecretId."""
    try:
        stored = msgspec.json.decode(path.read_bytes(), type=_Stored | list[_Stored])
    except (OSError, msgspec.DecodeError) as error:
        raise Problem(
            "access-keys-unreadable",
            cause=f"the access keys in {path} cannot be read: {error}",
            remedy='write {"SecretId": "…", "SecretKey": "…"} into it, or let `towline up` do so',
        ) from error
    keys = stored if isinstance(stored, list) else [stored]
    return {key.secret_id: _account(key) for key in keys}


def _account(stored: _Stored) -> AccessKey:
    """Give a key without an account number one that is always the same: twelve digits."""
    number = int(sha256(stored.secret_id.encode()).hexdigest(), 16) % 10**10
    uin = stored.uin or f"10{number:010}"
    return AccessKey(stored.secret_id, stored.secret_key, uin)
