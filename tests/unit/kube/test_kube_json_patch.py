"""JSON Patch does what RFC 6902 says, and what the API server does where that is kinder."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towline.kube.json_patch import MAX_OPERATIONS, PatchFailed, apply

KEYS = st.text(alphabet="ab/~\"' 0", max_size=3)
SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.text(alphabet="ab", max_size=2)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(KEYS, JSON, max_size=4)
POINTERS = st.lists(KEYS | st.sampled_from(["0", "1", "-", "00", "²"]), max_size=3).map(
    lambda steps: "".join(f"/{escaped(step)}" for step in steps)
)
OPERATIONS = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test"])},
    optional={"path": POINTERS, "from": POINTERS, "value": JSON},
)


def escaped(step: str) -> str:
    """A key as a pointer writes it."""
    return step.replace("~", "~0").replace("/", "~1")


# The examples of RFC 6902, appendix A, by their numbers.
@pytest.mark.parametrize(
    ("before", "operation", "after"),
    [
        pytest.param(
            {"foo": "bar"},
            {"op": "add", "path": "/baz", "value": "qux"},
            {"baz": "qux", "foo": "bar"},
            id="A.1",
        ),
        pytest.param(
            {"foo": ["bar", "baz"]},
            {"op": "add", "path": "/foo/1", "value": "qux"},
            {"foo": ["bar", "qux", "baz"]},
            id="A.2",
        ),
        pytest.param(
            {"baz": "qux", "foo": "bar"}, {"op": "remove", "path": "/baz"}, {"foo": "bar"}, id="A.3"
        ),
        pytest.param(
            {"foo": ["bar", "qux", "baz"]},
            {"op": "remove", "path": "/foo/1"},
            {"foo": ["bar", "baz"]},
            id="A.4",
        ),
        pytest.param(
            {"baz": "qux"}, {"op": "replace", "path": "/baz", "value": "b"}, {"baz": "b"}, id="A.5"
        ),
        pytest.param(
            {"foo": {"bar": "baz", "waldo": "fred"}, "qux": {"corge": "grault"}},
            {"op": "move", "from": "/foo/waldo", "path": "/qux/thud"},
            {"foo": {"bar": "baz"}, "qux": {"corge": "grault", "thud": "fred"}},
            id="A.6",
        ),
        pytest.param(
            {"foo": ["all", "grass", "cows", "eat"]},
            {"op": "move", "from": "/foo/1", "path": "/foo/3"},
            {"foo": ["all", "cows", "eat", "grass"]},
            id="A.7",
        ),
        pytest.param(
            {"foo": ["a", 2, "c"]},
            {"op": "test", "path": "/foo/1", "value": 2},
            {"foo": ["a", 2, "c"]},
            id="A.8",
        ),
        pytest.param(
            {"foo": "bar"},
            {"op": "add", "path": "/child", "value": {"grandchild": {}}},
            {"foo": "bar", "child": {"grandchild": {}}},
            id="A.10",
        ),
        pytest.param(
            {"/": 9, "~1": 10},
            {"op": "test", "path": "/~01", "value": 10},
            {"/": 9, "~1": 10},
            id="A.14",
        ),
        pytest.param(
            {"foo": ["bar"]},
            {"op": "add", "path": "/foo/-", "value": ["abc"]},
            {"foo": ["bar", ["abc"]]},
            id="A.16",
        ),
        pytest.param({"a": {"b": 1}}, {"op": "add", "path": "", "value": {}}, {}, id="whole"),
        pytest.param(
            {"a": 1}, {"op": "copy", "from": "/a", "path": "/b"}, {"a": 1, "b": 1}, id="copy"
        ),
        pytest.param(
            {"a": 1}, {"op": "test", "path": "/b", "value": None}, {"a": 1}, id="absent is null"
        ),
        pytest.param(
            {"a/b": {"it's": 1}},
            {"op": "remove", "path": "/a~1b/it's"},
            {"a/b": {}},
            id="odd keys",
        ),
    ],
)
def test_an_operation_changes_the_document(
    before: dict[str, Any], operation: dict[str, Any], after: Any
) -> None:
    """And leaves the original alone."""
    original = copy.deepcopy(before)

    assert apply(before, [operation]) == after
    assert before == original


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        ({"op": "test", "path": "/a", "value": 2}, "testing value /a failed: test failed"),
        ({"op": "test", "path": "/t", "value": 1}, "testing value /t failed: test failed"),
        (
            {"op": "add", "path": "/x/y", "value": 1},
            'add operation does not apply: doc is missing path: "/x/y": missing value',
        ),
        (
            {"op": "add", "path": "/a/y", "value": 1},
            'add operation does not apply: doc is missing path: "/a/y": missing value',
        ),
        (
            {"op": "remove", "path": "/x"},
            "error in remove for path: '/x': Unable to remove nonexistent key: x: missing value",
        ),
        (
            {"op": "replace", "path": "/l/2", "value": 1},
            "Unable to access invalid index: 2: invalid index referenced",
        ),
        (
            {"op": "add", "path": "/l/²", "value": 1},
            "Unable to access invalid index: ²: invalid index referenced",
        ),
        (
            {"op": "remove", "path": "/l/01"},
            "Unable to access invalid index: 01: invalid index referenced",
        ),
        (
            {"op": "remove", "path": "/l/-"},
            "Unable to access invalid index: -: invalid index referenced",
        ),
        (
            {"op": "copy", "from": "/x", "path": "/y"},
            'copy operation does not apply: doc is missing path: "/x": missing value',
        ),
        ({"op": "move", "path": "/y"}, "move operation failed to decode from: missing value"),
        ({"op": "add", "path": "/y"}, "add operation failed to decode value: missing value"),
        ({"op": "add", "value": 1}, "add operation failed to decode path: missing value"),
        (
            {"op": "move", "from": "/o", "path": "/o/inside"},
            'move operation does not apply: doc is missing path: "/o/inside": missing value',
        ),
        (
            {"op": "remove", "path": "a"},
            'remove operation does not apply: doc is missing path: "a": missing value',
        ),
        ({"op": "mend", "path": "/a"}, "Unexpected kind: mend"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_an_operation_that_cannot_be_is_refused(operation: dict[str, Any], message: str) -> None:
    """In the words of the library that the API server uses."""
    with pytest.raises(PatchFailed) as caught:
        apply({"a": 1, "t": True, "l": [0, 1], "o": {}}, [operation])

    assert str(caught.value) == message


def test_replacing_what_is_absent_adds_it() -> None:
    """`kubectl rollout undo` replaces annotations that may not be there; the API server lets it."""
    patch = [{"op": "replace", "path": "/spec/minReadySeconds", "value": 1}]

    assert apply({"spec": {}}, patch) == {"spec": {"minReadySeconds": 1}}


def test_either_all_operations_are_done_or_none() -> None:
    """A test at the end undoes what stands before it."""
    before = {"a": 1}
    operations = [
        {"op": "replace", "path": "/a", "value": 2},
        {"op": "test", "path": "/a", "value": 3},
    ]

    with pytest.raises(PatchFailed):
        apply(before, operations)
    assert before == {"a": 1}


def test_copies_of_copies_end_somewhere() -> None:
    """A short patch cannot fill the memory: thirty doublings would be a terabyte."""
    doubling = [{"op": "copy", "from": "/a", "path": "/a/-"} for _ in range(60)]

    with pytest.raises(PatchFailed, match="exceeding the limit 3145728"):
        apply({"a": ["x" * 1000]}, doubling)


def test_a_patch_has_so_many_operations_at_most() -> None:
    """The API server's limit."""
    operation = {"op": "test", "path": "", "value": {}}

    assert apply({}, [operation] * MAX_OPERATIONS) == {}
    with pytest.raises(PatchFailed, match="maximum operations in a JSON patch is 10000, got 10001"):
        apply({}, [operation] * (MAX_OPERATIONS + 1))


@given(OBJECTS, KEYS, JSON)
def test_what_was_added_is_there_and_can_be_removed(
    before: dict[str, Any], key: str, value: Any
) -> None:
    """Whatever the key looks like."""
    path = f"/{escaped(key)}"

    after = apply(before, [{"op": "add", "path": path, "value": value}])

    assert after == {**before, key: value}
    assert apply(after, [{"op": "test", "path": path, "value": value}]) == after
    without = {held: one for held, one in before.items() if held != key}
    assert apply(after, [{"op": "remove", "path": path}]) == without


@given(OBJECTS, st.lists(OPERATIONS, max_size=4))
def test_any_operations_apply_or_are_refused(
    before: dict[str, Any], operations: list[dict[str, Any]]
) -> None:
    """Nothing else can happen, and the original stays as it was."""
    original = copy.deepcopy(before)
    try:
        apply(before, operations)
    except PatchFailed as error:
        assert str(error)

    assert before == original
