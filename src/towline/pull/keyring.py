"""Which credentials are tried for an image, and in which order: the kubelet's rules.

They are those of Kubernetes' `pkg/credentialprovider/keyring.go`, oddities included, because people
rely on them: keys are tried in reverse order of their text, a key's path is a prefix of text and
not of components (`r.io/foo` also opens `r.io/foobar`), and `*` stands for no more than one label
of a host name.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

import msgspec

HUB = "index.docker.io"
_HUB_NAMES = frozenset({"docker.io", HUB})
_HOST = re.compile(r"[A-Za-z0-9.\-_~!$&'()*+,;=:\[\]<>\"^]*")  # what Go's net/url lets a host be


class InvalidDockerConfig(Exception):
    """A pull Secret whose content cannot be read; the text is the kubelet's."""


class SecretType(StrEnum):
    """The types of Secrets that hold credentials."""

    DOCKER_CONFIG_JSON = "kubernetes.io/dockerconfigjson"
    DOCKERCFG = "kubernetes.io/dockercfg"


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

    @classmethod
    def from_secret(cls, type: str, data: Mapping[str, bytes]) -> Keyring:  # noqa: A002  # its name
        """The logins of a Secret; none when it is of another type.

        Raises `InvalidDockerConfig`, as the kubelet fails the whole pull for one broken Secret.
        """
        if type == SecretType.DOCKER_CONFIG_JSON and (content := data.get(".dockerconfigjson")):
            return cls(_entries(_decode(content, _DockerConfigJson).auths))
        if type == SecretType.DOCKERCFG and (content := data.get(".dockercfg")):
            return cls(_entries(_decode(content, dict[str, _Entry])))
        return cls()

    def joined(self, other: Keyring) -> Keyring:
        """Both keyrings as one; the other's logins come later under the same key."""
        return Keyring(self.entries + other.entries)

    def lookup(self, image: str) -> tuple[Login, ...]:
        """The logins to try for an image, in order, without repetitions.

        When there are none, and only then, an anonymous pull is tried.
        """
        name = _without_tag(image)
        keys = [(key, login) for text, login in self.entries if (key := _key(text)) is not None]
        ordered = sorted(keys, key=lambda entry: entry[0], reverse=True)
        found = [login for key, login in ordered if _opens(key, name)]
        if not found and _is_of_hub(name):
            found = [login for key, login in keys if key == HUB]
        return tuple(dict.fromkeys(found))


class _Entry(msgspec.Struct, frozen=True):
    username: str | None = None
    password: str | None = None
    auth: str | None = None


class _DockerConfigJson(msgspec.Struct, frozen=True):
    auths: dict[str, _Entry] = {}


def _decode(content: bytes, type: Any) -> Any:  # noqa: A002  # msgspec's own word
    try:
        return msgspec.json.decode(content, type=type)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidDockerConfig(f"unable to parse docker config: {error}") from error


def _entries(auths: Mapping[str, _Entry]) -> tuple[tuple[str, Login], ...]:
    return tuple((key, _login(entry)) for key, entry in auths.items())


def _login(entry: _Entry) -> Login:
    """`auth` wins over the name and password beside it."""
    if not entry.auth:
        return Login(entry.username or "", entry.password or "")
    text = entry.auth.strip("\r\n")
    padding = "" if entry.auth.strip().endswith("=") else "=" * (-len(text) % 4)
    try:
        decoded = base64.b64decode(text + padding, validate=True).decode(errors="replace")
    except binascii.Error as error:
        raise InvalidDockerConfig(f"illegal base64 data: {error}") from error
    username, colon, password = decoded.partition(":")
    if not colon:
        raise InvalidDockerConfig(
            "unable to parse auth field, must be formatted as base64(username:password)"
        )
    return Login(username, password)


def _key(text: str) -> str | None:
    """A key without scheme and API version; None for what is no address at all."""
    address = text.removeprefix("https://").removeprefix("http://")
    address = re.split("[?#]", address, maxsplit=1)[0]
    host, _, path = address.partition("/")
    if not _HOST.fullmatch(host):
        return None
    path = f"/{path}" if path else ""
    if path.startswith(("/v1/", "/v2/")):
        path = path[3:]
    return host if path == "/" else host + path


def _without_tag(image: str) -> str:
    name = image.partition("@")[0]
    folder, slash, last = name.rpartition("/")
    return folder + slash + last.partition(":")[0] if slash else name


def _is_of_hub(name: str) -> bool:
    first, slash, _ = name.partition("/")
    if not first:
        return False
    return not slash or first in _HUB_NAMES or not any(sign in first for sign in ".:")


def _opens(key: str, name: str) -> bool:
    key_host, key_slash, key_path = key.partition("/")
    host, slash, path = name.partition("/")
    key_labels, key_port = _split(key_host)
    labels, port = _split(host)
    return (
        key_port == port
        and len(key_labels) == len(labels)
        and (slash + path).startswith(key_slash + key_path)
        and all(_glob_matches(*pair) for pair in zip(key_labels, labels, strict=True))
    )


def _split(host: str) -> tuple[list[str], str]:
    """The labels and the port; an IPv6 address is one label."""
    name, bracket, rest = host.rpartition("]")
    if bracket:
        return [name.removeprefix("[")], rest.removeprefix(":")
    name, _, port = host.partition(":")
    return name.split("."), port


def _glob_matches(glob: str, label: str) -> bool:
    pattern = _pattern(glob)
    return pattern is not None and pattern.fullmatch(label) is not None


@lru_cache(maxsize=1024)
def _pattern(glob: str) -> re.Pattern[str] | None:
    """Go's `filepath.Match` as an expression; None for a glob that it refuses."""
    parts, rest = "", glob
    while rest:
        sign, rest = rest[0], rest[1:]
        if sign == "*":
            parts += "[^/]*"
        elif sign == "[":
            body, bracket, rest = rest.partition("]")
            if not bracket or not body.removeprefix("^"):
                return None
            negation = "^" if body.startswith("^") else ""
            parts += f"[{negation}{_ranges(body.removeprefix('^'))}]"
        else:
            parts += re.escape(sign)
    try:
        return re.compile(parts)
    except re.error:
        return None


def _ranges(body: str) -> str:
    return "".join(sign if sign == "-" else re.escape(sign) for sign in body)
