"""What a token allows: `type:name:action[,action]`, as distribution's token specification writes
it.

The name may contain a colon (a host with a port), the type may carry a class in brackets that
nobody reads, and `repository:x:` with no action is legal.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    """Actions on one resource."""

    type: str
    name: str
    actions: frozenset[str]

    @classmethod
    def parse(cls, text: str) -> Scope | None:
        """Read one scope; None when it is not one (a server ignores what it does not
        understand).
        """
        kind, first, rest = text.strip().partition(":")
        name, second, actions = rest.rpartition(":")
        kind = kind.partition("(")[0]
        if not (first and second and kind and name):
            return None
        return cls(kind, name, frozenset(filter(None, actions.split(","))))

    def intersect(self, actions: Iterable[str]) -> Scope:
        """The same resource with those actions that are in both; `*` stands for all of the other
        side.
        """
        others = frozenset(actions)
        if "*" in others:
            both = self.actions
        elif "*" in self.actions:
            both = others
        else:
            both = self.actions & others
        return Scope(self.type, self.name, both)

    def allows(self, type_: str, name: str, action: str) -> bool:
        """Whether this scope permits the action on that resource."""
        same = (self.type, self.name) == (type_, name)
        return same and bool(self.actions & {action, "*"})

    def __str__(self) -> str:
        return f"{self.type}:{self.name}:{','.join(sorted(self.actions))}"


def repository_scope(name: str, *actions: str) -> Scope:
    """The scope of a repository."""
    return Scope("repository", name, frozenset(actions))


def parse_scopes(texts: Iterable[str]) -> tuple[Scope, ...]:
    """Read repeated and space-separated scopes; the same resource named twice becomes one."""
    merged = dict[tuple[str, str], frozenset[str]]()
    for text in texts:
        for word in text.split():
            scope = Scope.parse(word)
            if scope is not None:
                key = (scope.type, scope.name)
                merged[key] = merged.get(key, frozenset()) | scope.actions
    return tuple(Scope(kind, name, actions) for (kind, name), actions in merged.items())
