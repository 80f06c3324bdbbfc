"""The service accounts of a namespace that name a released Secret, so that their pods pull with it."""

from __future__ import annotations

from collections.abc import Callable

from towline.cluster.controllers.service_account import DEFAULT_ACCOUNT
from towline.cluster.kubernetes import ApiError, Kubernetes, Object
from towline.cluster.resources import SERVICE_ACCOUNTS

CONFLICTS = 5  # how often a write of an account is tried again at once

Edit = Callable[[list[str]], list[str]]
"""From the names of Secrets that an account has to those it is to have."""


class PullAccounts:
    """Edits accounts, which others may write at the same time."""

    def __init__(self, kubernetes: Kubernetes) -> None:
        self._kubernetes = kubernetes

    async def name_in_default(self, namespace: str, secret: str) -> None:
        """Have the default account name a Secret."""
        await self._edit(namespace, DEFAULT_ACCOUNT, _with(secret))

    async def name_in_all(self, namespace: str, secret: str) -> None:
        """Have every account that there is name a Secret."""
        for account in await self._all(namespace):
            await self._edit(namespace, account["metadata"]["name"], _with(secret))

    async def drop(self, namespace: str, secret: str) -> None:
        """Have no account name a Secret, for it goes."""
        for account in await self._all(namespace):
            if secret in _names(account):
                await self._edit(namespace, account["metadata"]["name"], _without(secret))

    async def _all(self, namespace: str) -> tuple[Object, ...]:
        return (await self._kubernetes.list(SERVICE_ACCOUNTS, namespace)).items

    async def _edit(self, namespace: str, name: str, edit: Edit) -> None:
        for attempt in range(CONFLICTS):
            account = await self._kubernetes.get(SERVICE_ACCOUNTS, namespace, name)
            held = _names(account)
            wanted = edit(held)
            if wanted == held:
                return
            metadata = {"resourceVersion": account["metadata"]["resourceVersion"]}
            body = {"metadata": metadata, "imagePullSecrets": [{"name": one} for one in wanted]}
            try:
                await self._kubernetes.patch(SERVICE_ACCOUNTS, namespace, name, body)
            except ApiError as error:
                if error.code != 409 or attempt == CONFLICTS - 1:
                    raise
            else:
                return


def _names(account: Object) -> list[str]:
    return [one["name"] for one in account.get("imagePullSecrets") or ()]


def _with(secret: str) -> Edit:
    return lambda names: names if secret in names else [*names, secret]


def _without(secret: str) -> Edit:
    return lambda names: [one for one in names if one != secret]
