"""The kinds that the API serves, and under which names. Discovery, paths and Status messages follow from it."""

from __future__ import annotations

from dataclasses import dataclass

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
READ_VERBS = ("get", "list", "watch")
_CORE, _APPS = "io.k8s.api.core.v1.", "io.k8s.api.apps.v1."
_STATUS_VERBS = ("get", "patch", "update")


@dataclass(frozen=True, slots=True)
class Subresource:
    """A path below an object; `kind` may be of another group (a Scale, an Eviction)."""

    name: str
    kind: str
    verbs: tuple[str, ...]
    group: str = ""
    version: str = ""
    schema: str = ""
    """The schema of what is posted there; empty for the resource's own."""


@dataclass(frozen=True, slots=True)
class ResourceType:
    """One served resource."""

    group: str
    version: str
    plural: str
    kind: str
    schema: str
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ALL_VERBS
    subresources: tuple[Subresource, ...] = ()

    @property
    def api_version(self) -> str:
        """What objects say of themselves: `v1`, `apps/v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def singular(self) -> str:
        """The name that kubectl accepts for one."""
        return self.kind.lower()

    @property
    def qualified(self) -> str:
        """The plural as messages name it: `pods`, `deployments.apps`. Also the key in the store."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def qualified_kind(self) -> str:
        """The kind as messages name it: `Pod`, `Deployment.apps`."""
        return f"{self.kind}.{self.group}" if self.group else self.kind

    def subresource(self, name: str) -> Subresource | None:
        """The subresource of that name, if there is one."""
        return next((one for one in self.subresources if one.name == name), None)


def _status(kind: str) -> Subresource:
    return Subresource("status", kind, _STATUS_VERBS)


_SCALE = Subresource(
    "scale", "Scale", _STATUS_VERBS, "autoscaling", "v1", "io.k8s.api.autoscaling.v1.Scale"
)
_EVICTION = Subresource(
    "eviction", "Eviction", ("create",), "policy", "v1", "io.k8s.api.policy.v1.Eviction"
)
_TOKEN = Subresource(
    "token",
    "TokenRequest",
    ("create",),
    "authentication.k8s.io",
    "v1",
    "io.k8s.api.authentication.v1.TokenRequest",
)
_BINDING = Subresource("binding", "Binding", ("create",), schema=f"{_CORE}Binding")

NAMESPACES = ResourceType(
    "",
    "v1",
    "namespaces",
    "Namespace",
    f"{_CORE}Namespace",
    namespaced=False,
    short_names=("ns",),
    verbs=tuple(verb for verb in ALL_VERBS if verb != "deletecollection"),
    subresources=(_status("Namespace"), Subresource("finalize", "Namespace", ("update", "patch"))),
)
PODS = ResourceType(
    "",
    "v1",
    "pods",
    "Pod",
    f"{_CORE}Pod",
    short_names=("po",),
    categories=("all",),
    subresources=(_status("Pod"), Subresource("log", "Pod", ("get",)), _BINDING, _EVICTION),
)
SECRETS = ResourceType("", "v1", "secrets", "Secret", f"{_CORE}Secret")
CONFIG_MAPS = ResourceType(
    "", "v1", "configmaps", "ConfigMap", f"{_CORE}ConfigMap", short_names=("cm",)
)
SERVICE_ACCOUNTS = ResourceType(
    "",
    "v1",
    "serviceaccounts",
    "ServiceAccount",
    f"{_CORE}ServiceAccount",
    short_names=("sa",),
    subresources=(_TOKEN,),
)
EVENTS = ResourceType("", "v1", "events", "Event", f"{_CORE}Event", short_names=("ev",))
NODES = ResourceType(
    "",
    "v1",
    "nodes",
    "Node",
    f"{_CORE}Node",
    namespaced=False,
    short_names=("no",),
    subresources=(_status("Node"), Subresource("proxy", "NodeProxyOptions", ("get",))),
)
SERVICES = ResourceType(
    "",
    "v1",
    "services",
    "Service",
    f"{_CORE}Service",
    short_names=("svc",),
    categories=("all",),
    verbs=READ_VERBS,
)
"""Not offered yet: readable, so that `cluster-info` and `get all` work, and always empty."""
LEASES = ResourceType(
    "coordination.k8s.io", "v1", "leases", "Lease", "io.k8s.api.coordination.v1.Lease"
)
DEPLOYMENTS = ResourceType(
    "apps",
    "v1",
    "deployments",
    "Deployment",
    f"{_APPS}Deployment",
    short_names=("deploy",),
    categories=("all",),
    subresources=(_status("Deployment"), _SCALE),
)
REPLICA_SETS = ResourceType(
    "apps",
    "v1",
    "replicasets",
    "ReplicaSet",
    f"{_APPS}ReplicaSet",
    short_names=("rs",),
    categories=("all",),
    subresources=(_status("ReplicaSet"), _SCALE),
)

RESOURCE_TYPES = (
    CONFIG_MAPS,
    EVENTS,
    NAMESPACES,
    NODES,
    PODS,
    SECRETS,
    SERVICE_ACCOUNTS,
    SERVICES,
    DEPLOYMENTS,
    REPLICA_SETS,
    LEASES,
)


def _review(group: str, kind: str) -> ResourceType:
    """A question that is posted and answered at once, and never stored."""
    schema = f"io.k8s.api.{group.partition('.')[0]}.v1.{kind}"
    return ResourceType(
        group, "v1", f"{kind.lower()}s", kind, schema, namespaced=False, verbs=("create",)
    )


SELF_SUBJECT_REVIEWS = _review("authentication.k8s.io", "SelfSubjectReview")
TOKEN_REVIEWS = _review("authentication.k8s.io", "TokenReview")
SELF_SUBJECT_ACCESS_REVIEWS = _review("authorization.k8s.io", "SelfSubjectAccessReview")
SELF_SUBJECT_RULES_REVIEWS = _review("authorization.k8s.io", "SelfSubjectRulesReview")

REVIEWS = (
    SELF_SUBJECT_REVIEWS,
    TOKEN_REVIEWS,
    SELF_SUBJECT_ACCESS_REVIEWS,
    SELF_SUBJECT_RULES_REVIEWS,
)
SERVED = (*RESOURCE_TYPES, *REVIEWS)
"""Everything that has a path: what is stored, and what is only asked."""
_BY_PATH = {(one.group, one.version, one.plural): one for one in SERVED}


def find(group: str, version: str, plural: str) -> ResourceType | None:
    """The resource behind a path, if it is served."""
    return _BY_PATH.get((group, version, plural))
