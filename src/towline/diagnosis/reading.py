"""What a runtime printed about a failed pull, taken apart: innermost cause, request, client."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The parts of a text that signs look at."""

    text: str
    """All of it that belongs to one attempt."""
    cause: str
    """The innermost cause, lower-case, without the chain of wrappers."""
    client: str = ""
    """`containerd`, `docker`, `podman` ...; empty when it cannot be told."""
    shown: str = ""
    """The text as evidence: one line, as it was printed."""


def read(text: str, client: str = "") -> Reading:
    """Take a text apart."""
    line = text.strip().splitlines()[-1].strip() if text.strip() else ""
    return Reading(text=text.lower(), cause=line.lower(), client=client, shown=line)
