"""Choosing by id: the network product refuses what other products answer with an empty list."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Protocol, TypeVar

from towline.cloud.page import Filter, matching
from towline.cloud.refusal import Refusal

_ID = re.compile(r"[a-z]+-[a-z0-9]{8}")


class _Identified(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=_Identified)


def one(items: Iterable[T], id_: str) -> T:
    """The item with the id; refused when there is none."""
    _check(id_)
    for item in items:
        if item.id == id_:
            return item
    raise Refusal("ResourceNotFound", f"The resource `{id_}` does not exist.")


def present(items: Sequence[T], ids: Sequence[str], filters: Sequence[Filter]) -> list[T]:
    """All items, or those of the ids asked for that exist, as with NAT gateways and addresses.

    Clients wait for the end of one of these until it is no longer listed, not until an error.
    """
    _check_alone(ids, filters)
    for id_ in ids:
        _check(id_)
    return [item for item in items if item.id in ids] if ids else list(items)


def selected(items: Sequence[T], ids: Sequence[str], filters: Sequence[Filter]) -> list[T]:
    """All items, or those with the ids asked for; refused when one of these does not exist."""
    _check_alone(ids, filters)
    by_id = {item.id: item for item in items}
    for id_ in ids:
        _check(id_)
        if id_ not in by_id:
            raise Refusal("ResourceNotFound", f"The resource `{id_}` does not exist.")
    return [by_id[id_] for id_ in ids] if ids else list(items)


def filtered(
    items: Sequence[T],
    filters: Sequence[Filter],
    properties: Mapping[str, Callable[[T], str | Collection[str]]],
) -> tuple[T, ...]:
    """The items that meet every filter; refused when a filter names no property."""
    return matching(items, filters, properties, "InvalidParameter.FilterInvalidKey")


def _check(id_: str) -> None:
    if not _ID.fullmatch(id_):
        raise Refusal("InvalidParameterValue.Malformed", f"`{id_}` is no identifier.")


def _check_alone(ids: Sequence[str], filters: Sequence[Filter]) -> None:
    if ids and filters:
        raise Refusal("InvalidParameter.Coexist", "Ids and Filters cannot be given together.")
