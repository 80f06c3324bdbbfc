"""What the resolvers have to be told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Naming:
    """Where questions are noted, and who is asked for names that nobody here knows."""

    folder: Path
    """Of the logs of questions: one ring of the last ones for each VPC, see `query_log`."""
    uplink: str = ""
    """The address of another name server, perhaps with a port, reached by the host's own network;
    empty when there is none, so that nothing but the private and the public zones exists.
    """
