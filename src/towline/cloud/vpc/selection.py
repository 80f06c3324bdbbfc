"""Choosing by id: the network product refuses what other products answer with an empty list."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol, TypeVar

from towline.cloud.page import Filter
from towline.cloud.refusal import Refusal

_ID = re.compile(r"[a-z]+-[a-z0-9]{8}")


class _Identified(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=_Identified)


def selected(items: Sequence[T], ids: Sequence[str], filters: Sequence[Filter]) -> list[T]:
    """All items, or those with the ids asked for; refused when one of these does not exist."""
    if ids and filters:
        raise Refusal("InvalidParameter.Coexist", "Ids and Filters cannot be given together.")
    by_id = {item.id: item for item in items}
    for id_ in ids:
        if not _ID.fullmatch(id_):
            raise Refusal("InvalidParameterValue.Malformed", f"`{id_}` is no identifier.")
        if id_ not in by_id:
            raise Refusal("ResourceNotFound", f"The resource `{id_}` does not exist.")
    return [by_id[id_] for id_ in ids] if ids else list(items)
