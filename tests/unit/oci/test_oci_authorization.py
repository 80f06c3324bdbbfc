"""Challenges, scopes and error codes: the words of a registry's refusals."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towline.oci.challenge import Challenge, parse_challenges
from towline.oci.error_code import ErrorCode, error_body, read_errors
from towline.oci.scope import Scope, parse_scopes, repository_scope

WORDS = st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True)
ACTIONS = st.frozensets(st.sampled_from(["pull", "push", "delete", "*"]))


def test_a_scope_with_a_comma_stays_one_parameter() -> None:
    """The daily case: quoted commas."""
    header = 'Bearer realm="https://h/token",service="h",scope="repository:a/b:pull,push"'

    (challenge,) = parse_challenges([header])

    assert challenge.scheme == "bearer"
    assert challenge.parameters["scope"] == "repository:a/b:pull,push"
    assert parse_challenges([str(challenge)]) == (challenge,)


def test_one_header_may_offer_two_ways() -> None:
    """Commas separate challenges as well as parameters."""
    found = parse_challenges(['Negotiate, Basic realm="a, b", Bearer realm=x , service="y"'])

    assert [challenge.scheme for challenge in found] == ["negotiate", "basic", "bearer"]
    assert found[1].parameters == {"realm": "a, b"}
    assert found[2].parameters == {"realm": "x", "service": "y"}


@given(
    schemes=st.lists(
        st.tuples(WORDS, st.dictionaries(WORDS, st.text(st.characters(codec="latin-1"))).map(dict)),
        max_size=3,
    )
)
def test_challenges_are_read_back_as_they_were_printed(
    schemes: list[tuple[str, dict[str, str]]],
) -> None:
    """Quotes and backslashes in values survive, whatever they are."""
    wanted = tuple(
        Challenge(scheme, {k: v.replace("\n", "").replace("\r", "") for k, v in values.items()})
        for scheme, values in schemes
        if values
    )

    found = parse_challenges([", ".join(map(str, wanted))])

    assert [(c.scheme, dict(c.parameters)) for c in found] == [
        (c.scheme, dict(c.parameters)) for c in wanted
    ]


@given(st.text(max_size=60))
def test_no_header_crashes_the_reader(header: str) -> None:
    """A server may send anything."""
    assert isinstance(parse_challenges([header]), tuple)


@given(name=WORDS, granted=ACTIONS, asked=ACTIONS)
def test_an_intersection_allows_no_more_than_either_side(
    name: str, granted: frozenset[str], asked: frozenset[str]
) -> None:
    """A token never says more than both the client asked and the user may."""
    both = Scope("repository", name, asked).intersect(granted)

    for action in ("pull", "push", "delete"):
        permitted = bool(granted & {action, "*"}) and bool(asked & {action, "*"})
        assert both.allows("repository", name, action) == permitted


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("repository:a/b:pull", repository_scope("a/b", "pull")),
        ("repository:h:5000/a:pull,push", repository_scope("h:5000/a", "pull", "push")),
        ("repository(plugin):a:pull", repository_scope("a", "pull")),
        ("repository:a:", repository_scope("a")),
        ("registry:catalog:*", Scope("registry", "catalog", frozenset("*"))),
        ("repository:a", None),
        ("", None),
        ("::", None),
    ],
)
def test_a_scope_is_read_with_all_its_oddities(text: str, scope: Scope | None) -> None:
    """A host's colon, a class in brackets, no action at all."""
    assert Scope.parse(text) == scope


def test_the_same_resource_asked_twice_is_one_scope() -> None:
    """Clients repeat the parameter or put several in one."""
    scopes = parse_scopes(["repository:a:pull repository:b:pull", "repository:a:push", "junk"])

    assert set(scopes) == {repository_scope("a", "pull", "push"), repository_scope("b", "pull")}


def test_an_error_is_read_back_from_the_body_that_it_made() -> None:
    """The registry and the client share one table."""
    (entry,) = read_errors(error_body(ErrorCode.DENIED, "not on the list", {"address": "1.2.3.4"}))

    assert (entry.code, entry.message) == ("DENIED", "not on the list")
    assert read_errors(b"<html>") == ()
    assert json.loads(error_body(ErrorCode.BLOB_UNKNOWN))["errors"][0]["message"]


def test_no_two_error_codes_are_the_same_member() -> None:
    """An enum folds equal values into one: every meaning must differ."""
    assert all(name == code.name for name, code in ErrorCode.__members__.items())
