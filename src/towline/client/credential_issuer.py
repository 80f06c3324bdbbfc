"""Credentials for the cluster's namespaces, issued by the cloud: the cluster's port, over its API."""

from __future__ import annotations

from collections.abc import Callable

from towline.client.cloud import CloudClient
from towline.client.cloud_registry import Registries
from towline.cluster.credential import RegistryLogin


class CloudCredentialIssuer:
    """Issues temporary tokens of an instance; each lives for an hour, whatever is issued after it."""

    def __init__(self, client: CloudClient, clock: Callable[[], float]) -> None:
        self._registries = Registries(client)
        self._clock = clock

    async def issue(self, instance: str, namespace: str) -> RegistryLogin:
        """A login for the instance of this name or id, for the pods of a Kubernetes namespace.

        Raises `Problem` when there is no such instance or the cloud does not answer.
        """
        found = await self._registries.instance(instance)
        door = await self._registries.door(found)
        issued_at = self._clock()
        description = f"released into the Kubernetes namespace {namespace}"
        token = await self._registries.create_token(found, description, temporary=True)
        return RegistryLogin(
            instance_id=found.registry_id,
            account=token.username,  # a user's own token is named after the account
            servers=(door.domain, door.vpc_domain),
            username=token.username,
            password=token.password,
            issued_at=issued_at,
            expires_at=token.expires_at / 1000,
        )
