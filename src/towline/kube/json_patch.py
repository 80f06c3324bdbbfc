"""JSON Patch, RFC 6902, over JSON Pointer, RFC 6901, as the API server understands it.

`jsonpatch` (PyPI) was looked at: its texts are not the ones that clients of Kubernetes see, and it
copies the whole document for each operation. The API server uses evanphx/json-patch, which is kinder than the
RFC in one place: `replace` of a key that is not there adds it. `kubectl rollout undo` relies on that.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from typing import Any

MAX_OPERATIONS = 10_000  # the API server's
MAX_COPIED = 3 * 1024 * 1024  # bytes of JSON that all `copy` together may add: the API server's


class PatchFailed(ValueError):
    """An operation could not be carried out; the text is evanphx/json-patch's, as the API server's."""


def apply(target: Any, operations: Sequence[Mapping[str, Any]]) -> Any:
    """The target after all operations; raises `PatchFailed`. The target is not changed."""
    if len(operations) > MAX_OPERATIONS:
        raise PatchFailed(
            f"The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {len(operations)}"
        )
    patched = _Patched(copy.deepcopy(target))
    for operation in operations:
        patched.change(operation)
    return patched.document


class _Patched:
    """A document while it is being patched."""

    def __init__(self, document: Any) -> None:
        self.document = document
        self._copied = 0

    def change(self, operation: Mapping[str, Any]) -> None:
        """Carry out one operation."""
        kind, path = operation.get("op"), _pointer(operation, "path")
        match kind:
            case "add":
                self._add(path, _value(operation), kind)
            case "remove":
                self._remove(path, kind)
            case "replace":
                self._replace(path, _value(operation))
            case "move":
                source = _pointer(operation, "from")
                moved = self._get(source, kind)
                self._remove(source, kind)
                self._add(path, moved, kind)
            case "copy":
                self._add(path, self._copy(_pointer(operation, "from")), kind)
            case "test":
                self._test(path, operation.get("value"))
            case _:
                raise PatchFailed(f"Unexpected kind: {kind}")

    def _get(self, path: str, kind: str) -> Any:
        held = self.document
        for step in _steps(path):
            held = _descend(held, step, path, kind)
        return held

    def _parent(self, path: str, kind: str) -> tuple[Any, str]:
        before, _, last = path.rpartition("/")
        held = self.document
        for step in _steps(before):
            held = _descend(held, step, path, kind)
        if not isinstance(held, dict | list):
            raise _missing(path, kind)
        return held, _unescaped(last)

    def _copy(self, source: str) -> Any:
        value = self._get(source, "copy")
        self._copied += len(json.dumps(value))
        if self._copied > MAX_COPIED:
            raise PatchFailed(
                f"Unable to complete the copy, the accumulated size increase of copy is {self._copied}, "
                f"exceeding the limit {MAX_COPIED}"
            )
        return copy.deepcopy(value)

    def _add(self, path: str, value: Any, kind: str) -> None:
        if path == "":
            self.document = value
            return
        held, last = self._parent(path, kind)
        if isinstance(held, list):
            held.insert(len(held) if last == "-" else _index(last, len(held) + 1), value)
        else:
            held[last] = value

    def _remove(self, path: str, kind: str) -> None:
        if path == "":
            self.document = None
            return
        held, last = self._parent(path, kind)
        if isinstance(held, list):
            del held[_index(last, len(held))]
        elif last in held:
            del held[last]
        else:
            raise PatchFailed(
                f"error in remove for path: '{path}': Unable to remove nonexistent key: {last}: missing value"
            )

    def _replace(self, path: str, value: Any) -> None:
        if path == "":
            self.document = value
            return
        held, last = self._parent(path, "replace")
        held[_index(last, len(held)) if isinstance(held, list) else last] = value

    def _test(self, path: str, expected: Any) -> None:
        try:
            held = self._get(path, "test")
        except PatchFailed:
            held = None
        if not _same(held, expected):
            raise PatchFailed(f"testing value {path} failed: test failed")


def _pointer(operation: Mapping[str, Any], field: str) -> str:
    pointer = operation.get(field)
    kind = operation.get("op")
    if not isinstance(pointer, str):
        raise PatchFailed(f"{kind} operation failed to decode {field}: missing value")
    if pointer and not pointer.startswith("/"):
        raise _missing(pointer, str(kind))
    return pointer


def _value(operation: Mapping[str, Any]) -> Any:
    if "value" not in operation:
        raise PatchFailed(f"{operation['op']} operation failed to decode value: missing value")
    return copy.deepcopy(operation["value"])


def _steps(path: str) -> list[str]:
    return [_unescaped(step) for step in path.split("/")[1:]]


def _unescaped(step: str) -> str:
    return step.replace("~1", "/").replace("~0", "~")


def _index(step: str, length: int) -> int:
    is_number = step.isascii() and step.isdigit() and (step == "0" or step[0] != "0")
    if not is_number or len(step) > 9 or int(step) >= length:
        raise PatchFailed(f"Unable to access invalid index: {step}: invalid index referenced")
    return int(step)


def _descend(held: Any, step: str, path: str, kind: str) -> Any:
    if isinstance(held, dict) and step in held:
        return held[step]
    if isinstance(held, list):
        return held[_index(step, len(held))]
    raise _missing(path, kind)


def _missing(path: str, kind: str) -> PatchFailed:
    return PatchFailed(
        f'{kind} operation does not apply: doc is missing path: "{path}": missing value'
    )


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON: `true` is not `1`."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)
