"""What was tried, step by step, and how it ended: what every explanation is made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from towline.oci.reference import Reference
from towline.pull.failure import Failure


class StepKind(StrEnum):
    """The stations of a pull."""

    RESOLVE = "resolve"
    DIAL = "dial"
    SECURE = "secure"
    AUTHORIZE = "authorize"
    REQUEST = "request"
    SHORTCUT = "shortcut"
    LAYER = "layer"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was tried. `outcome` is `ok`, a `Trouble`'s value or an HTTP status line."""

    kind: StepKind
    target: str
    """A host name, `address:port`, a URL or a digest; never with a secret in it."""
    outcome: str
    detail: str = ""
    """What it gave: addresses, an address, a size."""
    began: float = 0.0
    """Seconds on the wire's clock."""
    seconds: float = 0.0


OK = "ok"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try with one login; `failure` is None when it gave the image."""

    reference: Reference
    username: str | None
    """Whose credentials; None for an anonymous try."""
    steps: tuple[Step, ...]
    failure: Failure | None = None


@dataclass(slots=True)
class Record:
    """An attempt while it is made."""

    reference: Reference
    username: str | None
    steps: list[Step] = field(default_factory=list)

    def add(self, step: Step) -> None:
        """Write a step down."""
        self.steps.append(step)

    def closed(self, failure: Failure | None) -> Attempt:
        """The finished attempt."""
        return Attempt(self.reference, self.username, tuple(self.steps), failure)


class PullFailed(Exception):
    """No attempt gave the image. Its text is what the kubelet would show of containerd's answer."""

    def __init__(self, attempts: tuple[Attempt, ...], code: str, text: str) -> None:
        super().__init__(text)
        self.attempts = attempts
        self.code = code
        """The gRPC code of the last attempt: `NotFound`, `Unknown`, …"""

    @property
    def attempt(self) -> Attempt:
        """The last attempt: the one to explain."""
        return self.attempts[-1]
