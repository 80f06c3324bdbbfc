"""Where an installation's internet leads besides itself, as its agent has it."""

from __future__ import annotations

import msgspec

NAME = "uplink"
"""There is one record, which the agent writes when it starts."""


class Uplink(msgspec.Struct, frozen=True, kw_only=True):
    """What the agent was started with."""

    leads_out: bool = False
    """Whether packets to addresses that nobody has here go to the host's own network."""
    resolver: str = ""
    """Who is asked for names that no zone here knows; empty for nobody."""


NOWHERE = Uplink()
