"""Parameters are read strictly: what is missing, unknown or of the wrong type is named."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clouds import refused

from towline.cloud.action import Parameters
from towline.cloud.page import Filter, numbered_page, part
from towline.cloud.parse import convert, parameters_of_body, parameters_of_query
from towline.cloud.refusal import Refusal


class Asked(Parameters, frozen=True, kw_only=True):
    """Parameters of every sort."""

    name: str
    limit: int = 20
    all: bool = False
    filters: tuple[Filter, ...] = ()


def test_a_body_becomes_what_the_action_wants() -> None:
    """Null counts as not given, as the SDK means it."""
    given = parameters_of_body(b'{"Name":"a","Limit":null,"Filters":[{"Name":"f","Values":["v"]}]}')

    assert convert(given, Asked, strict=True) == Asked(
        name="a", filters=(Filter(name="f", values=("v",)),)
    )


def test_a_query_becomes_the_same() -> None:
    """Flattened, and everything text."""
    given = parameters_of_query("Name=a&Limit=5&All=True&Filters.0.Name=f&Filters.0.Values.0=v")

    assert convert(given, Asked, strict=False) == Asked(
        name="a", limit=5, all=True, filters=(Filter(name="f", values=("v",)),)
    )


@pytest.mark.parametrize(
    ("given", "code", "word"),
    [
        pytest.param({}, "MissingParameter", "`Name`", id="missing"),
        pytest.param({"Name": None}, "MissingParameter", "`Name`", id="null"),
        pytest.param({"Name": "a", "Nmae": 1}, "UnknownParameter", "`Nmae`", id="unknown"),
        pytest.param({"Name": 1}, "InvalidParameter", "Name", id="type"),
        pytest.param({"Name": "a", "Limit": "5"}, "InvalidParameter", "Limit", id="text-number"),
        pytest.param({"Name": "a", "Filters": [{}]}, "InvalidParameter", "Filters", id="inner"),
    ],
)
def test_a_mistake_is_named(given: dict[str, Any], code: str, word: str) -> None:
    """Code and parameter."""
    with pytest.raises(Refusal) as refusal:
        convert(given, Asked, strict=True)

    assert refusal.value.code == code
    assert word in refusal.value.message


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"x"', b"\xff"])
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    """Not crashed on."""
    with refused("InvalidParameter"):
        parameters_of_body(body)


@given(st.text(alphabet="ab.=&01%", max_size=30))
def test_no_query_makes_the_parser_fail(query: str) -> None:
    """It is read or refused."""
    try:
        parameters_of_query(query)
    except Refusal as refusal:
        assert refusal.code == "InvalidParameter"


def test_lists_are_given_in_parts() -> None:
    """By offset, or by page where the API says so; numbers may be text."""
    assert part("abcde", "1", "2") == ("b", "c")
    assert part("abcde", 4, 200) == ("e",)
    assert numbered_page("abcde", 0, 2) == ("a", "b")
    assert numbered_page("abcde", 1, 2) == ("a", "b")
    assert numbered_page("abcde", 3, 2) == ("e",)


@pytest.mark.parametrize(("offset", "limit"), [("x", 1), (-1, 1), (0, 201), (0, "-2")])
def test_numbers_out_of_range_are_refused(offset: int | str, limit: int | str) -> None:
    """Instead of being bent."""
    with refused("InvalidParameterValue"):
        part("abc", offset, limit)
