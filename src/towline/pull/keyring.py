"""Which credentials are tried for an image, and in which order: the kubelet's rules, to the letter."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Login:
    """A user name and a password for a registry."""

    username: str
    password: str

    def __repr__(self) -> str:
        return f"Login(username={self.username!r}, password=…)"


@dataclass(frozen=True, slots=True)
class Keyring:
    """Registry keys (`host[:port][/path]`, globs allowed per label) and the logins they open."""

    entries: tuple[tuple[str, Login], ...] = ()
