"""What an instance holds, asked of the registry by its public protocol.

The cloud cannot look into the registry's files; it visits the instance's loopback door, with a
credential of its own that lives for a minute.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import aiohttp
import msgspec

from towline.cloud.context import Context
from towline.cloud.identifier import secret, token_id
from towline.cloud.refusal import Refusal
from towline.cloud.visit import HeldRepository, Visit
from towline.oci.manifest import InvalidManifest
from towline.oci.scope import Scope, repository_scope
from towline.resource.credential import Credential, Lifetime, digest_of_secret
from towline.resource.instance import Instance
from towline.store.error import NotFound

_DEADLINE = 20.0  # seconds for all that is asked in one visit
_LIFETIME = 60_000  # milliseconds
_CATALOGUE = Scope("registry", "catalog", frozenset({"*"}))


class _Token(msgspec.Struct, frozen=True):
    token: str


class Contents:
    """The registry of one instance, on behalf of one request."""

    def __init__(self, context: Context, instance: Instance) -> None:
        self._context = context
        self._instance = instance

    async def has_repositories(self, namespace: str) -> bool:
        """Whether the namespace holds anything; refused when the registry does not say."""
        if not self._instance.loopback_port:
            return False  # its door was never open, so nobody has pushed
        async with self.visit() as visit:
            # Listings are in ASCII order and begin after the name.
            found = await visit.some_repositories(f"{namespace}/", 1)
        return any(one.name.startswith(f"{namespace}/") for one in found)

    async def repositories(self, after: str = "") -> list[HeldRepository]:
        """The repositories behind a name; refused when the registry does not say."""
        if not self._instance.loopback_port:
            return []
        async with self.visit() as visit:
            return await visit.repositories(after)

    @asynccontextmanager
    async def visit(self, *repositories: str) -> AsyncIterator[Visit]:
        """Visit with every right in these repositories, and the right to list all; refused when
        the registry does not do what it is asked.
        """
        door = f"http://127.0.0.1:{self._instance.loopback_port}"
        scopes = (
            _CATALOGUE,
            *(repository_scope(name, "pull", "push", "delete") for name in repositories),
        )
        try:
            async with (
                asyncio.timeout(_DEADLINE),
                self._credential() as login,
                aiohttp.ClientSession(door) as http,
            ):
                yield Visit(http, await self._token(http, login, scopes))
        except (aiohttp.ClientError, TimeoutError, msgspec.MsgspecError, InvalidManifest) as error:
            raise Refusal(
                "FailedOperation.DependenceError",
                f"The registry did not do what it was asked: {error}.",
            ) from error

    async def _token(
        self, http: aiohttp.ClientSession, login: str, scopes: tuple[Scope, ...]
    ) -> str:
        wanted = [("service", self._instance.domain), *(("scope", str(one)) for one in scopes)]
        async with http.get(
            "/service/token",
            params=wanted,
            headers={"Authorization": login},
            raise_for_status=True,
        ) as answer:
            return msgspec.json.decode(await answer.read(), type=_Token).token

    @asynccontextmanager
    async def _credential(self) -> AsyncIterator[str]:
        instance, credentials = self._instance, self._context.resources.credentials
        password = secret()
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
