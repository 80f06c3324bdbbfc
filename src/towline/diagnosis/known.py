"""A cause that the control plane knows, whatever a probe saw of it: with the objects by their names."""

from __future__ import annotations

from dataclasses import dataclass

from towline.diagnosis.verdict import Remedy


@dataclass(frozen=True, slots=True)
class Known:
    """What the records say."""

    cause: str
    """One sentence, without a full stop."""
    evidence: tuple[str, ...]
    remedy: Remedy
