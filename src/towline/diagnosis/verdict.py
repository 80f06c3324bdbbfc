"""What a diagnosis says: the cause by a stable code, how sure that is, and what to do about it.

A code is `stage.cause` (`tls.self-signed`), the same for every runtime that words it differently.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Confidence(StrEnum):
    """How sure a verdict is."""

    PROVED = "proved"
    """A probe or the control plane saw it."""
    READ = "read"
    """An error text says so, and no other cause is known to say the same."""
    ONE_OF = "one-of"
    """The text fits several causes; a request would decide."""


class Who(StrEnum):
    """Who can apply a remedy."""

    POD_AUTHOR = "pod author"
    NETWORK_ADMIN = "network admin"
    REGISTRY_ADMIN = "registry admin"
    PLATFORM = "platform"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """What mends it, for this very object."""

    text: str
    commands: tuple[str, ...] = ()
    """To be typed as they are."""
    who: Who = Who.POD_AUTHOR
    retry_helps: bool = False
    """Whether the same pull may succeed later with nothing changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Why a pull fails."""

    code: str
    confidence: Confidence
    cause: str
    """One sentence, without a full stop."""
    remedy: Remedy
    evidence: tuple[str, ...] = ()
    """What was seen, a line each; nothing secret."""
    alternatives: tuple[str, ...] = ()
    """The other codes that fit, where the confidence is `one-of`."""
    decided_by: str = ""
    """The request that would tell them apart, or that did."""

    @property
    def stage(self) -> str:
        """Where the pull stops."""
        return self.code.partition(".")[0]

    def to_json(self) -> Mapping[str, Any]:
        """The verdict as `-o json` prints it."""
        return {
            "code": self.code,
            "stage": self.stage,
            "confidence": self.confidence.value,
            "alternatives": list(self.alternatives),
            "cause": self.cause,
            "evidence": list(self.evidence),
            "decided_by": self.decided_by,
            "remedy": {
                "text": self.remedy.text,
                "commands": list(self.remedy.commands),
                "who": self.remedy.who.value,
                "retry_helps": self.remedy.retry_helps,
            },
        }
