"""New names for new things, drawn from the system's own randomness."""

from __future__ import annotations

import secrets
import string

_BASE36 = string.digits + string.ascii_lowercase
_BASE32 = _BASE36[:32]


def resource_id(prefix: str) -> str:
    """An identifier like `tcr-m3ut3qxx`: the prefix and eight characters."""
    return f"{prefix}-" + "".join(secrets.choice(_BASE36) for _ in range(8))


def token_id() -> str:
    """An identifier of a long-term token, like `ctrm3g86h7cp1kb7el2g`."""
    return "c" + "".join(secrets.choice(_BASE32) for _ in range(19))


def secret() -> str:
    """A password that cannot be guessed: 43 characters, 256 bits."""
    return secrets.token_urlsafe(32)
