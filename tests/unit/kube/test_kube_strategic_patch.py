"""Strategic merge patches merge what the schema calls keyed, as kubectl expects of the server."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towline.cluster.api.data_file import schemas
from towline.kube.strategic_patch import BadPatch, StrategicPatch

POD = StrategicPatch(schemas(), "io.k8s.api.core.v1.Pod")
DEPLOYMENT = StrategicPatch(schemas(), "io.k8s.api.apps.v1.Deployment")
NAMES = st.sampled_from(["a", "b", "c", "d"])


def containers(*names: str) -> dict[str, Any]:
    """A pod with containers of these names."""
    return {"spec": {"containers": [{"name": name, "image": f"{name}:1"} for name in names]}}


def names_of(pod: dict[str, Any]) -> list[str]:
    """The containers in their order."""
    return [one["name"] for one in pod["spec"]["containers"]]


def test_an_item_is_merged_into_the_one_with_its_key() -> None:
    """`kubectl set image` names the container and the image, and all else stays."""
    before = {"spec": {"containers": [{"name": "web", "image": "w:1", "args": ["-v"]}]}}
    patch = {"spec": {"containers": [{"name": "web", "image": "w:2"}]}}

    assert POD.apply(before, patch)["spec"]["containers"] == [
        {"name": "web", "image": "w:2", "args": ["-v"]}
    ]


def test_an_item_with_a_new_key_comes_first() -> None:
    """As the API server puts it: what only the patch has does not wait for what only the server has."""
    assert names_of(POD.apply(containers("a", "b"), containers("new"))) == ["new", "a", "b"]


def test_setting_the_order_orders() -> None:
    """kubectl apply sends `$setElementOrder` beside each list that it changes."""
    patch = {"spec": {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]}}

    assert names_of(POD.apply(containers("a", "b"), patch)) == ["b", "a"]


@pytest.mark.parametrize(
    ("held", "order", "expected"),
    [
        (["a", "sidecar"], ["a", "new"], ["a", "new", "sidecar"]),
        (["a", "sidecar"], ["new", "a"], ["new", "a", "sidecar"]),
        (["sidecar", "a"], ["new", "a"], ["new", "sidecar", "a"]),
        (["a", "sidecar", "b"], ["b", "a"], ["sidecar", "b", "a"]),
        (["a", "sidecar", "b"], ["a", "b"], ["a", "sidecar", "b"]),
    ],
)
def test_what_only_the_server_has_stays_near_its_place(
    held: list[str], order: list[str], expected: list[str]
) -> None:
    """An injected sidecar keeps its neighbours as far as the given order allows."""
    new = [{"name": name, "image": f"{name}:1"} for name in order if name not in held]
    patch = {
        "spec": {
            "$setElementOrder/containers": [{"name": name} for name in order],
            "containers": new,
        }
    }

    assert names_of(POD.apply(containers(*held), patch)) == expected


def test_an_item_may_be_deleted() -> None:
    """`$patch: delete` needs the key alone."""
    patch = {"spec": {"containers": [{"name": "a", "$patch": "delete"}]}}

    assert names_of(POD.apply(containers("a", "b"), patch)) == ["b"]


def test_a_list_may_be_replaced() -> None:
    """An item that says `$patch: replace` speaks for the whole list."""
    patch = {"spec": {"containers": [{"$patch": "replace"}, {"name": "c"}]}}

    assert POD.apply(containers("a", "b"), patch)["spec"]["containers"] == [{"name": "c"}]


def test_a_map_may_be_replaced_or_emptied() -> None:
    """`$patch: replace` and `$patch: delete` inside a map."""
    before = {"metadata": {"labels": {"a": "1", "b": "2"}}}

    replaced = POD.apply(before, {"metadata": {"labels": {"$patch": "replace", "c": "3"}}})
    emptied = POD.apply(before, {"metadata": {"labels": {"$patch": "delete"}}})
    merged = POD.apply(before, {"metadata": {"labels": {"$patch": "merge", "c": "3"}}})

    assert replaced == {"metadata": {"labels": {"c": "3"}}}
    assert emptied == {"metadata": {"labels": {}}}
    assert merged == {"metadata": {"labels": {"a": "1", "b": "2", "c": "3"}}}


def test_a_null_deletes_and_leaves_nothing_where_nothing_was() -> None:
    """Also deep inside a map that the patch brings along."""
    before = {"spec": {"replicas": 2, "paused": True}}
    patch = {"spec": {"paused": None, "selector": {"matchLabels": {"a": "b", "c": None}}}}

    assert DEPLOYMENT.apply(before, patch) == {
        "spec": {"replicas": 2, "selector": {"matchLabels": {"a": "b"}}}
    }


def test_only_retained_keys_stay() -> None:
    """kubectl apply switches a strategy's kind with `$retainKeys`."""
    before = {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}}
    patch = {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}

    assert DEPLOYMENT.apply(before, patch) == {"spec": {"strategy": {"type": "Recreate"}}}


def test_finalizers_are_a_set() -> None:
    """A list of words with the merge strategy: joined, ordered, and thinned by its own directive."""
    before = {"metadata": {"finalizers": ["x/a", "x/b"]}}
    joined = POD.apply(before, {"metadata": {"finalizers": ["x/b", "x/c"]}})
    thinned = POD.apply(before, {"metadata": {"$deleteFromPrimitiveList/finalizers": ["x/a"]}})
    turned = POD.apply(before, {"metadata": {"$setElementOrder/finalizers": ["x/b", "x/a"]}})

    assert joined["metadata"]["finalizers"] == ["x/a", "x/b", "x/c"]
    assert thinned["metadata"]["finalizers"] == ["x/b"]
    assert turned["metadata"]["finalizers"] == ["x/b", "x/a"]


def test_a_list_without_a_key_is_replaced() -> None:
    """Arguments and tolerations are not merged."""
    before = {"spec": {"tolerations": [{"key": "a"}], "containers": [{"name": "c", "args": ["1"]}]}}
    patch = {"spec": {"tolerations": [{"key": "b"}], "containers": [{"name": "c", "args": ["2"]}]}}

    assert POD.apply(before, patch) == patch


def test_two_ports_with_one_number_stay_two() -> None:
    """A port's key is its number alone, so TCP and UDP share it; the first one is merged into."""
    ports = [{"containerPort": 53, "protocol": "TCP"}, {"containerPort": 53, "protocol": "UDP"}]
    before = {"spec": {"containers": [{"name": "dns", "ports": ports}]}}
    patch = {
        "spec": {"containers": [{"name": "dns", "ports": [{"containerPort": 53, "name": "d"}]}]}
    }

    assert POD.apply(before, patch)["spec"]["containers"][0]["ports"] == [
        {"containerPort": 53, "protocol": "TCP", "name": "d"},
        {"containerPort": 53, "protocol": "UDP"},
    ]


@pytest.mark.parametrize(
    ("patch", "message"),
    [
        ({"$patch": "mend"}, "unknown patch type: mend in map: {'$patch': 'mend'}"),
        (
            {"spec": {"containers": [{"image": "x"}]}},
            "map: {'image': 'x'} does not contain declared merge key: name",
        ),
        (
            {"spec": {"containers": [{"$patch": "delete"}]}},
            "map: {'$patch': 'delete'} does not contain declared merge key: name",
        ),
        (
            {"spec": {"containers": [{"name": "a", "$patch": "merge"}]}},
            "merging lists cannot yet be specified in the patch",
        ),
        (
            {"spec": {"containers": ["a"]}},
            "expected a map in a merged list, but received 'a'",
        ),
        (
            {"spec": {"containers": [{"name": {}}]}},
            "expected a scalar in a merged list, but received {}",
        ),
        (
            {"metadata": {"finalizers": [{"a": "b"}]}},
            "expected a scalar in a merged list, but received {'a': 'b'}",
        ),
        (
            {"metadata": {"$deleteFromPrimitiveList/finalizers": 1}},
            "expected a list in $deleteFromPrimitiveList/finalizers, but received 1",
        ),
        (
            {"spec": {"$retainKeys": "containers"}},
            "expected a list in $retainKeys, but received 'containers'",
        ),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_a_patch_that_contradicts_itself_is_refused(patch: dict[str, Any], message: str) -> None:
    """Never a crash, never a guess."""
    before = {**containers("a"), "metadata": {"finalizers": ["x/a"]}}

    with pytest.raises(BadPatch) as caught:
        POD.apply(before, patch)

    assert str(caught.value) == message


UNIQUE = st.lists(NAMES, max_size=4, unique=True)


@given(held=UNIQUE, wanted=UNIQUE)
def test_a_whole_list_sent_with_its_order_ends_in_that_order(
    held: list[str], wanted: list[str]
) -> None:
    """Nothing is lost, nothing is doubled, and a second time nothing changes."""
    patch = containers(*wanted)
    patch["spec"]["$setElementOrder/containers"] = [{"name": name} for name in wanted]
    before = containers(*held)
    original = copy.deepcopy(before)

    after = POD.apply(before, patch)

    assert [name for name in names_of(after) if name in wanted] == wanted
    assert sorted(names_of(after)) == sorted({*held, *wanted})
    assert [name for name in names_of(after) if name not in wanted] == [
        name for name in held if name not in wanted
    ]
    assert POD.apply(after, patch) == after
    assert before == original


JSON = st.recursive(
    st.none() | st.integers(0, 2) | NAMES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "name",
                    "$patch",
                    "$retainKeys",
                    "containers",
                    "$setElementOrder/containers",
                    "finalizers",
                    "$deleteFromPrimitiveList/finalizers",
                    "image",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@given(spec=JSON, metadata=JSON)
def test_any_patch_applies_or_is_refused(spec: Any, metadata: Any) -> None:
    """Whatever stands in it, and the object is not changed under its owner."""
    before = {**containers("a", "b"), "metadata": {"finalizers": ["x/a"]}}
    original = copy.deepcopy(before)
    try:
        POD.apply(before, {"spec": spec, "metadata": metadata})
    except BadPatch as error:
        assert str(error)

    assert before == original
