"""Label selectors select what Kubernetes would, and complain in its words."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towline.kube.refusal import Refusal
from towline.kube.selector import LabelSelector, Requirement, from_object, parse_labels

WEB = {"app": "web", "tier": "front", "size": "10", "example.com/team": "a"}
KEYS = st.sampled_from(["app", "tier", "size", "example.com/team", "in", "notin"])
VALUES = st.sampled_from(["web", "front", "10", "a", "in"])
LABELS = st.dictionaries(KEYS, VALUES)
SETS = st.lists(VALUES, min_size=1, max_size=3, unique=True).map(lambda one: tuple(sorted(one)))
REQUIREMENTS = st.one_of(
    st.builds(Requirement, KEYS, st.sampled_from(["In", "NotIn"]), SETS),
    st.builds(Requirement, KEYS, st.sampled_from(["Exists", "DoesNotExist"])),
    st.builds(Requirement, KEYS, st.sampled_from(["Gt", "Lt"]), st.just(("5",))),
)


@pytest.mark.parametrize(
    ("text", "selected"),
    [
        ("", True),
        ("   ", True),
        ("app=web", True),
        ("app==web", True),
        (" app = web , tier = front ", True),
        ("app=web,tier=back", False),
        ("app!=web", False),
        ("missing!=web", True),
        ("app", True),
        ("!app", False),
        ("! missing", True),
        ("app in (web, api)", True),
        ("app in(web)", True),
        ("app notin (web,api)", False),
        ("missing notin (web)", True),
        ("size>9", True),
        ("size < 9", False),
        ("app>9", False),
        ("missing=", False),
        ("example.com/team=a", True),
        ("app in (,web)", True),
    ],
)
def test_a_selector_selects_by_labels(text: str, selected: bool) -> None:
    """Terms are joined by and; an absent label is not equal to anything."""
    assert parse_labels(text).matches(WEB) is selected


def test_an_empty_value_is_a_value() -> None:
    """`key=` asks for the label to be there and empty."""
    assert parse_labels("a=").matches({"a": ""})
    assert parse_labels("a in (,)").matches({"a": ""})
    assert not parse_labels("a=").matches({})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("=web", "found '=', expected: !, identifier, or 'end of string'"),
        ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("a=b c", "found 'c', expected: ',' or 'end of string'"),
        ("a,", "found '', expected: identifier after ','"),
        ("a,,b", "found ',', expected: identifier after ','"),
        ("!", "unable to parse requirement: found '', expected: identifier"),
        ("a=(", "unable to parse requirement: found '(', expected: identifier"),
        ("a in b", "unable to parse requirement: found 'b' expected: '('"),
        ("a in (b", "unable to parse requirement: found '', expected: ',' or ')'"),
        (
            "a in ()",
            (
                "unable to parse requirement: values: Invalid value: []: "
                "for 'in', 'notin' operators, values set can't be empty"
            ),
        ),
        (
            "a>b",
            (
                'unable to parse requirement: values[0]: Invalid value: "b": '
                "for 'Gt', 'Lt' operators, the value must be an integer"
            ),
        ),
    ],
    ids=lambda text: text[:30],
)
def test_a_selector_that_cannot_be_read_is_refused(text: str, message: str) -> None:
    """With 400 and the words of the real parser."""
    with pytest.raises(Refusal) as caught:
        parse_labels(text)

    assert (caught.value.code, caught.value.message) == (400, message)


@pytest.mark.parametrize("text", ["a/b/c=d", "-a", "a=-b", "a in (b_)", "/a"])
def test_a_selector_names_only_possible_labels(text: str) -> None:
    """A label that nobody can set is a mistake, not an empty answer."""
    with pytest.raises(Refusal, match=r"^unable to parse requirement: (key|values\[0\]): Invalid"):
        parse_labels(text)


def naively(one: Requirement, labels: Mapping[str, str]) -> bool:
    """What a requirement means, in set theory."""
    held = {labels[one.key]} if one.key in labels else set[str]()
    numbers = {int(text) for text in held if text.isdigit()}
    return {
        "In": bool(held & set(one.values)),
        "NotIn": not held & set(one.values),
        "Exists": bool(held),
        "DoesNotExist": not held,
        "Gt": any(number > 5 for number in numbers),
        "Lt": any(number < 5 for number in numbers),
    }[one.operator]


@given(st.lists(REQUIREMENTS, max_size=4), LABELS)
def test_a_selector_means_what_set_theory_says(
    requirements: list[Requirement], labels: dict[str, str]
) -> None:
    """All requirements hold, each by itself."""
    selector = LabelSelector(tuple(requirements))

    assert selector.matches(labels) is all(naively(one, labels) for one in requirements)


@given(st.lists(REQUIREMENTS, max_size=4))
def test_a_selector_is_read_back_as_it_was_written(requirements: list[Requirement]) -> None:
    """`status.selector` of a Scale is such a text, and kubectl sends it back."""
    selector = LabelSelector(tuple(requirements))

    assert parse_labels(str(selector)) == selector


@given(st.text(alphabet="ab/=!(),<> in-", max_size=20))
def test_any_text_is_a_selector_or_refused(text: str) -> None:
    """Nothing crashes the parser."""
    try:
        selector = parse_labels(text)
    except Refusal as refusal:
        assert refusal.code == 400
        return

    assert parse_labels(str(selector)) == selector


def test_a_workloads_selector_joins_labels_and_expressions() -> None:
    """`matchLabels` and `matchExpressions` hold together."""
    selector = from_object(
        {
            "matchLabels": {"tier": "front", "app": "web"},
            "matchExpressions": [{"key": "size", "operator": "Exists"}],
        }
    )

    assert str(selector) == "app=web,tier=front,size"
    assert selector.matches(WEB)
    assert not selector.matches({"app": "web", "tier": "front"})


def test_an_operator_that_is_none_is_not_passed_over() -> None:
    """Validation keeps it out of the store; who asks all the same is told."""
    with pytest.raises(ValueError, match="'Roughly' is not a valid label selector operator"):
        Requirement("app", "Roughly", ("web",)).matches(WEB)
