"""What a doctor tells: findings, each with its remedy, and what could not be looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How bad a finding is."""

    CRITICAL = "critical"
    """Something does not work."""
    WARNING = "warning"
    """It works and should not stay so."""
    NOTE = "note"
    """It works, and others may want it otherwise; it does not make an installation unhealthy."""


_ORDER = tuple(Severity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is not as it should be."""

    severity: Severity
    code: str
    about: str
    """The object: `pod default/web`, `registry demo`."""
    cause: str
    remedy: str
    commands: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()

    def to_json(self) -> Mapping[str, Any]:
        """As `-o json` prints it."""
        return {
            "severity": self.severity.value,
            "code": self.code,
            "about": self.about,
            "cause": self.cause,
            "evidence": list(self.evidence),
            "remedy": {"text": self.remedy, "commands": list(self.commands)},
        }


@dataclass(frozen=True, slots=True)
class Report:
    """All that was found, the worst first, and what nobody could see."""

    findings: tuple[Finding, ...] = ()
    unseen: tuple[str, ...] = ()
    """What could not be looked at, and why, a sentence each."""

    def __add__(self, other: Report) -> Report:
        findings = sorted((*self.findings, *other.findings), key=_rank)
        return Report(tuple(findings), (*self.unseen, *other.unseen))

    @property
    def is_healthy(self) -> bool:
        """Whether nothing was found but notes."""
        return all(one.severity is Severity.NOTE for one in self.findings)

    @property
    def exit_code(self) -> int:
        """For CI: 0 healthy, 1 findings, 2 when something could not be looked at."""
        if not self.is_healthy:
            return 1
        return 2 if self.unseen else 0


def _rank(finding: Finding) -> int:
    return _ORDER.index(finding.severity)
