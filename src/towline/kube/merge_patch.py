"""JSON Merge Patch, RFC 7386."""

from __future__ import annotations

from typing import Any


def apply(target: Any, patch: Any) -> Any:
    """The target as patched; neither is changed, and they may share parts with the answer."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = apply(merged.get(key), value)
    return merged
