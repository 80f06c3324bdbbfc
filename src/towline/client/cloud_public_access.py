"""Public network access to registries, through the cloud's API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from towline.client.cloud import CloudClient, CloudRefused
from towline.client.cloud_view import AccessRuleView, InstanceView, view
from towline.client.cloud_wait import until
from towline.problem import Problem


class PublicAccess:
    """The public endpoint of an instance and its allowlist."""

    def __init__(self, client: CloudClient) -> None:
        self._client = client

    async def status(self, instance: InstanceView) -> str:
        """`Closed`, `Opening`, `Opened` or `Closing`."""
        asked = {"RegistryId": instance.registry_id}
        return str((await self._call("DescribeExternalEndpointStatus", asked))["Status"])

    async def open(self, instance: InstanceView, seconds: float) -> None:
        """Open the endpoint and wait until it is; nobody may come yet."""
        await self._manage(instance, "Create")
        await self._until(instance, "Opened", seconds)

    async def close(self, instance: InstanceView, seconds: float) -> None:
        """Close the endpoint and wait until it is."""
        await self._manage(instance, "Delete")
        await self._until(instance, "Closed", seconds)

    async def rules(self, instance: InstanceView) -> list[AccessRuleView]:
        """Who may come; empty when the endpoint is not open."""
        if await self.status(instance) != "Opened":
            return []
        asked = {"RegistryId": instance.registry_id}
        answer = await self._call("DescribeSecurityPolicies", asked)
        return view(answer["SecurityPolicySet"] or [], list[AccessRuleView])

    async def allow(self, instance: InstanceView, cidr: str, description: str) -> None:
        """Let packets come from a range."""
        asked = {
            "RegistryId": instance.registry_id,
            "CidrBlock": cidr,
            "Description": description,
        }
        await self._change(instance, "CreateSecurityPolicy", asked)

    async def deny(self, instance: InstanceView, cidr: str) -> None:
        """Take a range off the allowlist."""
        asked = {"RegistryId": instance.registry_id, "CidrBlock": cidr}
        await self._change(instance, "DeleteSecurityPolicy", asked)

    async def _change(self, instance: InstanceView, action: str, asked: Mapping[str, Any]) -> None:
        """Change the allowlist, which only an open endpoint has."""
        try:
            await self._call(action, asked)
        except CloudRefused as refusal:
            status = await self.status(instance)
            if status == "Opened":
                raise
            raise Problem(
                "public-access-not-open",
                cause=f"the public endpoint of {instance.registry_name} is {status}",
                remedy=f"first `towline public-access open {instance.registry_name}`",
            ) from refusal

    async def _manage(self, instance: InstanceView, operation: str) -> None:
        asked = {"RegistryId": instance.registry_id, "Operation": operation}
        await self._call("ManageExternalEndpoint", asked)

    async def _until(self, instance: InstanceView, wanted: str, seconds: float) -> None:
        async def reached() -> bool | None:
            return True if await self.status(instance) == wanted else None

        otherwise = f"the public endpoint of {instance.registry_name} is not {wanted}"
        await until(reached, seconds, otherwise)

    async def _call(self, action: str, params: Mapping[str, Any]) -> dict[str, Any]:
        return await self._client.call("tcr", "2019-09-24", action, params)
