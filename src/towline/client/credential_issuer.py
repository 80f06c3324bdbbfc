"""Credentials for the cluster's namespaces, issued by the cloud: the cluster's port, over its API."""

from __future__ import annotations

from collections.abc import Callable

from towline.client.cloud import CloudClient, CloudRefused
from towline.client.cloud_registry import Registries
from towline.cluster.credential import RegistryLogin

_GONE = "ResourceNotFound"


class CloudCredentialIssuer:
    """Issues pull tokens of an instance; each lives for an hour, unless it is revoked."""

    def __init__(self, client: CloudClient, clock: Callable[[], float]) -> None:
        self._registries = Registries(client)
        self._clock = clock

    async def issue(self, instance: str, namespace: str) -> RegistryLogin:
        """A login for the instance of this name or id, for the pods of a Kubernetes namespace.

        It pulls from every namespace of the instance, those made later too, and can do nothing
        else. Raises `Problem` when there is no such instance or the cloud does not answer.
        """
        found = await self._registries.instance(instance)
        door = await self._registries.door(found)
        issued_at = self._clock()
        description = f"released into the Kubernetes namespace {namespace}"
        token = await self._registries.create_pull_token(found, description)
        return RegistryLogin(
            instance_id=found.registry_id,
            credential_id=token.id,
            account=token.username,  # a pull token is named after the account
            servers=(door.domain, door.vpc_domain),
            username=token.username,
            password=token.password,
            issued_at=issued_at,
            expires_at=token.expires_at / 1000,
        )

    async def revoke(self, instance_id: str, credential_id: str) -> None:
        """Let a login be refused from now on; one that has gone, or whose instance has, is.

        Raises `Problem` when the cloud does not answer.
        """
        try:
            await self._registries.delete_pull_token(instance_id, credential_id)
        except CloudRefused as refusal:
            if refusal.api_code.partition(".")[0] != _GONE:
                raise
