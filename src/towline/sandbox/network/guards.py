"""The security groups of pods, kept in the pods' own namespaces as the records say.

Rules are exchanged in one step: no packet sees half of them, and connections that were let through go
on.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict

from towline.linux import network_namespace
from towline.linux.command import CommandFailed, nft_load
from towline.network.name import Names
from towline.network.security import security_rules
from towline.resource.network_interface import NetworkInterface
from towline.sandbox.network.records import Records

_TABLE = "pod-security"
_AT_ONCE = 8


class Guards:
    """Whoever stands at the pods' doors."""

    def __init__(self, names: Names, records: Records) -> None:
        self._names = names
        self._records = records
        self._loaded: dict[str, str] = {}
        """What this process has loaded, by the pods' uids."""
        self._turns = defaultdict[str, asyncio.Lock](asyncio.Lock)
        self._at_once = asyncio.Semaphore(_AT_ONCE)

    async def converge(self) -> None:
        """Let all pods have the rules of their groups; raises `Problem`."""
        await asyncio.gather(*map(self.guard, self._records.interfaces.list()))

    async def guard(self, interface: NetworkInterface) -> None:
        """Let one pod have the rules of its groups; raises `Problem`. Without groups it has none."""
        uid = interface.pod_uid
        if not interface.security_group_ids:
            return
        async with self._turns[uid], self._at_once:
            rules = self._rules(interface)
            if self._loaded.get(uid) == rules or not self._stands(uid):
                return
            try:
                await nft_load(self._names.pod(uid), rules)
            except CommandFailed:
                if self._stands(uid):
                    raise
            else:
                self._loaded[uid] = rules

    def forget(self, uid: str) -> None:
        """A pod's namespace is gone."""
        self._loaded.pop(uid, None)
        self._turns.pop(uid, None)

    def _stands(self, uid: str) -> bool:
        return network_namespace.stands(self._names.pod(uid))

    def _rules(self, interface: NetworkInterface) -> str:
        """One transaction; a table must exist to be deleted, so it is added first."""
        found = (self._records.security_groups.get("", id_) for id_ in interface.security_group_ids)
        chains = security_rules([group for group in found if group is not None])
        return (
            f"add table inet {_TABLE}\ndelete table inet {_TABLE}\n"
            f"table inet {_TABLE} {{\n{chains}\n}}\n"
        )
