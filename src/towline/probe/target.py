"""What a probe is to look at, and with whose keys."""

from __future__ import annotations

from dataclasses import dataclass

import jwt

from towline.diagnosis.observation import LoginSeen
from towline.oci.platform import Platform
from towline.pull.keyring import Keyring, Login
from towline.pull.policy import RegistryPolicy


@dataclass(frozen=True, slots=True)
class Target:
    """An image as somebody wrote it, and how it would be pulled."""

    image: str
    platform: Platform
    keyring: Keyring
    policy: RegistryPolicy
    suspects: tuple[str, ...] = ()
    """Digests of layers that a failed pull names: they are looked at before all others."""

    def logins(self) -> tuple[LoginSeen, ...]:
        """The keys that there are, without what opens them."""
        matching = self.keyring.lookup(self.image)
        return tuple(
            LoginSeen(key, login.username, login in matching, *_claims(login))
            for key, login in self.keyring.entries
        )


def _claims(login: Login) -> tuple[bool, int | None]:
    """Whether the password is a JWT, and when it ends."""
    claims = read_claims(login.password)
    if claims is None:
        return False, None
    return True, as_time(claims.get("exp"))


def read_claims(token: str) -> dict[str, object] | None:
    """What a JWT says of itself, believed by nobody; None when it is none."""
    try:
        return dict(jwt.decode(token, options={"verify_signature": False}))
    except (jwt.InvalidTokenError, ValueError):
        return None


def as_time(value: object) -> int | None:
    """A claim that is a time."""
    return int(value) if isinstance(value, int | float) else None
