"""Tags: names that a user gives to resources."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from towline.cloud.action import Answer, Parameters
from towline.cloud.page import Filter
from towline.cloud.refusal import Refusal

_KEY_LENGTH, _VALUE_LENGTH, _MOST = 127, 255, 50


class Tag(Parameters, frozen=True, kw_only=True):
    """One tag, as it is given and as it is told."""

    key: str
    value: str = ""


class TagSpecification(Parameters, frozen=True, kw_only=True):
    """The tags of a resource of some type."""

    resource_type: str = ""
    tags: tuple[Tag, ...] = ()


class Tags(Answer, frozen=True, kw_only=True):
    """The tags of a resource, never null: Terraform reads them without looking."""

    resource_type: str
    tags: tuple[Tag, ...] = ()


def stored(specification: TagSpecification | None) -> dict[str, str]:
    """The tags as a resource keeps them."""
    return {} if specification is None else {tag.key: tag.value for tag in specification.tags}


def told(resource_type: str, tags: dict[str, str]) -> Tags:
    """The tags as an answer shows them."""
    shown = tuple(Tag(key=key, value=value) for key, value in tags.items())
    return Tags(resource_type=resource_type, tags=shown)


def checked(tags: Sequence[Tag]) -> dict[str, str]:
    """The tags as a resource of the network product keeps them; refused when they cannot be."""
    kept = {tag.key: tag.value for tag in tags}
    if len(kept) < len(tags):
        raise Refusal("InvalidParameterValue.TagDuplicateKey", "A tag's key is given twice.")
    if len(kept) > _MOST:
        raise Refusal("LimitExceeded.TagKeyPerResourceExceeded", f"At most {_MOST} tags.")
    for key, value in kept.items():
        if not 0 < len(key) <= _KEY_LENGTH:
            raise Refusal(
                "InvalidParameterValue.TagInvalidKeyLen",
                f"A key has 1 to {_KEY_LENGTH} characters.",
            )
        if len(value) > _VALUE_LENGTH:
            raise Refusal(
                "InvalidParameterValue.TagInvalidVal", f"A value has at most {_VALUE_LENGTH}."
            )
    return kept


def shown(tags: dict[str, str]) -> tuple[Tag, ...]:
    """The tags as the answers of the network product show them."""
    return tuple(Tag(key=key, value=value) for key, value in tags.items())


class Tagged(Protocol):
    """Whatever has tags."""

    @property
    def tags(self) -> dict[str, str]:
        """From key to value."""


def tag_properties(
    filters: Sequence[Filter],
) -> dict[str, Callable[[Tagged], Collection[str]]]:
    """What filters on tags read: `tag-key`, `tag-value`, and `tag:<key>` for the keys they name."""
    named = (one.name for one in filters if one.name.startswith("tag:"))
    return {
        "tag-key": lambda one: tuple(one.tags),
        "tag-value": lambda one: tuple(one.tags.values()),
        **{name: _value_of(name.removeprefix("tag:")) for name in named},
    }


def _value_of(key: str) -> Callable[[Tagged], Collection[str]]:
    return lambda one: (one.tags[key],) if key in one.tags else ()
