"""Registry instances and what belongs to them, through the cloud's API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from towline.client.choice import meant_or
from towline.client.cloud import CloudClient, CloudRefused
from towline.client.cloud_view import (
    AccountView,
    DoorView,
    InstanceView,
    LinkView,
    NamespaceView,
    SecretView,
    TokenView,
    view,
)
from towline.problem import Problem

_MANY = 200  # the most that one call lists


class Registries:
    """The `tcr` product, in the words of the CLI: an instance may be named or given by id."""

    def __init__(self, client: CloudClient) -> None:
        self._client = client

    async def instances(self) -> list[InstanceView]:
        """All instances."""
        answer = await self._call("DescribeInstances", {"Limit": _MANY})
        return view(answer["Registries"], list[InstanceView])

    async def instance(self, name: str) -> InstanceView:
        """The instance with this name or id; raises `Problem`."""
        instances = await self.instances()
        for instance in instances:
            if name in (instance.registry_name, instance.registry_id):
                return instance
        names = [instance.registry_name for instance in instances]
        raise Problem(
            "no-such-instance",
            cause=(
                f"there is no registry instance {name!r} (there is: {', '.join(names) or 'none yet'})"
            ),
            remedy=meant_or(f"`towline instance create {name}`", name, names),
        )

    async def find(self, registry_id: str) -> InstanceView | None:
        """The instance with this id, if it is still there."""
        answer = await self._call("DescribeInstances", {"Registryids": [registry_id]})
        found = view(answer["Registries"], list[InstanceView])
        return found[0] if found else None

    async def create_instance(self, name: str, edition: str, *, protected: bool) -> str:
        """Ask for an instance; answers its id."""
        asked = {
            "RegistryName": name,
            "RegistryType": edition,
            "DeletionProtection": protected,
        }
        return str((await self._call("CreateInstance", asked))["RegistryId"])

    async def delete_instance(self, instance: InstanceView) -> None:
        """Ask for the removal of an instance."""
        await self._call("DeleteInstance", {"RegistryId": instance.registry_id})

    async def door(self, instance: InstanceView) -> DoorView:
        """How the instance is reached."""
        asked = {"RegistryIds": [instance.registry_id]}
        answer = await self._own("DescribeInstanceDoors", asked)
        return view(answer["DoorSet"][0], DoorView)

    async def namespaces(self, instance: InstanceView) -> list[NamespaceView]:
        """All namespaces of an instance."""
        asked = {"RegistryId": instance.registry_id, "All": True}
        answer = await self._call("DescribeNamespaces", asked)
        return view(answer["NamespaceList"], list[NamespaceView])

    async def create_namespace(self, instance: InstanceView, name: str, *, public: bool) -> None:
        """Make a namespace."""
        asked = {"RegistryId": instance.registry_id, "NamespaceName": name, "IsPublic": public}
        await self._call("CreateNamespace", asked)

    async def delete_namespace(self, instance: InstanceView, name: str) -> None:
        """Remove an empty namespace."""
        asked = {"RegistryId": instance.registry_id, "NamespaceName": name}
        try:
            await self._call("DeleteNamespace", asked)
        except CloudRefused as refusal:
            if not _is_missing(refusal):
                raise
            see = f"see what there is: `towline namespace list {instance.registry_name}`"
            names = [one.name for one in await self.namespaces(instance)]
            raise Problem(
                "no-such-namespace",
                cause=f"{instance.registry_name} has no namespace {name!r}",
                remedy=meant_or(see, name, names),
            ) from refusal

    async def create_token(
        self, instance: InstanceView, description: str, *, temporary: bool
    ) -> SecretView:
        """Make a token with all rights in the instance."""
        asked = {
            "RegistryId": instance.registry_id,
            "TokenType": "temp" if temporary else "longterm",
            "Desc": description,
        }
        return _token(await self._call("CreateInstanceToken", asked))

    async def create_pull_token(self, instance: InstanceView, description: str) -> SecretView:
        """Make a token that pulls from every namespace of the instance, for an hour."""
        asked = {"RegistryId": instance.registry_id, "Desc": description}
        return _token(await self._own("CreatePullToken", asked))

    async def delete_pull_token(self, registry_id: str, token_id: str) -> None:
        """Revoke a pull token."""
        asked = {"RegistryId": registry_id, "TokenId": token_id}
        await self._own("DeletePullToken", asked)

    async def create_account(
        self, instance: InstanceView, name: str, permissions: Mapping[str, list[str]], expiry: int
    ) -> SecretView:
        """Make a service account with rights per namespace; `expiry` in milliseconds, or -1."""
        asked = {
            "RegistryId": instance.registry_id,
            "Name": name,
            "Permissions": _permissions(permissions),
            "ExpiresAt": expiry,
        }
        made = await self._call("CreateServiceAccount", asked)
        return SecretView(
            id=made["Name"],
            username=made["Name"],
            password=made["Password"],
            expires_at=made["ExpiresAt"],
        )

    async def set_permissions(
        self, instance: InstanceView, account: str, permissions: Mapping[str, list[str]]
    ) -> None:
        """Let a service account do this, and nothing else."""
        asked = {
            "RegistryId": instance.registry_id,
            "Name": account,
            "Permissions": _permissions(permissions),
        }
        await self._call("ModifyServiceAccount", asked)

    async def tokens(self, instance: InstanceView) -> list[TokenView]:
        """The long-term tokens."""
        asked = {"RegistryId": instance.registry_id, "Limit": _MANY}
        answer = await self._call("DescribeInstanceToken", asked)
        return view(answer["Tokens"], list[TokenView])

    async def accounts(self, instance: InstanceView) -> list[AccountView]:
        """The service accounts with their permissions."""
        asked = {"RegistryId": instance.registry_id, "All": True, "EmbedPermission": True}
        answer = await self._call("DescribeServiceAccounts", asked)
        return view(answer["ServiceAccounts"], list[AccountView])

    async def delete_credential(self, instance: InstanceView, credential: str) -> None:
        """Remove a token by id or a service account by its `tcr$…` name."""
        is_account = credential.startswith("tcr$")
        action = "DeleteServiceAccount" if is_account else "DeleteInstanceToken"
        named = {"Name" if is_account else "TokenId": credential}
        try:
            await self._call(action, {"RegistryId": instance.registry_id, **named})
        except CloudRefused as refusal:
            if not _is_missing(refusal):
                raise
            raise Problem(
                "no-such-credential",
                cause=f"{instance.registry_name} has no credential {credential!r}",
                remedy=f"see what there is: `towline credential list {instance.registry_name}`",
            ) from refusal

    async def links(self, instance: InstanceView) -> list[LinkView]:
        """The links of an instance."""
        asked = {"RegistryId": instance.registry_id}
        answer = await self._call("DescribeInternalEndpoints", asked)
        return view(answer["AccessVpcSet"] or [], list[LinkView])

    async def create_link(self, instance: InstanceView, vpc_id: str, subnet_id: str) -> None:
        """Ask for a link."""
        await self._manage_link(instance, "Create", vpc_id, subnet_id)

    async def delete_link(self, instance: InstanceView, link: LinkView) -> None:
        """Ask for the removal of a link."""
        await self._manage_link(instance, "Delete", link.vpc_id, link.subnet_id)

    async def resolve_on(self, instance: InstanceView, link: LinkView, *, default: bool) -> None:
        """Let a domain of the instance resolve to the link's access address."""
        await self._call("CreateInternalEndpointDns", _domain(instance, link, default=default))

    async def resolve_off(self, instance: InstanceView, link: LinkView, *, default: bool) -> None:
        """Let a domain of the instance resolve to the public address again."""
        await self._call("DeleteInternalEndpointDns", _domain(instance, link, default=default))

    async def resolved(self, instance: InstanceView, link: LinkView) -> tuple[bool, bool]:
        """Whether the default domain and the `-vpc` domain resolve to the access address."""
        asked = [_domain(instance, link, default=default) for default in (True, False)]
        answer = await self._call("DescribeInternalEndpointDnsStatus", {"VpcSet": asked})
        default, private = (one["Status"] == "ENABLED" for one in answer["VpcSet"])
        return default, private

    async def _manage_link(
        self, instance: InstanceView, operation: str, vpc_id: str, subnet_id: str
    ) -> None:
        asked = {
            "RegistryId": instance.registry_id,
            "Operation": operation,
            "VpcId": vpc_id,
            "SubnetId": subnet_id,
        }
        await self._call("ManageInternalEndpoint", asked)

    async def _call(self, action: str, params: Mapping[str, Any]) -> dict[str, Any]:
        return await self._client.call("tcr", "2019-09-24", action, params)

    async def _own(self, action: str, params: Mapping[str, Any]) -> dict[str, Any]:
        return await self._client.call("towline", "2026-08-01", action, params)


def _token(made: Mapping[str, Any]) -> SecretView:
    return SecretView(
        id=made["TokenId"],
        username=made["Username"],
        password=made["Token"],
        expires_at=made["ExpTime"],
    )


def _permissions(permissions: Mapping[str, list[str]]) -> list[dict[str, Any]]:
    return [{"Resource": name, "Actions": actions} for name, actions in permissions.items()]


def _is_missing(refusal: CloudRefused) -> bool:
    return refusal.api_code.partition(".")[0] == "ResourceNotFound"


def _domain(instance: InstanceView, link: LinkView, *, default: bool) -> dict[str, Any]:
    return {
        "InstanceId": instance.registry_id,
        "VpcId": link.vpc_id,
        "EniLBIp": link.access_ip,
        "UsePublicDomain": default,
    }
