"""When answers to probes begin to count: so many in a row, as the kubelet's `prober/worker.go`."""

from __future__ import annotations

from dataclasses import dataclass, replace

from towline.kube.probe import Probe


@dataclass(frozen=True, slots=True)
class Tally:
    """The answers so far. `verdict` is the last one that counted."""

    verdict: bool
    in_a_row: int = 0
    last: bool | None = None

    def heard(self, probe: Probe, *, success: bool) -> Tally:
        """One answer more."""
        in_a_row = self.in_a_row + 1 if self.last is success else 1
        needed = probe.success_threshold if success else probe.failure_threshold
        verdict = success if in_a_row >= needed else self.verdict
        return replace(self, verdict=verdict, in_a_row=in_a_row, last=success)
