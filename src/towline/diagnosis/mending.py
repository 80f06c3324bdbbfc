"""What can be changed to mend a pull: the closed set of changes, each in words.

A mending is a plan and nothing else. It names objects; who carries it out knows how each kind of
change is made, and unmade when a later one fails.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Widening(StrEnum):
    """What trusts more than before, and is done only where somebody says so: by this flag."""

    HTTP = "--allow-http"
    """Speak plain HTTP to a registry."""
    INSECURE = "--allow-insecure"
    """Believe a registry's certificate though something is wrong with it."""
    ANY_ADDRESS = "--allow-any-address"
    """Let the whole internet come to a registry's public endpoint."""


@dataclass(frozen=True, slots=True)
class CreateLink:
    """Link a VPC to a registry."""

    instance: str
    vpc_id: str
    subnet_id: str

    def __str__(self) -> str:
        return (
            f"create a link from {self.vpc_id} to the registry {self.instance} in {self.subnet_id}"
        )


class Domain(StrEnum):
    """Which of an instance's two names."""

    DEFAULT = "default"
    VPC = "vpc"


@dataclass(frozen=True, slots=True)
class ResolveOn:
    """Let a registry's name lead to its link."""

    instance: str
    vpc_id: str
    domain: Domain
    name: str

    def __str__(self) -> str:
        return f"let {self.name} resolve to the link's address in {self.vpc_id}"


@dataclass(frozen=True, slots=True)
class OpenEndpoint:
    """Open a registry's public endpoint, to nobody yet."""

    instance: str

    def __str__(self) -> str:
        return f"open the public endpoint of the registry {self.instance}"


@dataclass(frozen=True, slots=True)
class AllowAddress:
    """Put an address on the allowlist of a public endpoint."""

    instance: str
    cidr: str

    def __str__(self) -> str:
        return f"put {self.cidr} on the allowlist of the registry {self.instance}"


@dataclass(frozen=True, slots=True)
class MakeEgress:
    """Give a subnet what is missing of a way out; where an instance is named, let it in there too."""

    subnet_id: str
    instance: str = ""

    def __str__(self) -> str:
        into = f", and into the registry {self.instance}" if self.instance else ""
        return f"give {self.subnet_id} what is missing of its way out{into}"


@dataclass(frozen=True, slots=True)
class LetOut:
    """Let a security group's members connect to one address and port."""

    group_id: str
    address: str
    port: int

    def __str__(self) -> str:
        return f"accept TCP to {self.address} port {self.port} first among the egress rules of {self.group_id}"


@dataclass(frozen=True, slots=True)
class WriteCredential:
    """Make an account that may pull from one namespace of a registry, and put it into a pull Secret."""

    instance: str
    registry_namespace: str
    namespace: str
    secret: str
    """Written anew, or given one more host."""
    servers: tuple[str, ...]
    """The registry's names."""

    def __str__(self) -> str:
        return (
            f"put a new credential for {self.servers[0]} (pull from {self.registry_namespace} only) "
            f"into the Secret {self.namespace}/{self.secret}"
        )


@dataclass(frozen=True, slots=True)
class GrantPull:
    """Let an account pull from one namespace more."""

    instance: str
    account: str
    registry_namespace: str

    def __str__(self) -> str:
        return f"let {self.account} pull from {self.registry_namespace} of the registry {self.instance}"


@dataclass(frozen=True, slots=True)
class AttachSecret:
    """Let pods of a workload pull with a Secret."""

    namespace: str
    owner: str
    """`deployment/web`, or `pod/web`."""
    secret: str

    def __str__(self) -> str:
        return f"add the Secret {self.secret} to the imagePullSecrets of {self.owner}"


@dataclass(frozen=True, slots=True)
class Annotate:
    """Give the pods of a workload an annotation, or take it from them."""

    namespace: str
    owner: str
    key: str
    value: str | None
    """None to take it away."""

    def __str__(self) -> str:
        where = "" if self.owner.startswith("pod/") else "the pod template of "
        if self.value is None:
            return f"remove the annotation {self.key} from {where}{self.owner}"
        return f"annotate {where}{self.owner}: {self.key}={self.value}"


@dataclass(frozen=True, slots=True)
class SetImage:
    """Let a workload pull another image instead."""

    namespace: str
    owner: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"change the image of {self.owner} from {self.before} to {self.after}"


CloudChange = CreateLink | ResolveOn | OpenEndpoint | AllowAddress | MakeEgress | LetOut | GrantPull
"""Made in the cloud; the pods stay as they are."""

TemplateChange = AttachSecret | Annotate | SetImage
"""Made in the manifest that pods are made from."""

Change = CloudChange | WriteCredential | TemplateChange

FOR_NEW_PODS = (AttachSecret, Annotate)
"""What a pod reads only when it is made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mending:
    """What would mend a pull."""

    changes: tuple[Change, ...]
    """In the order in which they are made."""
    needs: frozenset[Widening] = field(default_factory=frozenset)
    """What has still to be allowed before any of it may be done."""

    @property
    def replaces_pods(self) -> bool:
        """Whether only pods that are made afterwards profit."""
        return any(isinstance(change, FOR_NEW_PODS) for change in self.changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What whoever asks for a mending has said beforehand."""

    allowed: frozenset[Widening] = field(default_factory=frozenset)
    tag: str = ""
    """Which tag to take instead of one that does not exist."""

    def mending(self, *changes: Change, needs: Widening | None = None) -> Mending:
        """A mending that needs this, unless it is allowed already."""
        lacking = frozenset({needs} if needs is not None else ()) - self.allowed
        return Mending(changes=changes, needs=lacking)
