"""What the control plane knows of a pull: the pod, its way to the registry, and its right to the image.

An error text tells what one machine saw. Towline owns the registry, the network and the pod, so much
of what a person would have to guess stands in its records. These are those facts, and nothing else:
who gathers them reads records and Secrets, who judges them is a rule.

Everything that nobody looked up is unknown, and says so: a rule may not conclude from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from towline.kube.annotations import RESOLV_CONF
from towline.network.trace_hop import Trace
from towline.network.trace_name import Resolution


@dataclass(frozen=True, slots=True, kw_only=True)
class PullSecret:
    """A Secret that a pod names for its pulls; passwords never come in here."""

    name: str
    exists: bool = True
    """In the pod's namespace."""
    elsewhere: tuple[str, ...] = ()
    """Other namespaces that have a Secret of this name."""
    type: str = ""
    hosts: tuple[str, ...] = ()
    """The registry keys that it opens, as they are written in it."""
    trouble: str = ""
    """Why it cannot be read, in the kubelet's words; empty when it can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodSeen:
    """A pod, as far as its pulls depend on it."""

    namespace: str
    name: str
    owner: str = ""
    """Whose template made it: `deployment/web`; empty for a pod that somebody made by hand."""
    image: str = ""
    """The one that is asked about."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    workload_annotations: Mapping[str, str] = field(default_factory=dict)
    """Those of the owner itself, where they do nothing."""
    pull_secrets: tuple[PullSecret, ...] = ()
    ip: str = ""
    vpc_id: str = ""
    subnet_id: str = ""
    node: str = ""
    platform: str = ""
    """`os/architecture` of the machine that it runs on."""

    @property
    def path(self) -> str:
        """As `kubectl -n` and people write it."""
        return f"{self.namespace}/{self.name}"

    @property
    def patched(self) -> str:
        """The object in whose manifest a remedy belongs: the owner, or the pod itself."""
        return self.owner or f"pod/{self.name}"

    @property
    def resolv_conf(self) -> str:
        """What the pod's own resolv.conf is overridden with; empty when it is not."""
        return self.annotations.get(RESOLV_CONF, "")


class Known(StrEnum):
    """Whether something is there."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"

    @classmethod
    def of(cls, known: bool) -> Known:  # noqa: FBT001  # the one thing it is about
        """What somebody has looked up."""
        return cls.YES if known else cls.NO


class CredentialState(StrEnum):
    """What the credential of a pull is worth, by the registry's own records."""

    UNKNOWN = "unknown"
    """Nobody looked, or the registry is not ours."""
    NONE = "none"
    """The pod has none at all."""
    MISSING_SECRET = "missing-secret"  # noqa: S105  # a state
    """The pod names a Secret that its namespace does not have."""
    UNREADABLE = "unreadable"
    """The Secret is there and is no pull Secret, or a broken one."""
    OTHER_HOST = "other-host"
    """Its Secrets are for other registries."""
    WRONG_USER = "wrong-user"
    """No credential of the instance has this user name."""
    WRONG_PASSWORD = "wrong-password"  # noqa: S105  # a state
    """The user is known, the password is another's or an old one."""
    DISABLED = "disabled"
    EXPIRED = "expired"
    OTHER_NAMESPACE = "other-namespace"
    """A good one, that may not pull from the image's namespace."""
    OK = "ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialSeen:
    """The credential that a pull is made with."""

    state: CredentialState = CredentialState.UNKNOWN
    secret: str = ""
    """The Secret that it comes from."""
    username: str = ""
    id: str = ""
    """The token's or service account's, in the words of the cloud's API."""
    service_account: bool = False
    expired_at: str = ""
    """When it expired, in ISO 8601."""
    namespaces: tuple[str, ...] = ()
    """From which namespaces of the registry it may pull; `*` is all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceSeen:
    """The registry instance of ours that an image's host is a name of."""

    id: str
    name: str
    domain: str
    """`<name>.<suffix>`."""
    vpc_domain: str = ""
    """`<name>-vpc.<suffix>`."""
    public_address: str = ""
    endpoint_open: bool = False
    allowlist: tuple[str, ...] = ()
    loopback_port: int = 0
    """The port of its door on the machine that it is served from; 0 when it has none yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSeen:
    """A link of that instance."""

    vpc_id: str
    status: str
    """`Creating`, `Running` or `Deleting`."""
    access_ip: str = ""
    resolves: bool = False
    """Whether the image's host resolves to the access address in the VPC: name resolution is on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WayOut:
    """How machines of the pod's subnet come to the internet, by the records."""

    route_table_id: str = ""
    route: str = ""
    """The route that fits the destination: `0.0.0.0/0 → nat-…`; empty when none does."""
    nat_gateway_ids: tuple[str, ...] = ()
    """The gateways of the VPC."""
    public_ips: tuple[str, ...] = ()
    """The addresses with which the pod's packets arrive in the internet."""
    own_ip: str = ""
    """The pod's own elastic IP among them."""
    security_groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane:
    """The control plane's facts about one image, and about one pod's way to it."""

    host: str = ""
    """The image's registry, without the port."""
    instance: InstanceSeen | None = None
    """None when the host is no registry of ours."""
    near_instances: tuple[str, ...] = ()
    """Domains of ours that the host resembles, nearest first: where it was mistyped."""
    links: tuple[LinkSeen, ...] = ()
    """Every link of the instance, whatever the VPC."""
    resolution: Resolution | None = None
    """What the host means in the pod's VPC; None for an address, and when nobody looked."""
    address: str = ""
    """The address that the pull goes to; empty when the host has none."""
    port: int = 443
    trace: Trace | None = None
    """The way of a packet from the pod to that address; None when nobody looked."""
    way_out: WayOut | None = None
    vpc_id: str = ""
    subnet_id: str = ""
    registry_namespace: str = ""
    """The part of the image's path that is a namespace of the instance."""
    namespace_exists: Known = Known.UNKNOWN
    namespace_is_public: Known = Known.UNKNOWN
    near_namespaces: tuple[str, ...] = ()
    """Namespaces of the instance that resemble one that does not exist, nearest first."""
    repository: str = ""
    """The image's path within the instance."""
    repository_exists: Known = Known.UNKNOWN
    tag_exists: Known = Known.UNKNOWN
    near_tags: tuple[str, ...] = ()
    """Tags of the repository that resemble the one that is asked for, nearest first."""
    near_repositories: tuple[str, ...] = ()
    credential: CredentialSeen = CredentialSeen()

    @property
    def link(self) -> LinkSeen | None:
        """The link of the pod's VPC."""
        return next((one for one in self.links if one.vpc_id == self.vpc_id), None)
