"""Pods' network interfaces, as the cloud shows them, and the elastic IPs that their pods ask for.

An interface is written down together with the binding of its address, and removed together with the
end of it: there is never an address that is bound to nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from towline.cluster.node.provider import PodIdentity
from towline.network.attachment import Attachment, attachment, interface_id, own_nameservers
from towline.problem import Problem
from towline.resource.elastic_ip import ElasticIp, ElasticIpStatus
from towline.resource.network_interface import NetworkInterface
from towline.resource.vpc import Address
from towline.sandbox.network.pod_addresses import PodAddresses
from towline.sandbox.network.records import Records
from towline.store.error import StoreError
from towline.store.write import Write

_PATIENCE = 10.0  # seconds for an address to be bound; the pod is no worse off without waiting


class Interfaces:
    """The interfaces of all pods."""

    def __init__(self, records: Records, now: Callable[[], datetime]) -> None:
        self._records = records
        self._addresses = PodAddresses(records, now)
        self._now = now

    def of(self, uid: str) -> NetworkInterface | None:
        """The interface of a pod."""
        id_ = interface_id(uid)
        return next((one for one in self._records.interfaces.list() if one.id == id_), None)

    def all(self) -> tuple[NetworkInterface, ...]:
        """The interfaces of all pods."""
        return self._records.interfaces.list()

    async def take_up(self, claim: Address, pod: PodIdentity) -> NetworkInterface:
        """The interface of a pod, written down now if it has none; raises `Problem`.

        What it is at first is what it stays, until it is given up.
        """
        wish = attachment(pod.annotations)
        while True:
            held = self.of(pod.uid)
            if held is not None and held.private_ip == claim.ip:
                return held
            if held is not None:
                await self.give_up(pod.uid)
            interface = self._interface(claim, pod, wish)
            writes: list[Write] = [
                self._records.interfaces.creation(claim.vpc_id, interface.id, interface),
                *self._addresses.binding(interface, wish),
            ]
            if await self._is_written(writes):
                return interface

    async def give_up(self, uid: str) -> None:
        """Remove the interface of a pod, and free the address that is bound to it."""
        while (held := self.of(uid)) is not None:
            removal = self._records.interfaces.removal(held.vpc_id, held.id)
            if await self._is_written([removal, *self._addresses.release(held)]):
                return

    async def bound(self, interface: NetworkInterface) -> ElasticIp | None:
        """The public address of an interface, when it is bound as far as it will be soon."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                async for every in self._records.elastic_ips.follow():
                    mine = [one for one in every if one.bound_to == interface.id]
                    if all(one.status is not ElasticIpStatus.BINDING for one in mine):
                        return mine[0] if mine else None
        return None

    def _interface(self, claim: Address, pod: PodIdentity, wish: Attachment) -> NetworkInterface:
        return NetworkInterface(
            id=interface_id(pod.uid),
            vpc_id=claim.vpc_id,
            subnet_id=claim.subnet_id,
            private_ip=claim.ip,
            pod_uid=pod.uid,
            pod_name=f"{pod.namespace}/{pod.name}" if pod.name else "",
            security_group_ids=self._groups(wish, pod),
            nameservers=own_nameservers(pod.annotations),
            created_at=self._now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        )

    def _groups(self, wish: Attachment, pod: PodIdentity) -> tuple[str, ...]:
        """The groups a pod asks for, or those of its node's pool, or the account's default one, if
        there is any.
        """
        every = self._records.security_groups.list()
        if not wish.security_group_ids:
            default = tuple(group.id for group in every if group.is_default)
            return self._pool_groups(pod) or default
        missing = set(wish.security_group_ids) - {group.id for group in every}
        if missing:
            raise Problem(
                "security-group-not-found",
                # The words of the cloud's API, which the agent of a super node passes on.
                cause="[TencentCloudSDKError] Code=InvalidSecurityGroupID.NotFound, Message="
                f"The security group {', '.join(sorted(missing))} does not exist.",
                remedy="create the group, or take it out of the pod's annotation",
            )
        return wish.security_group_ids

    def _pool_groups(self, pod: PodIdentity) -> tuple[str, ...]:
        clusters = self._records.clusters.list()
        its = (one for one in clusters if one.is_called(pod.cluster_id))
        return next((one.groups_in(pod.subnet_id) for one in its), ())

    async def _is_written(self, writes: list[Write]) -> bool:
        """Whether the records were as they had been seen."""
        try:
            await self._records.store.apply(writes)
        except StoreError:
            return False
        return True
