"""Tags: names that a user gives to resources."""

from __future__ import annotations

from towline.cloud.action import Answer, Parameters


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
