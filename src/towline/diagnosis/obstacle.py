"""What stands in the way of a pull: one thing, with what was seen of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Obstacle:
    """The code of a rule, and why it is true here."""

    code: str
    evidence: tuple[str, ...]
    cause: str = ""
    """Where it can be said more exactly than the rule's title."""
