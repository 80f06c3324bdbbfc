"""Says what happens to one pod: its events, about the pod or about one of its containers."""

from __future__ import annotations

from collections.abc import Callable

from towline.cluster.node.texts import Words
from towline.kube.event import Happening, ObjectReference
from towline.kube.pod import Pod

Record = Callable[[Happening], None]


class Voice:
    """A pod's voice."""

    def __init__(self, record: Record, pod: Pod) -> None:
        self._record = record
        self._pod = pod

    def say(self, words: Words, container: str = "") -> None:
        """Record an event."""
        metadata = self._pod.metadata
        about = ObjectReference(
            "v1",
            "Pod",
            metadata.namespace,
            metadata.name,
            metadata.uid,
            metadata.resource_version,
            self._pod.field_path(container) if container else "",
        )
        self._record(Happening(about, words.type, words.reason, words.message, words.topic))
