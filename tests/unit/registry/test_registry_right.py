"""Rights: what a token is granted, compared with a model that goes through every single action."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.registry_role import WHEN

from towline.oci.scope import Scope
from towline.registry.right import Identity, grant, namespace_of
from towline.resource.credential import EVERY_NAMESPACE, Permission
from towline.resource.instance import Namespace

ACTIONS = ("pull", "push", "delete")
NAMES = ("team", "side", "open", "absent")
NAMESPACES = {
    name: Namespace(instance_id="tcr-demo", name=name, public=name == "open", created_at=WHEN)
    for name in NAMES[:3]
}

permissions = st.builds(
    lambda name, actions: Permission(namespace=name, actions=tuple(sorted(actions))),
    st.sampled_from((*NAMES, EVERY_NAMESPACE)),
    st.frozensets(st.sampled_from(ACTIONS)),
)
identities = st.none() | st.builds(
    lambda held: Identity("who", "token", held),
    st.none() | st.lists(permissions, max_size=4).map(tuple),
)
repositories = st.builds(
    lambda name, rest: f"{name}{rest}", st.sampled_from(NAMES), st.sampled_from(("", "/a", "/a/b"))
)
scopes = st.builds(
    Scope,
    st.just("repository"),
    repositories,
    st.frozensets(st.sampled_from((*ACTIONS, "*", "fly")), min_size=1),
)


def may(identity: Identity | None, repository: str, action: str) -> bool:
    """The model: one action of one caller in one repository."""
    first, slash, _ = repository.partition("/")
    namespace = NAMESPACES.get(first) if slash else None
    owns = identity is not None and (
        identity.permissions is None
        or any(
            one.namespace in (first, EVERY_NAMESPACE) and slash and action in one.actions
            for one in identity.permissions
        )
    )
    if namespace is None:
        return owns and action == "push"
    return owns or (namespace.public and action == "pull")


@given(st.lists(scopes, max_size=5), identities)
def test_a_token_holds_exactly_what_was_asked_and_is_allowed(
    wanted: list[Scope], identity: Identity | None
) -> None:
    """Nothing is granted that was not asked for, and nothing that was, and is allowed, is left out."""
    granted = {
        (position, action)
        for position, scope in enumerate(wanted)
        for given_scope in grant([scope], identity, NAMESPACES.get)
        for action in given_scope.actions
    }
    modelled = {
        (position, action)
        for position, scope in enumerate(wanted)
        for action in ACTIONS
        if scope.actions & {action, "*"} and may(identity, scope.name, action)
    }

    assert granted == modelled


def test_a_name_without_a_namespace_is_in_none() -> None:
    """A right in every namespace gives nothing there."""
    everywhere = (Permission(namespace=EVERY_NAMESPACE, actions=("push",)),)
    asked = Scope("repository", "team", frozenset({"push"}))

    assert grant([asked], Identity("who", "token", everywhere), NAMESPACES.get) == ()


@given(st.lists(scopes, max_size=5), identities)
def test_no_scope_is_granted_empty(wanted: list[Scope], identity: Identity | None) -> None:
    """A repository in which nothing is allowed is not in the token at all."""
    assert all(scope.actions for scope in grant(wanted, identity, NAMESPACES.get))


def test_the_catalogue_is_for_those_with_a_login() -> None:
    """What it shows depends on who asks."""
    catalogue = [Scope("registry", "catalog", frozenset({"*"}))]
    somebody = Identity("who", "token", ())

    assert grant(catalogue, somebody, NAMESPACES.get) == tuple(catalogue)
    assert grant(catalogue, None, NAMESPACES.get) == ()


def test_other_types_of_scopes_are_never_granted() -> None:
    """There is nothing here but repositories and the catalogue."""
    strange = [Scope("plugin", "team/a", frozenset({"*"}))]

    assert grant(strange, Identity("who", "token", None), NAMESPACES.get) == ()


def test_a_name_without_a_slash_has_no_namespace() -> None:
    """Otherwise a namespace would be a repository in itself."""
    assert [namespace_of(name) for name in ("team", "team/a", "team/a/b")] == ["", "team", "team"]
