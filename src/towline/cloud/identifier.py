"""New names for new things, drawn from the system's own randomness."""

from __future__ import annotations

import secrets
import string
from collections.abc import Collection

_BASE36 = string.digits + string.ascii_lowercase
_BASE32 = _BASE36[:32]
_NUMBERS = 2**31 - 1


def resource_id(prefix: str) -> str:
    """An identifier like `tcr-m3ut3qxx`: the prefix and eight characters."""
    return f"{prefix}-" + "".join(secrets.choice(_BASE36) for _ in range(8))


def number_id(taken: Collection[int]) -> int:
    """A number that is not taken, for what the API tells by numbers."""
    while True:
        number = secrets.randbelow(_NUMBERS) + 1
        if number not in taken:
            return number


def token_id() -> str:
    """An identifier of a long-term token, like `ctrm3g86h7cp1kb7el2g`."""
    return "c" + "".join(secrets.choice(_BASE32) for _ in range(19))


def secret() -> str:
    """A password that cannot be guessed: 43 characters, 256 bits."""
    return secrets.token_urlsafe(32)
