"""Parts of lists: how a caller asks for some of many."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar

from towline.cloud.action import Parameters
from towline.cloud.refusal import Refusal

MAX_LIMIT = 200  # documented is 100; Terraform asks for 200 and stops when fewer come back

T = TypeVar("T")


class Filter(Parameters, frozen=True, kw_only=True):
    """A condition: the named property has one of the values."""

    name: str
    values: tuple[str, ...]


def number(name: str, value: int | str, highest: int | None = None) -> int:
    """Read a number that some actions want as text; refused when it is none or out of range."""
    try:
        read = int(value)
    except ValueError:
        raise Refusal("InvalidParameterValue", f"`{name}` must be a number.") from None
    if read < 0 or (highest is not None and read > highest):
        range_ = "not be negative" if highest is None else f"be between 0 and {highest}"
        raise Refusal("InvalidParameterValue", f"`{name}` must {range_}.")
    return read


def part(items: Sequence[T], offset: int | str, limit: int | str) -> tuple[T, ...]:
    """The items from `offset` on, at most `limit`."""
    start = number("Offset", offset)
    return tuple(items[start : start + number("Limit", limit, MAX_LIMIT)])


def numbered_page(items: Sequence[T], page: int, size: int) -> tuple[T, ...]:
    """The items of a page, where the API means pages by `Offset`; 0 and 1 are both the first."""
    start = (max(number("Offset", page), 1) - 1) * number("Limit", size, MAX_LIMIT)
    return tuple(items[start : start + size])


def matching(
    items: Sequence[T],
    filters: Sequence[Filter],
    properties: Mapping[str, Callable[[T], str | Collection[str]]],
    unknown: str = "InvalidParameter",
) -> tuple[T, ...]:
    """The items that meet every filter; refused with `unknown` when a filter names no property.

    Where a property is a collection, one value of it is enough.
    """
    for filter_ in filters:
        if filter_.name not in properties:
            known = ", ".join(sorted(properties))
            raise Refusal(unknown, f"There is no filter `{filter_.name}`, only {known}.")
        read = properties[filter_.name]
        items = [item for item in items if _meets(read(item), filter_.values)]
    return tuple(items)


def _meets(value: str | Collection[str], wanted: Sequence[str]) -> bool:
    return value in wanted if isinstance(value, str) else not set(wanted).isdisjoint(value)
