"""Policies of temporary credentials: what is not allowed is forbidden, and a denial always wins."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from tests.clouds import refused

from towline.cloud.policy import EVERYTHING, read_policy


def document(*statements: tuple[str, list[str]], resource: object = "*") -> str:
    """A policy document."""
    written = [
        {"effect": effect, "action": actions, "resource": resource}
        for effect, actions in statements
    ]
    return json.dumps({"version": "2.0", "statement": written})


def test_a_key_itself_may_do_everything() -> None:
    """Its policy is the star."""
    assert EVERYTHING.permits("vpc", "DeleteVpc")


@pytest.mark.parametrize(
    "pattern", ["*", "vpc:*", "name/vpc:*", "vpc:Describe*", "vpc:DescribeVpcs", "vpc:describevpcs"]
)
def test_a_pattern_names_actions(pattern: str) -> None:
    """With stars, with or without the prefix, in any case."""
    policy = read_policy(document(("allow", [pattern])))

    assert policy.permits("vpc", "DescribeVpcs")


def test_what_no_statement_allows_is_forbidden() -> None:
    """Also in a product whose name only begins alike."""
    policy = read_policy(document(("allow", ["vpc:Describe*"])))

    assert not policy.permits("vpc", "CreateVpc")
    assert not policy.permits("tcr", "DescribeInstances")


def test_a_denial_wins_wherever_it_stands() -> None:
    """Before or after what allows."""
    statements = [("allow", ["*"]), ("deny", ["vpc:Delete*"])]
    for order in (statements, statements[::-1]):
        policy = read_policy(document(*order))

        assert policy.permits("vpc", "CreateVpc")
        assert not policy.permits("vpc", "DeleteVpc")


def test_a_policy_may_come_url_encoded_and_capitalized() -> None:
    """As the SDK's examples have it."""
    text = '{"Version":"2.0","Statement":{"Effect":"allow","Action":"vpc:*","Resource":["*"]}}'

    assert read_policy(quote(text)).permits("vpc", "CreateVpc")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("", "InvalidParameter.StrategyFormatError", id="empty"),
        pytest.param("[]", "InvalidParameter.StrategyFormatError", id="no-object"),
        pytest.param(
            document(("allow", ["vpc:*"])).replace("2.0", "1.0"),
            "InvalidParameter.StrategyFormatError",
            id="version",
        ),
        pytest.param(
            document(("allow", ["*"])).replace('"action"', '"condition": {}, "action"'),
            "InvalidParameter.StrategyFormatError",
            id="condition",
        ),
        pytest.param(
            document(("allow", ["*"]), resource="qcs::vpc:::vpc/vpc-1"),
            "InvalidParameter.ResouceError",
            id="resource",
        ),
        pytest.param(
            document(("allow", ["vpc"])), "InvalidParameter.StrategyInvalid", id="no-action"
        ),
    ],
)
def test_what_cannot_be_kept_exactly_is_refused(text: str, code: str) -> None:
    """Rather than read as wider than it was meant."""
    with refused(code):
        read_policy(text)
