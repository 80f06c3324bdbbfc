"""What temporary credentials may do: the statements of a policy document, and who wins.

The language is the one of the cloud's access management, as far as it can be kept here: an effect
and patterns of actions. A policy that names single resources or conditions is refused rather than
read as wider than it was meant.
https://www.tencentcloud.com/document/product/598/10604
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any
from urllib.parse import unquote

import msgspec

from towline.cloud.refusal import Refusal

_MOST = 4096  # characters of a policy; the token carries it in a header
_ACTION = re.compile(r"(?:name/)?(\*|[a-z0-9]+:[A-Za-z0-9*]+)")
_ANY_RESOURCE = ("*", "qcs::*:*:*:*")


class Effect(StrEnum):
    """What a statement does with the actions that it names."""

    ALLOW = "allow"
    DENY = "deny"


class Statement(msgspec.Struct, frozen=True):
    """Patterns of actions, like `tcr:Describe*`, and what becomes of them."""

    effect: Effect
    actions: tuple[str, ...]


class Policy(msgspec.Struct, frozen=True):
    """Statements: what none allows is forbidden, and so is what any of them denies."""

    statements: tuple[Statement, ...]

    def permits(self, product: str, action: str) -> bool:
        """Whether the action of a product may be called."""
        named = f"{product}:{action}"
        effects = {one.effect for one in self.statements if _names(one.actions, named)}
        return effects == {Effect.ALLOW}


EVERYTHING = Policy((Statement(Effect.ALLOW, ("*",)),))
"""The policy of a key itself."""


class _Written(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    effect: Effect
    action: str | list[str]
    resource: str | list[str] = "*"


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: str
    statement: _Written | list[_Written]


def read_policy(text: str) -> Policy:
    """Read a policy document, URL-encoded or not; refused when it cannot be kept exactly."""
    if len(text) > _MOST:
        raise Refusal("InvalidParameter.PolicyTooLong", f"A policy has at most {_MOST} characters.")
    try:
        document = msgspec.convert(_lower(msgspec.json.decode(unquote(text))), _Document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal("InvalidParameter.StrategyFormatError", f"The policy: {error}.") from error
    if document.version != "2.0":
        raise Refusal("InvalidParameter.StrategyFormatError", "The version of a policy is 2.0.")
    written = document.statement if isinstance(document.statement, list) else [document.statement]
    return Policy(tuple(_statement(one) for one in written))


def _statement(written: _Written) -> Statement:
    if any(one not in _ANY_RESOURCE for one in _listed(written.resource)):
        raise Refusal("InvalidParameter.ResouceError", "Only the resource `*` can be named here.")
    return Statement(written.effect, tuple(_pattern(one) for one in _listed(written.action)))


def _pattern(text: str) -> str:
    match = _ACTION.fullmatch(text)
    if match is None:
        raise Refusal("InvalidParameter.StrategyInvalid", f"`{text}` is no pattern of actions.")
    return match[1]


def _names(patterns: tuple[str, ...], named: str) -> bool:
    return any(
        re.fullmatch(re.escape(one).replace(r"\*", ".*"), named, re.IGNORECASE) for one in patterns
    )


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _lower(value: Any) -> Any:
    """The document with its field names in lower case: both spellings are in use."""
    if isinstance(value, dict):
        return {str(name).lower(): _lower(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_lower(inner) for inner in value]
    return value
