"""JSON Patch, RFC 6902, over JSON Pointer, RFC 6901.

`jsonpatch` (PyPI) was looked at: its texts are not the ones that clients of Kubernetes see, and it
copies the whole document for each operation.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any


class PatchFailed(ValueError):
    """An operation could not be carried out; the text is evanphx/json-patch's, as the API server's."""


def apply(target: Any, operations: Sequence[Mapping[str, Any]]) -> Any:
    """The target after all operations; raises `PatchFailed`. The target is not changed."""
    document = copy.deepcopy(target)
    for operation in operations:
        document = _one(document, operation)
    return document


def _one(document: Any, operation: Mapping[str, Any]) -> Any:
    kind, path = operation.get("op"), operation.get("path")
    if not isinstance(path, str):
        raise PatchFailed(f"Unexpected kind: {kind}")
    match kind:
        case "add":
            return _add(document, path, _value(operation))
        case "remove":
            return _remove(document, path)
        case "replace":
            return _replace(document, path, _value(operation))
        case "move":
            moved = _get(document, str(operation.get("from", "")))
            return _add(_remove(document, str(operation.get("from", ""))), path, moved)
        case "copy":
            return _add(
                document, path, copy.deepcopy(_get(document, str(operation.get("from", ""))))
            )
        case "test":
            return _test(document, path, operation.get("value"))
    raise PatchFailed(f"Unexpected kind: {kind}")


def _value(operation: Mapping[str, Any]) -> Any:
    if "value" not in operation:
        raise PatchFailed(f"missing value for {operation['op']} operation")
    return copy.deepcopy(operation["value"])


def _steps(path: str) -> list[str]:
    if path == "":
        return []
    if not path.startswith("/"):
        raise PatchFailed(f"path {path!r} does not begin with /")
    return [step.replace("~1", "/").replace("~0", "~") for step in path[1:].split("/")]


def _index(step: str, length: int) -> int:
    if not step.isdigit() or (len(step) > 1 and step[0] == "0") or int(step) >= length:
        raise PatchFailed(f"Unable to access invalid index: {step}: invalid index referenced")
    return int(step)


def _descend(held: Any, step: str, path: str) -> Any:
    if isinstance(held, dict) and step in held:
        return held[step]
    if isinstance(held, list):
        return held[_index(step, len(held))]
    raise PatchFailed(f"doc is missing path: {path}: missing value")


def _get(document: Any, path: str) -> Any:
    for step in _steps(path):
        document = _descend(document, step, path)
    return document


def _parent(document: Any, path: str, kind: str) -> tuple[Any, str]:
    *before, last = _steps(path)
    held = document
    for step in before:
        try:
            held = _descend(held, step, path)
        except PatchFailed:
            raise PatchFailed(
                f"{kind} operation does not apply: doc is missing path: {path!r}: missing value".replace(
                    "'", '"'
                )
            ) from None
    return held, last


def _add(document: Any, path: str, value: Any) -> Any:
    if path == "":
        return value
    held, last = _parent(document, path, "add")
    if isinstance(held, list):
        held.insert(len(held) if last == "-" else _index(last, len(held) + 1), value)
    elif isinstance(held, dict):
        held[last] = value
    else:
        raise PatchFailed(
            f'add operation does not apply: doc is missing path: "{path}": missing value'
        )
    return document


def _remove(document: Any, path: str) -> Any:
    if path == "":
        return None
    held, last = _parent(document, path, "remove")
    if isinstance(held, list):
        del held[_index(last, len(held))]
    elif isinstance(held, dict) and last in held:
        del held[last]
    else:
        raise PatchFailed(
            f'remove operation does not apply: doc is missing path: "{path}": missing value'
        )
    return document


def _replace(document: Any, path: str, value: Any) -> Any:
    if path == "":
        return value
    held, last = _parent(document, path, "replace")
    if isinstance(held, list):
        held[_index(last, len(held))] = value
    elif isinstance(held, dict) and last in held:
        held[last] = value
    else:
        raise PatchFailed(
            f"replace operation does not apply: doc is missing key: {path}: missing value"
        )
    return document


def _test(document: Any, path: str, expected: Any) -> Any:
    try:
        held = _get(document, path)
    except PatchFailed:
        held = None
    if not _same(held, expected):
        raise PatchFailed(f"testing value {path} failed: test failed")
    return document


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON: `true` is not `1`."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)
