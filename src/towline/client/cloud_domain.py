"""Further names under which registries are served, through the cloud's API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from towline.client.choice import meant_or
from towline.client.cloud import CloudClient
from towline.client.cloud_view import InstanceView, view
from towline.client.cloud_wait import until
from towline.problem import Problem

_MANY = 100
_CERTIFICATE = "towline"  # for which the installation's own authority issues one for the domain
SERVED = "SUCCESS"


class DomainView(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A customized domain of an instance."""

    registry_id: str
    domain_name: str
    cert_id: str
    status: str


class Domains:
    """The customized domains of instances."""

    def __init__(self, client: CloudClient) -> None:
        self._client = client

    async def domains(self, instance: InstanceView) -> list[DomainView]:
        """Those of an instance, the oldest first."""
        asked = {"RegistryId": instance.registry_id, "Limit": _MANY}
        answer = await self._call("DescribeInstanceCustomizedDomain", asked)
        return view(answer["DomainInfoList"] or [], list[DomainView])

    async def domain(self, instance: InstanceView, name: str) -> DomainView:
        """The one with this name; raises `Problem`."""
        found = await self.domains(instance)
        for one in found:
            if one.domain_name == name.lower().removesuffix("."):
                return one
        registry, names = instance.registry_name, [one.domain_name for one in found]
        raise Problem(
            "no-such-domain",
            cause=f"{registry} has no customized domain {name!r}",
            remedy=meant_or(f"see what there is: `towline domain list {registry}`", name, names),
        )

    async def create(self, instance: InstanceView, name: str) -> None:
        """Ask for the instance to be served under one more name."""
        await self._call("CreateInstanceCustomizedDomain", _named(instance, name))

    async def delete(self, instance: InstanceView, domain: DomainView) -> None:
        """Ask for a name to be served no more."""
        await self._call("DeleteInstanceCustomizedDomain", _named(instance, domain.domain_name))

    async def _call(self, action: str, params: Mapping[str, Any]) -> dict[str, Any]:
        return await self._client.call("tcr", "2019-09-24", action, params)


async def until_served(
    domains: Domains, instance: InstanceView, name: str, seconds: float
) -> DomainView:
    """The domain once the registry answers to it."""

    async def served() -> DomainView | None:
        found = await domains.domain(instance, name)
        return found if found.status == SERVED else None

    return await until(served, seconds, f"{name} is not served")


async def until_forgotten(
    domains: Domains, instance: InstanceView, name: str, seconds: float
) -> None:
    """Return once the registry answers to it no more."""

    async def forgotten() -> bool | None:
        left = [one.domain_name for one in await domains.domains(instance)]
        return True if name not in left else None

    await until(forgotten, seconds, f"{name} is still served")


def _named(instance: InstanceView, name: str) -> dict[str, str]:
    return {
        "RegistryId": instance.registry_id,
        "DomainName": name,
        "CertificateId": _CERTIFICATE,
    }
