"""All that is known of a pull that fails, from whatever side: what a verdict is made of."""

from __future__ import annotations

from dataclasses import dataclass

from towline.diagnosis.observation import Observations
from towline.diagnosis.plane import Plane, PodSeen
from towline.pull.attempt import Attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Any part may be missing; a rule concludes from what is there."""

    image: str = ""
    client: str = ""
    """The runtime that failed, `containerd 1.7` for example; empty when nobody said."""
    text: str = ""
    """What it printed."""
    attempt: Attempt | None = None
    """The record of our own pull."""
    seen: Observations | None = None
    """What a probe met on the way of the pull."""
    pod: PodSeen | None = None
    plane: Plane | None = None
