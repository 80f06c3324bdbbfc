"""What a pull took, in numbers: bytes that came, bytes that were here, and where the time went."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from towline.pull.attempt import Attempt, Step, StepKind
from towline.pull.layers import Receipt

_DURATIONS = {
    StepKind.RESOLVE: "resolve",
    StepKind.DIAL: "dial",
    StepKind.SECURE: "secure",
    StepKind.REQUEST: "request",
}


@dataclass(frozen=True, slots=True)
class Summary:
    """Of all layers together."""

    fetched: int
    """Bytes of layers that came over the network."""
    reused: int
    """Bytes of layers that were here already, or were left by a download that was cut."""
    seconds: Mapping[str, float]
    """`resolve`, `dial`, `secure` and `request` are sums of waiting; `layers` is from the first
    layer's beginning to the last one's end, and `total` from the first step to the last.
    """


def summarize(attempts: Iterable[Attempt], receipts: Iterable[Receipt]) -> Summary:
    """Of a pull that succeeded; what came of several tries counts together."""
    steps = [step for attempt in attempts for step in attempt.steps]
    known = tuple(receipts)
    seconds = {
        name: sum(step.seconds for step in steps if step.kind is kind)
        for kind, name in _DURATIONS.items()
    }
    seconds["layers"] = _span([step for step in steps if step.kind is StepKind.LAYER])
    seconds["total"] = _span([step for step in steps if step.began])
    return Summary(
        sum(receipt.fetched for receipt in known),
        sum(receipt.reused for receipt in known),
        {name: round(value, 3) for name, value in seconds.items()},
    )


def _span(steps: list[Step]) -> float:
    ends = (step.began + step.seconds for step in steps)
    return max(ends, default=0.0) - min((step.began for step in steps), default=0.0)
