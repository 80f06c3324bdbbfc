"""Who may do what: a fixed table, since there is no RBAC API yet.

Administrators (`system:masters`) may do everything, the controllers everything with what is served, the
virtual nodes what a kubelet needs. Everybody who is known may ask what is served and who they are, and
everybody at all may ask whether the server lives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from towline.cluster.api.address import Address
from towline.cluster.api.authentication import groups_of
from towline.cluster.api.settings import MASTERS, User
from towline.kube.refusal import Refusal

NODES_GROUP = "system:nodes"
CONTROLLERS = "system:kube-controller-manager"
EVERY = "*"
_READ = ("get", "list", "watch")
_WRITE = ("create", "update", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Rule:
    """Verbs that are allowed on resources of some groups, or on documents."""

    verbs: tuple[str, ...]
    groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()

    def allows(self, asked: Question) -> bool:
        """Whether the rule covers it."""
        if asked.path:
            return asked.verb in self.verbs and any(_covers(one, asked.path) for one in self.paths)
        return all(
            EVERY in allowed or wanted in allowed
            for allowed, wanted in (
                (self.verbs, asked.verb),
                (self.groups, asked.group),
                (self.resources, asked.resource),
            )
        )


@dataclass(frozen=True, slots=True)
class Question:
    """May somebody do this? `path` is set for documents, the rest for resources."""

    verb: str
    group: str = ""
    resource: str = ""
    """The plural, with the subresource: `pods/log`."""
    namespace: str = ""
    name: str = ""
    path: str = ""

    @classmethod
    def about(cls, verb: str, address: Address) -> Question:
        """What a request asks to do."""
        below = f"/{address.subresource}" if address.subresource else ""
        resource = address.resource
        named = f"{resource.plural}{below}"
        return cls(verb, resource.group, named, address.namespace, address.name)


_ALIVE = Rule(("get",), paths=("/healthz", "/livez", "/readyz", "/version"))
_DOCUMENTS = Rule(
    ("get",), paths=("/", "/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*")
)
_SELF = (
    Rule(("create",), ("authentication.k8s.io",), ("selfsubjectreviews",)),
    Rule(
        ("create",),
        ("authorization.k8s.io",),
        ("selfsubjectaccessreviews", "selfsubjectrulesreviews"),
    ),
)
_RULES: Mapping[str, tuple[Rule, ...]] = {
    MASTERS: (
        Rule((EVERY,), (EVERY,), (EVERY,)),
        Rule(("get", "post", "put", "delete"), paths=("/*",)),
    ),
    CONTROLLERS: (Rule((EVERY,), (EVERY,), (EVERY,)),),
    NODES_GROUP: (
        Rule(_READ, ("",), ("configmaps", "namespaces", "secrets", "serviceaccounts", "services")),
        Rule(_READ, ("apps",), ("deployments", "replicasets")),
        Rule((*_READ, "delete"), ("",), ("pods",)),
        Rule((*_READ, *_WRITE), ("",), ("nodes",)),
        Rule(("patch", "update"), ("",), ("nodes/status", "pods/status")),
        Rule(("create", "patch", "update"), ("",), ("events",)),
        Rule(("create",), ("",), ("pods/eviction", "serviceaccounts/token")),
        Rule((*_READ, *_WRITE), ("coordination.k8s.io",), ("leases",)),
        Rule(("create",), ("authentication.k8s.io",), ("tokenreviews",)),
    ),
    "system:authenticated": (_ALIVE, _DOCUMENTS, *_SELF),
    "system:unauthenticated": (_ALIVE,),
}


def rules_of(user: User) -> tuple[Rule, ...]:
    """Everything that a user may do."""
    who = (user.name, *groups_of(user))
    return tuple(rule for one in who for rule in _RULES.get(one, ()))


def may(user: User, asked: Question) -> bool:
    """Whether a user may do something."""
    return any(rule.allows(asked) for rule in rules_of(user))


def check(user: User, asked: Question) -> None:
    """Raise the 403 refusal, in Kubernetes' words, unless the user may do it."""
    if may(user, asked):
        return
    if asked.path:
        because = f'User "{user.name}" cannot {asked.verb} path "{asked.path}"'
        raise Refusal(403, "Forbidden", f"forbidden: {because}", {})
    because = (
        f'User "{user.name}" cannot {asked.verb} resource "{asked.resource}" '
        f'in API group "{asked.group}" {_where(asked)}'
    )
    plural = asked.resource.partition("/")[0]
    about = f"{plural}.{asked.group}" if asked.group else plural
    if asked.name:
        about = f'{about} "{asked.name}"'
    raise Refusal(403, "Forbidden", f"{about} is forbidden: {because}", _details(asked, plural))


def _where(asked: Question) -> str:
    return f'in the namespace "{asked.namespace}"' if asked.namespace else "at the cluster scope"


def _details(asked: Question, plural: str) -> dict[str, Any]:
    named = {"name": asked.name} if asked.name else {}
    group = {"group": asked.group} if asked.group else {}
    return {**named, **group, "kind": plural}


def _covers(allowed: str, path: str) -> bool:
    return path.startswith(allowed[:-1]) if allowed.endswith("*") else path.rstrip("/") == allowed
