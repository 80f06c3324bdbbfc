"""A door: a listening socket through which exactly one instance can be reached."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Scheme(StrEnum):
    """How a door speaks."""

    HTTP = "http"
    HTTPS = "https"


@dataclass(frozen=True, slots=True)
class Door:
    """What a door is, without its socket."""

    id: str
    instance_id: str
    scheme: Scheme
