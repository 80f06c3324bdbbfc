"""The Secrets and ConfigMaps that a pod refers to, read when they are needed.

They are read at every attempt to start a container, so that what was corrected meanwhile is found.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from towline.cluster.kubernetes import ApiError, Kubernetes, Object
from towline.cluster.resources import CONFIG_MAPS, SECRETS, SERVICE_ACCOUNTS
from towline.kube.secret import config_map_data, secret_data

NOT_FOUND = 404


class Unresolved(Exception):
    """Something that a container's configuration needs is not there; the text says what."""


class References(Protocol):
    """What configuration is made from."""

    async def secret(self, name: str, *, optional: bool) -> Mapping[str, bytes] | None:
        """The values of a Secret; None when it is missing and may be. Raises `Unresolved`."""
        ...

    async def config_map(self, name: str, *, optional: bool) -> Mapping[str, bytes] | None:
        """The values of a ConfigMap; None when it is missing and may be. Raises `Unresolved`."""
        ...

    async def token(self, account: str, body: Object) -> str:
        """A token of a ServiceAccount, as a TokenRequest asks for it. Raises `Unresolved`."""
        ...


class NamespaceReferences:
    """`References` of a pod: its own namespace, and never another one."""

    def __init__(self, kubernetes: Kubernetes, namespace: str) -> None:
        self._kubernetes = kubernetes
        self._namespace = namespace

    async def secret(self, name: str, *, optional: bool) -> Mapping[str, bytes] | None:
        """See `References`."""
        try:
            return secret_data(await self._kubernetes.get(SECRETS, self._namespace, name))
        except ApiError as error:
            _check(error, f'secret "{name}" not found', optional=optional)
            return None

    async def config_map(self, name: str, *, optional: bool) -> Mapping[str, bytes] | None:
        """See `References`."""
        try:
            return config_map_data(await self._kubernetes.get(CONFIG_MAPS, self._namespace, name))
        except ApiError as error:
            _check(error, f'configmap "{name}" not found', optional=optional)
            return None

    async def token(self, account: str, body: Object) -> str:
        """See `References`."""
        try:
            answer = await self._kubernetes.create(
                SERVICE_ACCOUNTS, self._namespace, body, subresource="token", name=account
            )
        except ApiError as error:
            raise Unresolved(f"failed to fetch token: {error.message}") from error
        return str(answer["status"]["token"])


def _check(error: ApiError, text: str, *, optional: bool) -> None:
    """Let pass what is missing and may be; raises `Unresolved`."""
    if error.code != NOT_FOUND:
        raise Unresolved(error.message) from error
    if not optional:
        raise Unresolved(text) from error
