"""Label selectors: which objects a list, a watch or a workload is about.

The grammar and its complaints are those of k8s.io/apimachinery/pkg/labels.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from towline.kube.name import qualified_errors, value_errors
from towline.kube.refusal import FieldError, Refusal, bad_request

Labels = Mapping[str, str]

_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_TOKEN = re.compile(r"[ \t\r\n]*(==|!=|[=!(),<>]|[^ \t\r\n=!(),<>]+|$)")
_SIGNS = frozenset("=!(),<>") | {"==", "!=", ""}
_OPERATORS = {
    "in": "In",
    "notin": "NotIn",
    "=": "In",
    "==": "In",
    "!=": "NotIn",
    ">": "Gt",
    "<": "Lt",
}
_EXPECTED_OPERATOR = "in, notin, =, ==, !=, gt, lt"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One term: the label has to be there and in (or not in) the values."""

    key: str
    operator: str
    """`In`, `NotIn`, `Exists`, `DoesNotExist`, `Gt` or `Lt`."""
    values: tuple[str, ...] = ()

    def matches(self, labels: Labels) -> bool:
        """Whether an object with these labels is meant."""
        held = labels.get(self.key)
        match self.operator:
            case "In":
                return held is not None and held in self.values
            case "NotIn":
                return held is None or held not in self.values
            case "Exists":
                return held is not None
            case "DoesNotExist":
                return held is None
            case "Gt" | "Lt":
                return _compares(held, self.operator, self.values[0])
        raise ValueError(f"{self.operator!r} is not a valid label selector operator")


def _compares(held: str | None, operator: str, bound: str) -> bool:
    if held is None or not _INTEGER.fullmatch(held):
        return False
    return int(held) > int(bound) if operator == "Gt" else int(held) < int(bound)


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """All requirements together; none of them means everything.

    Matching raises ValueError when an operator is none, which validation lets nobody store.
    """

    requirements: tuple[Requirement, ...] = ()

    def matches(self, labels: Labels) -> bool:
        """Whether an object with these labels is selected."""
        return all(one.matches(labels) for one in self.requirements)

    def __str__(self) -> str:
        return ",".join(_written(one) for one in self.requirements)


def _written(one: Requirement) -> str:
    match one.operator:
        case "In" if len(one.values) == 1:
            return f"{one.key}={one.values[0]}"
        case "NotIn" if one.values == ("",):
            return f"{one.key}!="  # `notin ()` would be a set of nothing
        case "In" | "NotIn":
            return f"{one.key} {one.operator.lower()} ({','.join(sorted(one.values))})"
        case "Exists":
            return one.key
        case "DoesNotExist":
            return f"!{one.key}"
    return f"{one.key}{'>' if one.operator == 'Gt' else '<'}{one.values[0]}"


def parse_labels(text: str) -> LabelSelector:
    """The selector that `-l` takes; raises a 400 refusal."""
    tokens = _Tokens(text)
    found: list[Requirement] = []
    while tokens.next:
        if tokens.next in _SIGNS and tokens.next != "!":
            raise bad_request(f"found '{tokens.next}', expected: !, identifier, or 'end of string'")
        found.append(_requirement(tokens))
        separator = tokens.take()
        if separator not in (",", ""):
            raise bad_request(f"found '{separator}', expected: ',' or 'end of string'")
        if separator and tokens.next in _SIGNS and tokens.next != "!":
            raise bad_request(f"found '{tokens.next}', expected: identifier after ','")
    return LabelSelector(tuple(found))


class _Tokens:
    """The words and signs of a selector; the end is an empty one."""

    def __init__(self, text: str) -> None:
        self._left = deque(_TOKEN.findall(text))

    @property
    def next(self) -> str:
        """The next token, which stays."""
        return self._left[0] if self._left else ""

    def take(self) -> str:
        """The next token, which goes."""
        return self._left.popleft() if self._left else ""

    def word(self) -> str:
        """The next token, which has to be a word; raises a 400 refusal."""
        token = self.take()
        if token in _SIGNS:
            raise _unparsable(f"found '{token}', expected: identifier")
        return token


def _unparsable(because: str) -> Refusal:
    return bad_request(f"unable to parse requirement: {because}")


def _requirement(tokens: _Tokens) -> Requirement:
    absent = tokens.next == "!"
    if absent:
        tokens.take()
    key = tokens.word()
    _check(qualified_errors("key", key))
    if absent or tokens.next in (",", ""):
        return Requirement(key, "DoesNotExist" if absent else "Exists")
    sign = tokens.take()
    operator = _OPERATORS.get(sign)
    if operator is None:
        raise _unparsable(f"found '{sign}', expected: {_EXPECTED_OPERATOR}")
    values = _set(tokens) if sign in ("in", "notin") else (_value(tokens),)
    if operator in ("Gt", "Lt") and not _INTEGER.fullmatch(values[0]):
        because = "for 'Gt', 'Lt' operators, the value must be an integer"
        raise _unparsable(f'values[0]: Invalid value: "{values[0]}": {because}')
    for at, value in enumerate(values):
        _check(value_errors(f"values[{at}]", value))
    return Requirement(key, operator, values)


def _check(errors: list[FieldError]) -> None:
    if errors:
        raise _unparsable(f"{errors[0].field}: {errors[0].message}")


def _value(tokens: _Tokens) -> str:
    return "" if tokens.next in (",", "") else tokens.word()


def _set(tokens: _Tokens) -> tuple[str, ...]:
    opening = tokens.take()
    if opening != "(":
        raise _unparsable(f"found '{opening}' expected: '('")
    values = set[str]()
    while True:
        value = "" if tokens.next in (",", ")") else tokens.word()
        sign = tokens.take()
        if sign not in (",", ")"):
            raise _unparsable(f"found '{sign}', expected: ',' or ')'")
        if sign == ")" and not value and not values:
            because = "for 'in', 'notin' operators, values set can't be empty"
            raise _unparsable(f"values: Invalid value: []: {because}")
        values.add(value)
        if sign == ")":
            return tuple(sorted(values))


def from_object(selector: Mapping[str, Any]) -> LabelSelector:
    """The selector that a workload's `spec.selector` is."""
    equal = (
        Requirement(key, "In", (value,))
        for key, value in sorted((selector.get("matchLabels") or {}).items())
    )
    listed = (
        Requirement(one["key"], one["operator"], tuple(one.get("values") or ()))
        for one in selector.get("matchExpressions") or ()
    )
    return LabelSelector((*equal, *listed))
