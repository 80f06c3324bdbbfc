"""One thing that is wrong, and what is expected to be said and done about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bench.situation.ground import Ground


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A workload that does not get its image."""

    image: str
    names: tuple[str, ...]
    """What the verdict must name: the object that is to be changed, by its id or name."""
    namespace: str
    annotations: Mapping[str, str] = field(default_factory=dict)
    own_annotations: Mapping[str, str] = field(default_factory=dict)
    """The Deployment's own, where they do nothing."""
    secrets: tuple[str, ...] = ()
    bare: bool = False
    """A pod that nothing makes anew, instead of a Deployment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """`make` breaks what is whole; everything is made whole before it."""

    name: str
    code: str
    """How the verdict's code begins."""
    make: Callable[[Ground], Broken]
    flags: tuple[str, ...] = ()
    """What has to be said to `towline fix` before it does anything."""
    fixable: bool = True
    """Whether the remedy lies in Towline's hands."""
    public: bool = False
    """Whether the way is the internet instead of the private link."""
