"""The Secret that a registry credential is released in: how it is written, and read again.

All that its keeper has to remember stands in the Secret itself, so that a restart forgets nothing:
which instance it is for, when it was issued and when it expires, which credentials it has followed
that are still to be revoked, and a digest by which an edit of the credential shows.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from towline.cluster.controllers.credential_revocation import Issued
from towline.cluster.credential import RegistryLogin
from towline.cluster.kubernetes import Object
from towline.kube.secret import docker_config_json
from towline.kube.timestamp import seconds_of, to_second

TYPE = "kubernetes.io/dockerconfigjson"
LABEL = "towline.dev/released-credential"
"""On a released Secret: the id of the instance that it is for."""
_INSTANCE = "towline.dev/instance"
_ISSUED, _EXPIRES = "towline.dev/issued-at", "towline.dev/expires-at"
_CREDENTIAL, _SUPERSEDED = "towline.dev/credential-id", "towline.dev/superseded-credentials"
_DIGEST = "towline.dev/content-digest"
_KEY = ".dockerconfigjson"
_EARLIEST, _SPREAD = 0.45, 0.1  # of its life: around the half, not all at the same moment


@dataclass(frozen=True, slots=True)
class Release:
    """What a released Secret says of itself."""

    name: str
    instance: str
    """The instance as the namespace's annotation named it."""
    issued_at: float
    expires_at: float
    credential: Issued
    superseded: tuple[Issued, ...]
    """The credentials before this one that are still to be revoked, the next first."""
    is_intact: bool
    """Whether the content, and whose it is, are what was written."""

    def renewal_at(self, namespace: str) -> float:
        """When it has to be issued anew: at about half its life, always the same for one Secret."""
        seed = f"{namespace}/{self.name}/{int(self.issued_at)}".encode()
        share = _EARLIEST + _SPREAD * (zlib.crc32(seed) / 2**32)
        return self.issued_at + (self.expires_at - self.issued_at) * share

    def times(self, namespace: str) -> tuple[float, ...]:
        """When something has to be done about it: it is renewed, one before it is revoked."""
        return (self.renewal_at(namespace), *(one.revoked_at for one in self.superseded))


def secret_name(login: RegistryLogin) -> str:
    """The name that the cloud gives to such a Secret."""
    return f"{login.account}-{login.instance_id}-dockercfg"


def released_secret(login: RegistryLogin, instance: str, superseded: Iterable[Issued]) -> Object:
    """The Secret for a login, asked for under the instance's name or id."""
    content = docker_config_json(login.servers, login.username, login.password)
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": secret_name(login),
            "labels": {LABEL: login.instance_id},
            "annotations": {
                _INSTANCE: instance,
                _ISSUED: to_second(login.issued_at),
                _EXPIRES: to_second(login.expires_at),
                _CREDENTIAL: login.credential_id,
                _SUPERSEDED: _listed(superseded),
                _DIGEST: _digest(login.instance_id, login.credential_id, content),
            },
        },
        "type": TYPE,
        "data": {_KEY: content},
    }


def superseded_patch(superseded: Iterable[Issued]) -> Object:
    """The change after which a released Secret names these credentials as still to be revoked."""
    return {"metadata": {"annotations": {_SUPERSEDED: _listed(superseded)}}}


def read_release(secret: Object) -> Release | None:
    """What a Secret with our label says; None if somebody has edited that away."""
    metadata = secret["metadata"]
    annotations = metadata.get("annotations") or {}
    try:
        issued, expires = seconds_of(annotations[_ISSUED]), seconds_of(annotations[_EXPIRES])
        instance, digest = annotations[_INSTANCE], annotations[_DIGEST]
        registry = metadata["labels"][LABEL]
        credential = Issued(registry, annotations[_CREDENTIAL])
        superseded = _read_listed(registry, annotations.get(_SUPERSEDED, ""))
    except (KeyError, TypeError, ValueError):
        return None
    data = secret.get("data") or {}
    marks = registry, credential.credential_id
    intact = data.keys() == {_KEY} and _digest(*marks, data[_KEY]) == digest
    name = metadata["name"]
    return Release(name, instance, issued, expires, credential, superseded, intact)


def is_released(secret: Object) -> bool:
    """Whether a Secret is one of ours, by any of its marks."""
    metadata = secret["metadata"]
    annotations = metadata.get("annotations") or {}
    return LABEL in (metadata.get("labels") or {}) or _DIGEST in annotations


def _listed(superseded: Iterable[Issued]) -> str:
    return " ".join(f"{one.credential_id}@{to_second(one.revoked_at)}" for one in superseded)


def _read_listed(instance_id: str, text: str) -> tuple[Issued, ...]:
    pairs = [one.rpartition("@") for one in text.split()]
    return tuple(Issued(instance_id, name, seconds_of(until)) for name, _, until in pairs)


def _digest(instance_id: str, credential_id: str, content: str) -> str:
    written = f"{instance_id}\n{credential_id}\n{content}"
    return f"sha256:{hashlib.sha256(written.encode()).hexdigest()}"
