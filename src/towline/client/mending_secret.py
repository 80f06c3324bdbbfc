"""A credential for one namespace of a registry, put into a pull Secret; undone, both are as before."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from towline.client.cloud_registry import Registries
from towline.client.cloud_view import SecretView
from towline.client.mending_cloud import PULL
from towline.client.step import Step
from towline.cluster.kubernetes import ApiError, Kubernetes, Object
from towline.cluster.resources import SECRETS
from towline.diagnosis.mending import WriteCredential
from towline.kube.secret import docker_config_json, secret_data
from towline.problem import Problem

_TYPE = "kubernetes.io/dockerconfigjson"
_KEY = ".dockerconfigjson"
_NEVER = -1


@dataclass(slots=True)
class SecretMender:
    """Writes one credential. `_before` and `_made` are known once it is written."""

    kubernetes: Kubernetes
    registries: Registries
    change: WriteCredential
    _before: Object | None = None
    _made: SecretView | None = None

    def step(self) -> Step:
        """The writing as a step."""
        return Step(str(self.change), self._make, self._unmake)

    async def _make(self) -> None:
        change = self.change
        self._before = await self._held()
        if self._before is not None and self._before.get("type") != _TYPE:
            raise Problem(
                "not-a-pull-secret",
                cause=f"the Secret {change.namespace}/{change.secret} is of the type "
                f"{self._before.get('type')}, which no pull reads",
                remedy=f"delete it, then run `towline fix` again: kubectl -n {change.namespace} "
                f"delete secret {change.secret}",
            )
        instance = await self.registries.instance(change.instance)
        name = f"pull-{change.registry_namespace}-{secrets.token_hex(4)}"
        rights = {change.registry_namespace: [PULL]}
        self._made = await self.registries.create_account(instance, name, rights, _NEVER)
        try:
            await self._write(self._made)
        except BaseException:
            await self._withdraw()
            raise

    async def _unmake(self) -> None:
        change, before = self.change, self._before
        if before is None:
            await self.kubernetes.delete(SECRETS, change.namespace, change.secret)
        else:
            body = {"data": {_KEY: before["data"][_KEY]}}
            await self.kubernetes.patch(SECRETS, change.namespace, change.secret, body)
        await self._withdraw()

    async def _withdraw(self) -> None:
        instance = await self.registries.instance(self.change.instance)
        assert self._made is not None, "it is withdrawn after it was made"
        await self.registries.delete_credential(instance, self._made.id)

    async def _held(self) -> Object | None:
        try:
            return await self.kubernetes.get(SECRETS, self.change.namespace, self.change.secret)
        except ApiError as error:
            if error.code != 404:
                raise
            return None

    async def _write(self, login: SecretView) -> None:
        change = self.change
        content = docker_config_json(change.servers, login.username, login.password)
        if self._before is not None:
            body = {"data": {_KEY: _merged(self._before, content)}}
            await self.kubernetes.patch(SECRETS, change.namespace, change.secret, body)
            return
        secret: Object = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": change.secret, "namespace": change.namespace},
            "type": _TYPE,
            "data": {_KEY: content},
        }
        await self.kubernetes.create(SECRETS, change.namespace, secret)


def _merged(secret: Object, content: str) -> str:
    """What the Secret opens already, and the new hosts; entries for these hosts are replaced."""
    new: Mapping[str, Any] = json.loads(base64.b64decode(content))["auths"]
    try:
        held = json.loads(secret_data(secret).get(_KEY, b"{}")).get("auths") or {}
    except (ValueError, AttributeError):
        held = {}
    kept = {key: value for key, value in held.items() if _host(key) not in new}
    document = json.dumps({"auths": {**kept, **new}})
    return base64.b64encode(document.encode()).decode()


def _host(key: str) -> str:
    """The host of an entry, which may be written as a URL or with a path."""
    return (key.partition("://")[2] or key).partition("/")[0].lower()
