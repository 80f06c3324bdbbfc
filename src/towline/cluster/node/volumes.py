"""A pod's volumes as a provider is given them: scratch space, or files with their content.

Secrets, ConfigMaps, the pod's own fields and tokens become files when a container starts; a run keeps
what it was started with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from towline.cluster.node.pod_field import Place, field, share
from towline.cluster.node.provider import ScratchVolume, VolumeFiles
from towline.cluster.node.references import References, Unresolved
from towline.kube.pod import (
    ConfigMapSource,
    DownwardSource,
    KeyToPath,
    Projection,
    SecretSource,
    TokenSource,
    Volume,
)

Files = dict[str, bytes]

# pkg/volume/secret/secret.go and configmap/configmap.go
_SECRET_LACKS = "references non-existent secret key"  # noqa: S105  # a text
_CONFIG_MAP_LACKS = "configmap references non-existent config key"


class UnknownVolume(Exception):
    """A volume of a kind that cannot be had here."""


class VolumeMaker:
    """Makes the volumes of one pod."""

    def __init__(self, place: Place, references: References) -> None:
        self._place = place
        self._references = references

    async def make(self, volume: Volume) -> VolumeFiles | ScratchVolume:
        """One volume; raises `Unresolved` when a part of it is missing, and `UnknownVolume`."""
        if volume.empty_dir is not None:
            return ScratchVolume(volume.name)
        if volume.secret is not None:
            return VolumeFiles(await self._secret(volume.secret, volume.secret.secret_name))
        if volume.config_map is not None:
            return VolumeFiles(await self._config_map(volume.config_map))
        if volume.downward_api is not None:
            return VolumeFiles(self._downward(volume.downward_api))
        if volume.projected is not None:
            files: Files = {}
            for projection in volume.projected.sources:
                files |= await self._projection(projection)
            return VolumeFiles(files)
        raise UnknownVolume(
            f'volume "{volume.name}" is of a kind that this cluster does not have: use emptyDir, '
            "secret, configMap, downwardAPI or projected"
        )

    async def _projection(self, projection: Projection) -> Files:
        if projection.secret is not None:
            return await self._secret(projection.secret, projection.secret.name)
        if projection.config_map is not None:
            return await self._config_map(projection.config_map)
        if projection.downward_api is not None:
            return self._downward(projection.downward_api)
        if projection.service_account_token is not None:
            return await self._token(projection.service_account_token)
        return {}

    async def _secret(self, source: SecretSource, name: str) -> Files:
        optional = bool(source.optional)
        held = await self._references.secret(name, optional=optional)
        return _selected(held or {}, source.items, "" if optional else _SECRET_LACKS)

    async def _config_map(self, source: ConfigMapSource) -> Files:
        optional = bool(source.optional)
        held = await self._references.config_map(source.name, optional=optional)
        return _selected(held or {}, source.items, "" if optional else _CONFIG_MAP_LACKS)

    def _downward(self, source: DownwardSource) -> Files:
        files: Files = {}
        for item in source.items:
            if item.field_ref:
                files[item.path] = field(self._place, item.field_ref).encode()
            elif item.resource_field_ref:
                pod = self._place.pod
                container = pod.spec.containers[0]
                files[item.path] = share(pod, container, item.resource_field_ref).encode()
        return files

    async def _token(self, source: TokenSource) -> Files:
        metadata = self._place.pod.metadata
        bound = {
            "apiVersion": "v1",
            "kind": "Pod",
            "name": metadata.name,
            "uid": metadata.uid,
        }
        spec = {
            "audiences": [source.audience] if source.audience else [],
            "expirationSeconds": source.expiration_seconds,
            "boundObjectRef": bound,
        }
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        account = self._place.pod.spec.service_account_name or "default"
        return {source.path: (await self._references.token(account, body)).encode()}


def _selected(held: Mapping[str, bytes], items: Sequence[KeyToPath], complaint: str) -> Files:
    """All values by their keys, or the chosen ones by their paths; no complaint: some may lack."""
    if not items:
        return dict(held)
    missing = [item.key for item in items if item.key not in held]
    if missing and complaint:
        raise Unresolved(f"{complaint}: {missing[0]}")
    return {item.path: held[item.key] for item in items if item.key in held}
