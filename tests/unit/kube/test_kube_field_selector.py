"""Field selectors: `kubectl get --field-selector`, and what `describe` asks for events."""

from __future__ import annotations

from typing import Any

import pytest

from towline.kube import resource_type
from towline.kube.field_selector import parse_fields
from towline.kube.refusal import Refusal

POD: dict[str, Any] = {
    "metadata": {"name": "web", "namespace": "demo"},
    "spec": {"nodeName": "eklet-1"},
    "status": {"phase": "Running", "podIP": "10.0.0.5", "podIPs": [{"ip": "10.0.0.5"}]},
}


@pytest.mark.parametrize(
    ("text", "selected"),
    [
        ("", True),
        ("metadata.name=web", True),
        ("metadata.name==web,metadata.namespace=demo", True),
        ("metadata.name!=web", False),
        ("spec.nodeName=eklet-1,status.phase!=Succeeded,status.phase!=Failed", True),
        ("status.podIPs=10.0.0.5", True),
        ("spec.hostNetwork=false", True),
        ("status.nominatedNodeName=", True),
    ],
)
def test_a_pod_is_selected_by_its_fields(text: str, selected: bool) -> None:
    """What is absent is empty, or false where the field is a switch."""
    assert parse_fields(text, resource_type.PODS).matches(POD) is selected


def test_events_are_found_by_what_they_are_about() -> None:
    """This is the question of `kubectl describe`."""
    event = {"involvedObject": {"name": "web", "uid": "1"}, "source": {"component": "kubelet"}}
    text = "involvedObject.name=web,involvedObject.uid=1,source=kubelet"

    assert parse_fields(text, resource_type.EVENTS).matches(event)
    assert not parse_fields("involvedObject.uid=2", resource_type.EVENTS).matches(event)


def test_a_nodes_switch_is_compared_as_a_word() -> None:
    """`true` in JSON, `true` in the selector."""
    selector = parse_fields("spec.unschedulable=true", resource_type.NODES)

    assert selector.matches({"spec": {"unschedulable": True}})
    assert not selector.matches({"spec": {}})


def test_a_value_may_hold_signs_when_they_are_escaped() -> None:
    """As `fields.EscapeValue` writes them."""
    selector = parse_fields(r"metadata.name=a\,b\=c\\d", resource_type.PODS)

    assert selector.name == r"a,b=c\d"


def test_the_one_name_that_can_match_is_known() -> None:
    """So that a watch of one object does not read all."""
    assert parse_fields("metadata.name=web", resource_type.PODS).name == "web"
    assert parse_fields("metadata.name!=web", resource_type.PODS).name is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("spec.image=x", "field label not supported: spec.image"),
        ("metadata.name", "invalid selector: 'metadata.name'; can't understand 'metadata.name'"),
        (
            "status.phase=a,b",
            "invalid selector: 'status.phase=a,b'; can't understand 'b'",
        ),
    ],
)
def test_a_field_selector_that_cannot_be_is_refused(text: str, message: str) -> None:
    """With 400, in the words of the real server."""
    with pytest.raises(Refusal) as caught:
        parse_fields(text, resource_type.PODS)

    assert (caught.value.code, caught.value.message) == (400, message)


def test_kinds_without_fields_of_their_own_say_which_two_they_have() -> None:
    """A ConfigMap can be selected by name and namespace alone."""
    with pytest.raises(Refusal) as caught:
        parse_fields("data=x", resource_type.CONFIG_MAPS)

    assert caught.value.message == (
        '"data" is not a known field selector: only "metadata.name", "metadata.namespace"'
    )
