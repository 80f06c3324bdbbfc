"""The Secret that a registry credential is released in: how it is written, and read again.

All that its keeper has to remember stands in the Secret itself, so that a restart forgets nothing:
which instance it is for, when it was issued and when it expires, and a digest by which an edit shows.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass

from towline.cluster.credential import RegistryLogin
from towline.cluster.kubernetes import Object
from towline.kube.secret import docker_config_json
from towline.kube.timestamp import seconds_of, to_second

TYPE = "kubernetes.io/dockerconfigjson"
LABEL = "towline.dev/released-credential"
"""On a released Secret: the id of the instance that it is for."""
_INSTANCE = "towline.dev/instance"
_ISSUED, _EXPIRES = "towline.dev/issued-at", "towline.dev/expires-at"
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
    is_intact: bool
    """Whether the content is what was written."""

    def renewal_at(self, namespace: str) -> float:
        """When it has to be issued anew: at about half its life, always the same for one Secret."""
        seed = f"{namespace}/{self.name}/{int(self.issued_at)}".encode()
        share = _EARLIEST + _SPREAD * (zlib.crc32(seed) / 2**32)
        return self.issued_at + (self.expires_at - self.issued_at) * share


def secret_name(login: RegistryLogin) -> str:
    """The name that the cloud gives to such a Secret."""
    return f"{login.account}-{login.instance_id}-dockercfg"


def released_secret(login: RegistryLogin, instance: str) -> Object:
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
                _DIGEST: _digest(content),
            },
        },
        "type": TYPE,
        "data": {_KEY: content},
    }


def read_release(secret: Object) -> Release | None:
    """What a Secret with our label says; None if somebody has edited that away."""
    metadata = secret["metadata"]
    annotations = metadata.get("annotations") or {}
    try:
        issued, expires = seconds_of(annotations[_ISSUED]), seconds_of(annotations[_EXPIRES])
        instance, digest = annotations[_INSTANCE], annotations[_DIGEST]
    except (KeyError, ValueError):
        return None
    data = secret.get("data") or {}
    intact = data.keys() == {_KEY} and _digest(data[_KEY]) == digest
    return Release(metadata["name"], instance, issued, expires, intact)


def is_released(secret: Object) -> bool:
    """Whether a Secret is one of ours, by any of its marks."""
    metadata = secret["metadata"]
    annotations = metadata.get("annotations") or {}
    return LABEL in (metadata.get("labels") or {}) or _DIGEST in annotations


def _digest(content: str) -> str:
    return f"sha256:{hashlib.sha256(content.encode()).hexdigest()}"
