"""A pod as a node reads it: the parts of its JSON that decide what runs."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from towline.kube.probe import ContainerPort, Lifecycle, Probe


class InvalidPod(Exception):
    """An object that is no pod; the API's validation lets none through."""


class RestartPolicy(StrEnum):
    """What happens when a container ends."""

    ALWAYS = "Always"
    ON_FAILURE = "OnFailure"
    NEVER = "Never"


class PullPolicy(StrEnum):
    """When an image is fetched."""

    ALWAYS = "Always"
    IF_NOT_PRESENT = "IfNotPresent"
    NEVER = "Never"


class Phase(StrEnum):
    """Where a pod is in its life."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


class _Word(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What all parts of a pod are: read-only, with names as Python writes them."""


class Metadata(_Word, frozen=True, kw_only=True):
    """Who the pod is."""

    name: str
    namespace: str
    uid: str
    resource_version: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    deletion_grace_period_seconds: int | None = None


class KeySelector(_Word, frozen=True, kw_only=True):
    """One value of a Secret or ConfigMap."""

    name: str = ""
    key: str
    optional: bool | None = None


class FieldRef(_Word, frozen=True, kw_only=True):
    """A field of the pod itself."""

    field_path: str


class ResourceFieldRef(_Word, frozen=True, kw_only=True):
    """A container's request or limit, in units of the divisor."""

    container_name: str = ""
    resource: str
    divisor: str = "0"


class EnvSource(_Word, frozen=True, kw_only=True):
    """Where a variable's value comes from; exactly one is set."""

    field_ref: FieldRef | None = None
    resource_field_ref: ResourceFieldRef | None = None
    secret_key_ref: KeySelector | None = None
    config_map_key_ref: KeySelector | None = None


class EnvVar(_Word, frozen=True, kw_only=True):
    """One variable."""

    name: str
    value: str | None = None
    value_from: EnvSource | None = None


class LocalRef(_Word, frozen=True, kw_only=True):
    """A Secret or ConfigMap of the pod's namespace."""

    name: str = ""
    optional: bool | None = None


class EnvFrom(_Word, frozen=True, kw_only=True):
    """All values of a Secret or ConfigMap as variables."""

    prefix: str = ""
    config_map_ref: LocalRef | None = None
    secret_ref: LocalRef | None = None


class Resources(_Word, frozen=True, kw_only=True):
    """Requests and limits, as quantities."""

    limits: dict[str, str | int] = {}
    requests: dict[str, str | int] = {}


class VolumeMount(_Word, frozen=True, kw_only=True):
    """Where a volume is seen."""

    name: str
    mount_path: str
    read_only: bool = False
    sub_path: str = ""
    sub_path_expr: str = ""


class Capabilities(_Word, frozen=True, kw_only=True):
    """Which of root's powers are given and taken, by name."""

    add: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()


class SecurityContext(_Word, frozen=True, kw_only=True):
    """Whose rights a process has: of a pod, or of one container."""

    run_as_user: int | None = None
    run_as_group: int | None = None
    run_as_non_root: bool | None = None
    supplemental_groups: tuple[int, ...] | None = None
    supplemental_groups_policy: str | None = None
    fs_group: int | None = None
    read_only_root_filesystem: bool | None = None
    privileged: bool | None = None
    allow_privilege_escalation: bool | None = None
    capabilities: Capabilities | None = None
    seccomp_profile: dict[str, Any] | None = None
    app_armor_profile: dict[str, Any] | None = None
    se_linux_options: dict[str, Any] | None = None
    proc_mount: str | None = None
    sysctls: tuple[dict[str, Any], ...] | None = None

    def within(self, of_pod: SecurityContext) -> SecurityContext:
        """What holds for a container: its own words, and the pod's where it has none."""
        words = {name: getattr(self, name) for name in self.__struct_fields__}
        said = {name: value for name, value in words.items() if value is not None}
        return msgspec.structs.replace(of_pod, **said)


class Container(_Word, frozen=True, kw_only=True):
    """One container."""

    name: str
    image: str = ""
    image_pull_policy: PullPolicy = PullPolicy.IF_NOT_PRESENT
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    working_dir: str = ""
    env: tuple[EnvVar, ...] = ()
    env_from: tuple[EnvFrom, ...] = ()
    resources: Resources = Resources()
    volume_mounts: tuple[VolumeMount, ...] = ()
    security_context: SecurityContext = SecurityContext()
    restart_policy: RestartPolicy | None = None
    """`Always` on an init container makes it a sidecar."""
    tty: bool = False
    stdin: bool = False
    ports: tuple[ContainerPort, ...] = ()
    liveness_probe: Probe | None = None
    readiness_probe: Probe | None = None
    startup_probe: Probe | None = None
    lifecycle: Lifecycle = Lifecycle()


class KeyToPath(_Word, frozen=True, kw_only=True):
    """Which value becomes which file."""

    key: str
    path: str


class SecretSource(_Word, frozen=True, kw_only=True):
    """Files from a Secret; its name is `secretName` in a volume and `name` in a projection."""

    secret_name: str = ""
    name: str = ""
    items: tuple[KeyToPath, ...] = ()
    optional: bool | None = None


class ConfigMapSource(_Word, frozen=True, kw_only=True):
    """Files from a ConfigMap."""

    name: str = ""
    items: tuple[KeyToPath, ...] = ()
    optional: bool | None = None


class DownwardFile(_Word, frozen=True, kw_only=True):
    """One file that holds a field of the pod."""

    path: str
    field_ref: FieldRef | None = None
    resource_field_ref: ResourceFieldRef | None = None


class DownwardSource(_Word, frozen=True, kw_only=True):
    """Files from the pod itself."""

    items: tuple[DownwardFile, ...] = ()


class TokenSource(_Word, frozen=True, kw_only=True):
    """A token of the pod's ServiceAccount."""

    path: str
    audience: str = ""
    expiration_seconds: int = 3600


class Projection(_Word, frozen=True, kw_only=True):
    """One of the sources of a projected volume."""

    secret: SecretSource | None = None
    config_map: ConfigMapSource | None = None
    downward_api: DownwardSource | None = msgspec.field(default=None, name="downwardAPI")
    service_account_token: TokenSource | None = None


class ProjectedSource(_Word, frozen=True, kw_only=True):
    """Files from several sources."""

    sources: tuple[Projection, ...] = ()


class Volume(_Word, frozen=True, kw_only=True):
    """One volume; none of the sources is set when it is of a kind that Towline does not have."""

    name: str
    empty_dir: dict[str, Any] | None = None
    secret: SecretSource | None = None
    config_map: ConfigMapSource | None = None
    downward_api: DownwardSource | None = msgspec.field(default=None, name="downwardAPI")
    projected: ProjectedSource | None = None


class PodSpec(_Word, frozen=True, kw_only=True):
    """What should run."""

    containers: tuple[Container, ...] = ()
    init_containers: tuple[Container, ...] = ()
    volumes: tuple[Volume, ...] = ()
    restart_policy: RestartPolicy = RestartPolicy.ALWAYS
    termination_grace_period_seconds: int = 30
    active_deadline_seconds: int | None = None
    node_name: str = ""
    hostname: str = ""
    service_account_name: str = ""
    image_pull_secrets: tuple[LocalRef, ...] = ()
    security_context: SecurityContext = SecurityContext()
    host_network: bool = False
    host_pid: bool = msgspec.field(default=False, name="hostPID")
    host_ipc: bool = msgspec.field(default=False, name="hostIPC")
    host_users: bool = True
    share_process_namespace: bool = False


class Pod(_Word, frozen=True, kw_only=True):
    """A pod, with its status as the API's JSON."""

    metadata: Metadata
    spec: PodSpec
    status: dict[str, Any] = {}

    @classmethod
    def parse(cls, thing: Mapping[str, Any]) -> Pod:
        """Read a pod's JSON; raises `InvalidPod`."""
        try:
            return msgspec.convert(_without_nulls(thing), cls)
        except msgspec.ValidationError as error:
            raise InvalidPod(str(error)) from error

    @property
    def full_name(self) -> str:
        """As the kubelet's messages call it: `web-x_demo(uid)`."""
        return f"{self.metadata.name}_{self.metadata.namespace}({self.metadata.uid})"

    def field_path(self, container: str) -> str:
        """How events name one of its containers."""
        is_init = any(one.name == container for one in self.spec.init_containers)
        return f"spec.{'initContainers' if is_init else 'containers'}{{{container}}}"


def _without_nulls(value: Any) -> Any:
    """In the API's JSON null means that a field is absent."""
    if isinstance(value, dict):
        return {key: _without_nulls(part) for key, part in value.items() if part is not None}
    if isinstance(value, list):
        return [_without_nulls(part) for part in value]
    return value
