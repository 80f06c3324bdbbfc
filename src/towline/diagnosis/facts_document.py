"""Facts as one program sends them to another: JSON, without the record of a pull's own attempt.

That record stays where it was made; what the runtime printed of it goes with the facts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from towline.diagnosis.facts import Facts
from towline.diagnosis.observation import Observations
from towline.diagnosis.plane import Plane, PodSeen


def facts_document(facts: Facts) -> dict[str, Any]:
    """Facts as JSON has them."""
    whole = {
        "image": facts.image,
        "client": facts.client,
        "text": facts.text,
        "seen": facts.seen,
        "pod": facts.pod,
        "plane": facts.plane,
    }
    return dict(msgspec.to_builtins(whole))


def read_facts(document: Mapping[str, Any]) -> Facts:
    """The facts of a document; raises `msgspec.ValidationError`, and `KeyError` for what lacks."""
    return Facts(
        image=msgspec.convert(document["image"], str),
        client=msgspec.convert(document["client"], str),
        text=msgspec.convert(document["text"], str),
        seen=msgspec.convert(document["seen"], Observations | None),
        pod=msgspec.convert(document["pod"], PodSeen | None),
        plane=msgspec.convert(document["plane"], Plane | None),
    )
