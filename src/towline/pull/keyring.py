"""Which credentials are tried for an image, and in which order: the kubelet's rules."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase


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

    def lookup(self, image: str) -> tuple[Login, ...]:
        """The logins to try for an image's normalised name, in order, without repetitions.

        Keys are tried in reverse order of their text, so that a longer path comes first.
        """
        ordered = sorted(self.entries, key=lambda entry: entry[0], reverse=True)
        return tuple(dict.fromkeys(login for key, login in ordered if _opens(key, image)))


def _opens(key: str, image: str) -> bool:
    key = key.removeprefix("https://").removeprefix("http://")
    key_host, _, key_path = key.partition("/")
    image_host, _, image_path = image.partition("/")
    key_name, _, key_port = key_host.partition(":")
    image_name, _, image_port = image_host.partition(":")
    labels, others = key_name.split("."), image_name.split(".")
    return (
        key_port == image_port
        and len(labels) == len(others)
        and all(map(fnmatchcase, others, labels))
        and image_path.startswith(key_path)
    )
