"""Elastic IPs of pods: those that exist and are named, and those that are made for a pod.

One that is made for a pod goes with it, unless it is to stay for the next pod of the same name.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from ipaddress import IPv4Network

from msgspec.structs import replace

from towline.network.address import PUBLIC
from towline.network.attachment import Attachment, NewAddress, new_address_id
from towline.problem import Problem
from towline.resource.claim import PUBLIC_ADDRESS, Claim
from towline.resource.elastic_ip import ElasticIp, ElasticIpStatus
from towline.resource.network_interface import NetworkInterface
from towline.sandbox.network.records import Records
from towline.store.write import Create, Update, Write

_RANGE: IPv4Network = list(PUBLIC.subnets(prefixlen_diff=1))[1]
"""The half of the public addresses from which the cloud allots elastic IPs, too."""
_FIRST = 10
_QUOTA = 20  # elastic IPs of a region


class PodAddresses:
    """What there is to write so that interfaces have public addresses. Nothing is written here."""

    def __init__(self, records: Records, now: Callable[[], datetime]) -> None:
        self._records = records
        self._now = now

    def binding(self, interface: NetworkInterface, wish: Attachment) -> tuple[Write, ...]:
        """The writes that bind the address that a new interface's pod asks for; raises `Problem`."""
        if wish.elastic_ip_ids:
            return (self._bind(self._first_free(wish.elastic_ip_ids), interface),)
        if wish.new_address is None:
            return ()
        stays = wish.keeps_address
        owner = f"{interface.vpc_id}/{interface.pod_name}" if stays else interface.pod_uid
        id_ = new_address_id(owner)
        held = self._records.elastic_ips.get("", id_)
        if held is None:
            return self._make(id_, interface, wish.new_address, goes=not stays)
        return (self._bind(self._first_free((id_,)), interface),)

    def release(self, interface: NetworkInterface) -> tuple[Write, ...]:
        """The writes that free the address of an interface which goes."""
        bound = (one for one in self._records.elastic_ips.list() if one.bound_to == interface.id)
        return tuple(write for one in bound for write in self._release(one))

    def _first_free(self, ids: tuple[str, ...]) -> ElasticIp:
        found = [self._records.elastic_ips.get("", id_) for id_ in ids]
        for id_, one in zip(ids, found, strict=True):
            if one is None:
                raise Problem(
                    "elastic-ip-not-found",
                    cause="[TencentCloudSDKError] Code=InvalidAddressId.NotFound, "
                    f"Message=The address {id_} does not exist.",
                    remedy="allocate the elastic IP, or take it out of the pod's annotation",
                )
            if one.status is ElasticIpStatus.UNBIND:
                return one
        raise Problem(
            "no-elastic-ip-free",
            cause=f"none of the elastic IPs {', '.join(ids)} is free",
            remedy="name as many elastic IPs as there are pods, or delete a pod that has one",
        )

    def _bind(self, one: ElasticIp, interface: NetworkInterface) -> Update:
        return self._records.elastic_ips.substitution("", one.id, _bound(one, interface))

    def _make(
        self, id_: str, interface: NetworkInterface, asked: NewAddress, *, goes: bool
    ) -> tuple[Write, ...]:
        address = self._free_address()
        made = ElasticIp(
            id=id_,
            address=address,
            bandwidth=asked.internet_max_bandwidth_out or 0,
            charge_type=asked.internet_charge_type,
            goes_with_owner=goes,
            created_at=self._now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        )
        creation = self._records.elastic_ips.creation("", id_, _bound(made, interface))
        return self._claim(address, id_), creation

    def _free_address(self) -> str:
        every = self._records.elastic_ips.list()
        if len(every) >= _QUOTA:
            raise Problem(
                "elastic-ip-quota",
                cause="[TencentCloudSDKError] Code=AddressQuotaLimitExceeded, "
                f"Message=There are at most {_QUOTA} elastic IPs in a region.",
                remedy="release an elastic IP that nobody uses",
            )
        taken = {one.address for one in every}
        taken |= {one.public_address for one in self._records.instances.list()}
        free = map(str, map(_RANGE.__getitem__, range(_FIRST, _RANGE.num_addresses - 1)))
        return next(address for address in free if address not in taken)

    def _claim(self, address: str, owner_id: str) -> Create | Update:
        """The write that takes an address; a claim whose owner is gone is taken over."""
        claims = self._records.claims
        held = claims.record(PUBLIC_ADDRESS, address)
        if held is None:
            return claims.creation(PUBLIC_ADDRESS, address, Claim(owner_id))
        return claims.replacement(held, Claim(owner_id))

    def _release(self, one: ElasticIp) -> tuple[Write, ...]:
        eips, claims = self._records.elastic_ips, self._records.claims
        if not one.goes_with_owner:
            free = replace(one, status=ElasticIpStatus.UNBIND, bound_to="", private_ip="")
            return (eips.substitution("", one.id, free),)
        removal: tuple[Write, ...] = (eips.removal("", one.id),)
        if claims.get(PUBLIC_ADDRESS, one.address) is not None:
            removal = (*removal, claims.removal(PUBLIC_ADDRESS, one.address))
        return removal


def _bound(one: ElasticIp, interface: NetworkInterface) -> ElasticIp:
    return replace(
        one,
        status=ElasticIpStatus.BINDING,
        bound_to=interface.id,
        private_ip=interface.private_ip,
    )
