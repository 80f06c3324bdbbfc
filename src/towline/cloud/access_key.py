"""The installation's own keys: read from its file, and known to the cloud from then on."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import msgspec

from towline.cloud.context import Clock, Resources, rfc3339
from towline.problem import Problem
from towline.resource.access_key import AccessKey, KeyStatus
from towline.store.collection import Collection
from towline.store.write import Write


class _Stored(msgspec.Struct, frozen=True, rename="pascal"):
    secret_id: str
    secret_key: str
    uin: str = ""


class KeyRing:
    """The keys that open the cloud now: a disabled or deleted one is gone at once."""

    def __init__(self, keys: Collection[AccessKey]) -> None:
        self._keys = keys

    def get(self, secret_id: str, /) -> AccessKey | None:
        """The key with this id, if it is active."""
        key = self._keys.get("", secret_id)
        return key if key is not None and key.status is KeyStatus.ACTIVE else None


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
    return {key.secret_id: _own(key) for key in keys}


async def enroll(resources: Resources, path: Path, clock: Clock) -> None:
    """Let the stored keys of the installation be those of its file: what was taken out of the file
    opens nothing any more.
    """
    keys, wanted, now = resources.access_keys, load(path), rfc3339(clock())
    writes: list[Write] = [
        keys.removal("", held.secret_id)
        for held in keys.list()
        if held.is_own and held.secret_id not in wanted
    ]
    for secret_id, key in wanted.items():
        record = keys.record("", secret_id)
        if record is None:
            writes.append(keys.creation("", secret_id, _dated(key, now)))
        elif (renewed := _dated(key, keys.decode(record).created_at)) != keys.decode(record):
            writes.append(keys.replacement(record, renewed))
    if writes:
        await resources.store.apply(writes)


def _own(stored: _Stored) -> AccessKey:
    """Give a key without an account number one that is always the same: twelve digits."""
    number = int(sha256(stored.secret_id.encode()).hexdigest(), 16) % 10**10
    return AccessKey(
        secret_id=stored.secret_id,
        secret_key=stored.secret_key,
        uin=stored.uin or f"10{number:010}",
        description="the installation's own",
        is_own=True,
    )


def _dated(key: AccessKey, created_at: str) -> AccessKey:
    return msgspec.structs.replace(key, created_at=created_at)
