"""Events say about what, from whom and what; `kubectl describe` finds them by that."""

from __future__ import annotations

from towline.kube.event import (
    MAX_MESSAGE,
    EventSource,
    EventType,
    Happening,
    ObjectReference,
    event_object,
)

NOW = 1_767_323_045.9
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "namespace": "demo", "uid": "u", "resourceVersion": "7"},
}
NODE = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "eklet", "uid": "n"}}


def test_an_event_is_written_as_the_kubelet_writes_it() -> None:
    """All of it."""
    about = ObjectReference.to(POD, "spec.containers{web}")
    happening = Happening(about, EventType.NORMAL, "Pulling", 'Pulling image "web"')

    assert event_object(happening, EventSource("eklet", "node-1"), "web.1", NOW) == {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "web.1", "namespace": "demo"},
        "involvedObject": {
            "apiVersion": "v1",
            "kind": "Pod",
            "namespace": "demo",
            "name": "web",
            "uid": "u",
            "resourceVersion": "7",
            "fieldPath": "spec.containers{web}",
        },
        "reason": "Pulling",
        "message": 'Pulling image "web"',
        "type": "Normal",
        "source": {"component": "eklet", "host": "node-1"},
        "reportingComponent": "eklet",
        "reportingInstance": "node-1",
        "firstTimestamp": "2026-01-02T03:04:05Z",
        "lastTimestamp": "2026-01-02T03:04:05Z",
        "count": 1,
    }


def test_events_about_nodes_are_kept_in_default() -> None:
    """They have no namespace of their own."""
    happening = Happening(ObjectReference.to(NODE), EventType.WARNING, "NotReady", "gone")

    written = event_object(happening, EventSource("node-controller"), "eklet.1", NOW)

    assert written["metadata"]["namespace"] == "default"
    assert written["involvedObject"] == {
        "apiVersion": "v1",
        "kind": "Node",
        "name": "eklet",
        "uid": "n",
    }


def test_a_message_ends_at_the_apis_limit() -> None:
    """A longer one would be refused, and nobody would hear of it."""
    happening = Happening(ObjectReference.to(POD), EventType.WARNING, "Failed", "x" * 2000)

    written = event_object(happening, EventSource("eklet"), "web.1", NOW)

    assert len(written["message"]) == MAX_MESSAGE
