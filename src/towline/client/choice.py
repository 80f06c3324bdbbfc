"""One of several things, told by its name or its id."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
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
    creation: str = ""
    """How to get a first one; by default what the remedy says."""

    def of(self, things: Sequence[T], wanted: str) -> T:
        """The thing of this name or id, or the only one when none is named; raises `Problem`."""
        named = [one for one in things if not wanted or wanted in (self.id(one), self.name(one))]
        if len(named) == 1:
            return named[0]
        names = [self.name(one) for one in things]
        otherwise = self.remedy if things else self.creation or self.remedy
        raise Problem(
            f"no-such-{self.noun.lower().replace(' ', '-')}",
            cause=self._cause(things, named, wanted),
            remedy=otherwise if named else meant_or(otherwise, wanted, names),
        )

    def _cause(self, things: Sequence[T], named: Sequence[T], wanted: str) -> str:
        if named:
            called = f" called {wanted!r}" if wanted else ""
            return f"there are several {self.noun}s{called}: name one of {self._known(named)}"
        if wanted:
            return f"there is no {self.noun} {wanted!r}; there is: {self._known(things) or 'none'}"
        return f"there is no {self.noun}"

    def _known(self, things: Sequence[T]) -> str:
        return ", ".join(f"{self.name(one) or '-'} ({self.id(one)})" for one in things)


def meant_or(remedy: str, wanted: str, names: Iterable[str]) -> str:
    """The question whether one of these names was meant, or the remedy when none is like it."""
    close = get_close_matches(wanted, [name for name in names if name], n=1)
    return f"did you mean {close[0]!r}?" if close else remedy
