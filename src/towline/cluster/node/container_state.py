"""What a node knows of one container of a pod."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from towline.cluster.node.provider import Exit, Image
from towline.cluster.node.step import Situation


@dataclass(frozen=True, slots=True)
class Waiting:
    """Why a container does not run, when there is more to say than that it is being made."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a container; still going on when `exit` is None."""

    attempt: int
    text: str
    """The image as the pod's specification named it."""
    image: Image | None
    """None when nobody remembers it."""
    started_at: float
    exit: Exit | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """What the probes of a run have found."""

    started: bool = True
    ready: bool = True
    condemned: str = ""
    """Why the run has to end, in the words of the event that tells of it."""


class Doing(Enum):
    """What is under way."""

    NOTHING = "nothing"
    STARTING = "starting"
    STOPPING = "stopping"


@dataclass(frozen=True, slots=True)
class ContainerState:
    """A container, from its first start to now."""

    run: Run | None = None
    previous: Run | None = None
    waiting: Waiting | None = None
    doing: Doing = Doing.NOTHING
    try_at: float = 0.0
    """Not before this time, in seconds since the epoch, is a start tried."""
    health: Health = field(default_factory=Health)
    renewed: bool = False
    """Whether the run was ended so that another one can begin."""

    @property
    def is_running(self) -> bool:
        """Whether a process of it runs."""
        return self.run is not None and self.run.exit is None

    @property
    def situation(self) -> Situation:
        """Where it is, for decisions."""
        if self.doing is Doing.STARTING:
            return Situation.STARTING
        if self.run is None:
            return Situation.ABSENT
        if self.run.exit is not None:
            return Situation.EXITED
        return Situation.STOPPING if self.doing is Doing.STOPPING else Situation.RUNNING

    @property
    def next_attempt(self) -> int:
        """The number of the next run."""
        return 0 if self.run is None else self.run.attempt + 1
