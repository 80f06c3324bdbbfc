"""Keys of accounts, and the audit, through the cloud's API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from towline.client.cloud import CloudClient
from towline.client.cloud_view import view

_PAGE = 200  # entries asked for at once


class KeyView(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A key pair; the secret only when it was just made."""

    access_key_id: str
    status: str
    create_time: str
    description: str
    secret_access_key: str = ""


class AuditView(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """One request that may have changed something."""

    request_id: str
    event_time: str
    account: str
    secret_id: str
    session: str
    product: str
    action_name: str
    source_address: str
    client: str
    parameters: str
    outcome: str


class Accounts:
    """The `cam` product and the audit. An account is named by its number; none is the caller's."""

    def __init__(self, client: CloudClient) -> None:
        self._client = client

    async def create_key(self, uin: int | None, description: str) -> KeyView:
        """Make a key."""
        asked = {**_target(uin), "Description": description}
        return view((await self._cam("CreateAccessKey", asked))["AccessKey"], KeyView)

    async def keys(self, uin: int | None) -> list[KeyView]:
        """The keys of an account."""
        answer = await self._cam("ListAccessKeys", _target(uin))
        return view(answer["AccessKeys"], list[KeyView])

    async def set_status(self, key_id: str, status: str, uin: int | None) -> None:
        """Enable (`Active`) or disable (`Inactive`) a key."""
        asked = {**_target(uin), "AccessKeyId": key_id, "Status": status}
        await self._cam("UpdateAccessKey", asked)

    async def delete_key(self, key_id: str, uin: int | None) -> None:
        """Remove a key."""
        await self._cam("DeleteAccessKey", {**_target(uin), "AccessKeyId": key_id})

    async def audit(self, since: str, actions: Sequence[str], most: int) -> list[AuditView]:
        """The newest entries of the audit, at most `most`."""
        found: list[AuditView] = []
        while len(found) < most:
            asked = {
                "Since": since,
                "ActionNames": list(actions),
                "Offset": len(found),
                "Limit": min(_PAGE, most - len(found)),
            }
            answer = await self._client.call("towline", "2026-08-01", "DescribeAudit", asked)
            events = view(answer["Events"], list[AuditView])
            found += events
            if not events or len(found) >= answer["TotalCount"]:
                break
        return found

    async def _cam(self, action: str, params: Mapping[str, Any]) -> dict[str, Any]:
        return await self._client.call("cam", "2019-01-16", action, params)


def _target(uin: int | None) -> dict[str, int]:
    return {} if uin is None else {"TargetUin": uin}
