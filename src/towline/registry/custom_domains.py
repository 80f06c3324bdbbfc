"""Customized domains, from the wish in the records to the certificate at the doors.

A domain counts as served once every HTTPS door of its instance has been renewed with a certificate
that names it; a door that is opened later has that certificate from the start.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

import msgspec
import structlog

from towline.registry.certificates import Certificates
from towline.registry.door_server import TlsFiles
from towline.registry.doors import Doors
from towline.resource.custom_domain import CustomDomain, DomainStatus
from towline.resource.instance import Instance
from towline.store.collection import Collection
from towline.store.error import NotFound

_WAITING = {DomainStatus.CREATING, DomainStatus.DELETING}
_log = structlog.get_logger("towline.registry")


class CustomDomains:
    """The domains that instances have beside their default one."""

    def __init__(
        self,
        domains: Collection[CustomDomain],
        instances: Collection[Instance],
        certificates: Certificates,
    ) -> None:
        self._domains = domains
        self._instances = instances
        self._certificates = certificates

    def tls_of(self, instance_id: str) -> TlsFiles:
        """The certificate of an instance as its domains are now; the shared one when none can be
        issued, so that the default domain is served at any rate.
        """
        try:
            return self._issued(instance_id)
        except (OSError, ValueError) as error:
            _log.warning("certificate-not-issued", instance=instance_id, cause=str(error))
            return self._certificates.shared

    async def run(self, doors: Doors) -> None:
        """Follow the records until cancelled."""
        async for domains in self._domains.follow():
            waiting = {one.instance_id for one in domains if one.status in _WAITING}
            for instance_id in sorted(waiting):
                seen = [one for one in domains if one.instance_id == instance_id]
                await self._meet(instance_id, seen, doors)

    async def _meet(self, instance_id: str, seen: Iterable[CustomDomain], doors: Doors) -> None:
        outcome = DomainStatus.SUCCESS
        try:
            self._issued(instance_id)
        except (OSError, ValueError) as error:
            _log.warning("domain-not-served", instance=instance_id, cause=str(error))
            outcome = DomainStatus.FAILURE
        await doors.renew(instance_id)
        for domain in seen:
            with suppress(NotFound):  # the instance has gone, with all its domains
                await self._settle(domain, outcome)

    async def _settle(self, domain: CustomDomain, outcome: DomainStatus) -> None:
        match domain.status:
            case DomainStatus.DELETING:
                await self._domains.delete(domain.instance_id, domain.name)
            case DomainStatus.CREATING:
                await self._domains.update(
                    domain.instance_id, domain.name, lambda held: _settled(held, outcome)
                )

    def _issued(self, instance_id: str) -> TlsFiles:
        instance = self._instances.get("", instance_id)
        if instance is None:
            return self._certificates.shared
        wanted = (
            one.name
            for one in self._domains.list(instance_id)
            if one.status is not DomainStatus.DELETING
        )
        return self._certificates.of(instance, tuple(wanted))


def _settled(held: CustomDomain, outcome: DomainStatus) -> CustomDomain:
    if held.status is not DomainStatus.CREATING:
        return held
    return msgspec.structs.replace(held, status=outcome)
