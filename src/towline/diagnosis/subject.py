"""What a diagnosis is about, in words: the image, its registry and its repository, as far as known."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.oci.reference import InvalidReference, Reference


def image(facts: Facts) -> str:
    """The image as it was written."""
    return facts.image or "the image"


def registry(facts: Facts) -> str:
    """The registry's host, with its port where the image has one."""
    known = _parsed(facts)
    return known.domain if known else "the registry"


def repository(facts: Facts) -> str:
    """The registry and the path on it."""
    known = _parsed(facts)
    return known.name if known else "the repository"


def _parsed(facts: Facts) -> Reference | None:
    if not facts.image:
        return None
    try:
        return Reference.parse(facts.image)
    except InvalidReference:
        return None
