"""Who may do what in an instance: rules without I/O.

The first component of a repository's name is its namespace. Rights are given per namespace, or for
every namespace, those made later too. What a token is granted is the intersection of what was asked
and what the asker may do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from towline.oci.scope import Scope
from towline.resource.credential import EVERY_NAMESPACE, Permission
from towline.resource.instance import Namespace

PULL, PUSH, DELETE = "pull", "push", "delete"
REPOSITORY = "repository"
CATALOG = Scope("registry", "catalog", frozenset({"*"}))

_EVERYTHING = frozenset({PULL, PUSH, DELETE})
_NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Identity:
    """The owner of a credential that is valid now."""

    username: str
    credential_id: str
    permissions: tuple[Permission, ...] | None
    """None: everything in the instance."""

    def actions(self, namespace: str) -> frozenset[str]:
        """What this credential allows in a namespace, whether it exists or not."""
        if self.permissions is None:
            return _EVERYTHING
        names = (namespace, EVERY_NAMESPACE) if namespace else ()
        allowed = (one.actions for one in self.permissions if one.namespace in names)
        return frozenset(action for actions in allowed for action in actions)


def namespace_of(repository: str) -> str:
    """The namespace of a repository; empty for a name of one component, which has none."""
    namespace, slash, _ = repository.partition("/")
    return namespace if slash else ""


def actions_in(namespace: Namespace | None, name: str, identity: Identity | None) -> frozenset[str]:
    """What somebody may do in the repositories of a namespace.

    In a namespace that does not exist, those who could push may try to: they are told what is
    wrong. Nobody else can tell it from one that they have no right in.
    """
    own = identity.actions(name) if identity else _NOTHING
    if namespace is None:
        return own & {PUSH}
    return own | {PULL} if namespace.public else own


def grant(
    wanted: Iterable[Scope],
    identity: Identity | None,
    namespace: Callable[[str], Namespace | None],
) -> tuple[Scope, ...]:
    """The part of the wanted scopes that somebody gets; resources without any action are left
    out.
    """
    granted = (_grant(scope, identity, namespace) for scope in wanted)
    return tuple(scope for scope in granted if scope.actions)


def _grant(
    scope: Scope, identity: Identity | None, namespace: Callable[[str], Namespace | None]
) -> Scope:
    if scope.type == REPOSITORY:
        name = namespace_of(scope.name)
        return scope.intersect(actions_in(namespace(name), name, identity))
    if (scope.type, scope.name) == (CATALOG.type, CATALOG.name) and identity is not None:
        return scope.intersect(CATALOG.actions)
    return scope.intersect(())
