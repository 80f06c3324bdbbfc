"""A claim on a value that only one resource may have, such as an instance's name."""

from __future__ import annotations

import msgspec

NAME = "instance-name"
DOMAIN = "custom-domain"
PUBLIC_ADDRESS = "public-address"


class Claim(msgspec.Struct, frozen=True):
    """Who has the value. A claim whose owner no longer exists may be taken over."""

    owner_id: str
