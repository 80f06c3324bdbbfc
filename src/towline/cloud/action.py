"""What an action is: the parameters it takes and the function that answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from towline.cloud.context import Context


class Parameters(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """The parameters of one action; fields without a default are required."""


class Answer(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """The fields of one action's response, or of an object in it."""


class Done(Answer, frozen=True, kw_only=True):
    """The answer of an action that has nothing to say."""


P = TypeVar("P", bound=Parameters)


@dataclass(frozen=True, slots=True)
class Action(Generic[P]):
    """One action of the API."""

    parameters: type[P]
    run: Callable[[Context, P], Awaitable[Answer]]


AnyAction = Action[Any]
