"""One of several things, told by its name or its id."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from towline.problem import Problem

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Choice(Generic[T]):
    """How things of one kind are told apart, and what to do when there is none."""

    noun: str
    id: Callable[[T], str]
    name: Callable[[T], str]
    remedy: str

    def of(self, things: Sequence[T], wanted: str) -> T:
        """The thing of this name or id, or the only one when none is named; raises `Problem`."""
        named = [one for one in things if not wanted or wanted in (self.id(one), self.name(one))]
        if len(named) == 1:
            return named[0]
        known = ", ".join(f"{self.name(one) or '-'} ({self.id(one)})" for one in things) or "none"
        which = f"{self.noun} {wanted!r}" if wanted else f"only {self.noun}"
        count = "several are called" if len(named) > 1 and wanted else "there is no"
        raise Problem(
            f"no-such-{self.noun.lower().replace(' ', '-')}",
            cause=f"{count} {which}; there is: {known}",
            remedy=self.remedy,
        )
