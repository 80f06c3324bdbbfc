"""Pods' namespaces: an address of the subnet, and a wire to it.

A claim on an address holds as long as the pod's namespace does. What one process had begun and not
finished is removed by the next, which is told so by the namespace itself: its default route is the
last thing that is made of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from towline.cluster.node.provider import PodIdentity
from towline.linux import network_namespace
from towline.linux.command import CommandFailed, ip_batch
from towline.linux.network_apply import apply
from towline.linux.network_seen import look
from towline.network.address import RESOLVERS
from towline.network.attachment import attachment
from towline.network.layout import pod_topology
from towline.network.name import POD_LINK, Names, port
from towline.network.plan import plan
from towline.network.topology import LinkAddress, Topology
from towline.problem import Problem
from towline.resource.vpc import AddressOwner, Subnet
from towline.sandbox.network.addresses import Addresses
from towline.sandbox.network.guards import Guards
from towline.sandbox.network.interfaces import Interfaces
from towline.sandbox.network.keeper import Keeper
from towline.sandbox.network.records import Records

_PATIENCE = 10.0  # seconds for a subnet that was just made
_AT_ONCE = 8  # namespaces that are made at the same time: more of them only wait for the kernel


class PodNetwork:
    """Lends namespaces to pods. Calls for one pod come one after another."""

    def __init__(
        self, names: Names, records: Records, addresses: Addresses, keeper: Keeper
    ) -> None:
        self.guards = Guards(names, records)
        self._interfaces = Interfaces(records, lambda: datetime.now(UTC))
        self._names = names
        self._records = records
        self._addresses = addresses
        self._keeper = keeper
        self._whole: set[str] = set()
        self._turn = asyncio.Semaphore(_AT_ONCE)

    async def attach(self, uid: str, subnet_id: str, pod: PodIdentity | None = None) -> str:
        """Give a pod a namespace in a subnet, with the groups and the public address that its
        annotations ask for; its address. Doing it twice is the same as once.

        Raises `Problem`.
        """
        subnet = await self._subnet(subnet_id)
        claim = await self._addresses.claim(subnet, AddressOwner.POD, uid)
        known = pod or _stranger(uid, subnet_id)
        try:
            interface = await self._interfaces.take_up(claim, known)
        except Problem:
            await self._addresses.free(AddressOwner.POD, uid)
            raise
        public = await self._interfaces.bound(interface)
        shown = public.address if public and attachment(known.annotations).shows_address else ""
        async with self._turn:
            await self._plug_in(uid, self._topology(uid, subnet, claim.ip, shown), subnet.vpc_id)
        await self.guards.guard(interface)
        self._whole.add(uid)
        return claim.ip

    async def detach(self, uid: str) -> None:
        """Remove a pod's namespace and free its addresses; nothing happens when it has none."""
        self._whole.discard(uid)
        claim = self._addresses.of(AddressOwner.POD, uid)
        async with self._turn:
            if claim is not None:
                await self._unplug(uid, self._names.router(claim.vpc_id))
            await asyncio.to_thread(network_namespace.delete, self._names.pod(uid))
        self.guards.forget(uid)
        await self._interfaces.give_up(uid)
        await self._addresses.free(AddressOwner.POD, uid)

    def standing(self) -> Mapping[str, str]:
        """The address of every pod that has a namespace now, by uid."""
        return {
            uid: claim.ip
            for uid, claim in self._addresses.all_of(AddressOwner.POD).items()
            if uid in self._whole and network_namespace.stands(self._names.pod(uid))
        }

    def namespace_path(self, uid: str) -> Path:
        """The file that keeps a pod's namespace."""
        return network_namespace.path_of(self._names.pod(uid))

    def nameservers(self, uid: str) -> tuple[str, ...]:
        """Whom a pod asks for names that does not say so itself; all ask the same."""
        return RESOLVERS

    async def recover(self) -> None:
        """Find what an earlier process left: whole namespaces are kept, the rest is removed."""
        claimed = self._addresses.all_of(AddressOwner.POD)
        standing = network_namespace.names(self._names.prefix)
        found = {uid for uid in map(self._names.uid, standing) if uid is not None}
        found |= {interface.pod_uid for interface in self._interfaces.all()}
        for uid in claimed.keys() | found:
            if uid in claimed and network_namespace.has_default_route(self._names.pod(uid)):
                self._whole.add(uid)
            else:
                await self.detach(uid)
        await self.guards.converge()

    async def _subnet(self, subnet_id: str) -> Subnet:
        """The subnet, when pods can be plugged in."""
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._keeper.built(subnet_id)
        except TimeoutError as error:
            raise Problem(
                "subnet-not-built",
                cause=f"the subnet {subnet_id} is not there",
                remedy="see whether it exists (`towline subnet list`), and the agent's log",
            ) from error
        subnet = self._records.subnet(subnet_id)
        if subnet is None:
            raise Problem(
                "subnet-gone",
                cause=f"the subnet {subnet_id} was removed",
                remedy="run the pod in another subnet",
            )
        return subnet

    def _topology(self, uid: str, subnet: Subnet, address: str, shown: str) -> Topology:
        """What the pod is plugged in as; its public address is on its link if that is `shown`."""
        wanted = pod_topology(self._names, uid, subnet, address)
        if not shown:
            return wanted
        own = wanted.namespaces[self._names.pod(uid)]
        seen = replace(own, addresses=own.addresses | {LinkAddress(POD_LINK, f"{shown}/32")})
        return replace(wanted, namespaces={self._names.pod(uid): seen})

    async def _plug_in(self, uid: str, wanted: Topology, vpc_id: str) -> None:
        around = (self._names.pod(uid), self._names.router(vpc_id))
        if not network_namespace.stands(self._names.pod(uid)):
            try:
                await apply(plan(wanted, {}))
            except CommandFailed:
                pass  # something of an earlier attempt was in the way: look at what there is
            else:
                return
        await apply(plan(wanted, await look(around)))

    async def _unplug(self, uid: str, router: str) -> None:
        """Remove the wire at once; left to the end of the namespace, it would go at some later time
        and be taken for that of the next pod with its address.
        """
        name = port(uid)
        if name not in await asyncio.to_thread(network_namespace.links, router):
            return
        try:
            await ip_batch(router, [f"link delete {name}"])
        except CommandFailed:
            # It may have gone by itself meanwhile, with a namespace that somebody removed.
            if name in await asyncio.to_thread(network_namespace.links, router):
                raise


def _stranger(uid: str, subnet_id: str) -> PodIdentity:
    """A pod of which nothing else is known."""
    return PodIdentity(uid, "", "", subnet_id, "", {})
