"""The `pod-template-hash`: which template a ReplicaSet and its pods were made from.

It only has to tell templates apart; whether a ReplicaSet is a Deployment's newest is decided by
comparing templates. So the hash is Kubernetes' function (FNV-1a of 32 bits, written with its letters
without vowels) over our own canonical text: Kubernetes' text is Go's memory layout.
"""

from __future__ import annotations

import json
from typing import Any

from towline.cluster.kubernetes import Object

LABEL = "pod-template-hash"
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"  # apimachinery's rand.SafeEncodeString
_OFFSET, _PRIME = 0x811C9DC5, 0x01000193  # FNV-1a


def template_hash(template: Object, collisions: int | None) -> str:
    """The hash of a pod template; another one for each collision that was met."""
    text = json.dumps(template, sort_keys=True, separators=(",", ":")).encode()
    if collisions is not None:
        text += collisions.to_bytes(8, "little")
    return "".join(_LETTERS[ord(digit) % len(_LETTERS)] for digit in str(_fnv(text)))


def same_template(one: Object, other: Object) -> bool:
    """Whether two pod templates make the same pods; their hash labels do not count."""
    return _bare(one) == _bare(other)


def _bare(template: Object) -> dict[str, Any]:
    metadata = dict(template.get("metadata") or {})
    labels = {key: value for key, value in (metadata.get("labels") or {}).items() if key != LABEL}
    metadata.pop("creationTimestamp", None)
    return {**template, "metadata": {**metadata, "labels": labels}}


def _fnv(text: bytes) -> int:
    value = _OFFSET
    for byte in text:
        value = (value ^ byte) * _PRIME & 0xFFFFFFFF
    return value
