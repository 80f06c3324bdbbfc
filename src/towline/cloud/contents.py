"""What an instance holds, asked of the registry by its public protocol.

The cloud cannot look into the registry's files; it asks at the instance's loopback door for the
catalogue, with a credential of its own that lives for a minute.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp

from towline.cloud.context import Context
from towline.cloud.identifier import secret, token_id
from towline.cloud.refusal import Refusal
from towline.resource.credential import Credential, Lifetime, digest_of_secret
from towline.resource.instance import Instance
from towline.store.error import NotFound

_DEADLINE = 10.0  # seconds for both questions to the registry
_LIFETIME = 60_000  # milliseconds


class Contents:
    """Questions to the registry on behalf of one request."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def has_repositories(self, instance: Instance, namespace: str) -> bool:
        """Whether the namespace holds anything; refused when the registry does not say."""
        if not instance.loopback_port:
            return False  # its door was never open, so nobody has pushed
        door = f"http://127.0.0.1:{instance.loopback_port}"
        # Listings are in ASCII order and begin after `last`.
        page = {"n": "1", "last": f"{namespace}/"}
        try:
            async with (
                asyncio.timeout(_DEADLINE),
                self._credential(instance) as login,
                aiohttp.ClientSession(door, raise_for_status=True) as http,
            ):
                bearer = {"Authorization": f"Bearer {await _token(http, instance, login)}"}
                async with http.get("/v2/_catalog", params=page, headers=bearer) as answer:
                    listed = await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise Refusal(
                "FailedOperation.DependenceError",
                f"The registry did not say what the namespace holds: {error}.",
            ) from error
        return any(name.startswith(f"{namespace}/") for name in listed.get("repositories") or ())

    @asynccontextmanager
    async def _credential(self, instance: Instance) -> AsyncIterator[str]:
        password, credentials = secret(), self._context.resources.credentials
        credential = Credential(
            id=token_id(),
            instance_id=instance.id,
            username=self._context.uin,
            secret_sha256=digest_of_secret(password),
            lifetime=Lifetime.TEMPORARY,
            description="the cloud's own",
            created_at=self._context.now(),
            expires_at=self._context.milliseconds() + _LIFETIME,
        )
        await credentials.create(instance.id, credential.id, credential)
        try:
            yield aiohttp.encode_basic_auth(credential.username, password)
        finally:
            with suppress(NotFound):  # another request may have found it expired
                await credentials.delete(instance.id, credential.id)


async def _token(http: aiohttp.ClientSession, instance: Instance, login: str) -> str:
    wanted = {"service": instance.domain, "scope": "registry:catalog:*"}
    async with http.get(
        "/service/token", params=wanted, headers={"Authorization": login}
    ) as answer:
        given: dict[str, Any] = await answer.json(content_type=None)
    return str(given.get("token") or given.get("access_token") or "")
