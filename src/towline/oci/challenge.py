"""`WWW-Authenticate`: what a server wants to see before it answers.

RFC 9110 §11.6.1 allows several challenges in one header, commas both between challenges and between
parameters, and quoted strings with commas in them (a scope of `pull,push` is the daily case), so
the header has to be read, not split. Neither aiohttp nor http.client parses this header.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105  # a grammar, not a secret
_PARAMETER = re.compile(rf'\s*({_TOKEN})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))')
_SCHEME = re.compile(rf"\s*({_TOKEN})(?=\s|,|$)")
_SEPARATOR = re.compile(r"\s*,")


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way to authenticate that the server offers. Parameter names are lower-case."""

    scheme: str
    """Lower-case: `bearer`, `basic`."""
    parameters: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        inside = ",".join(f'{name}="{_quote(value)}"' for name, value in self.parameters.items())
        return f"{self.scheme.capitalize()} {inside}".rstrip()


def parse_challenges(headers: Iterable[str]) -> tuple[Challenge, ...]:
    """All challenges of all `WWW-Authenticate` headers, in order; what cannot be read is left
    out.
    """
    return tuple(challenge for header in headers for challenge in _parse(header))


def _parse(header: str) -> Iterable[Challenge]:
    position, found = 0, list[Challenge]()
    while position < len(header):
        scheme = _SCHEME.match(header, position)
        if scheme is None:
            comma = _SEPARATOR.match(header, position)
            if comma is None:
                break
            position = comma.end()
            continue
        parameters, position = _parameters(header, scheme.end())
        found.append(Challenge(scheme[1].lower(), parameters))
    return found


def _parameters(header: str, position: int) -> tuple[dict[str, str], int]:
    parameters = dict[str, str]()
    while match := _PARAMETER.match(header, position):
        quoted = match[2]
        value = match[3] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        parameters.setdefault(match[1].lower(), value)
        position = match.end()
        comma = _SEPARATOR.match(header, position)
        if comma is None:
            break
        position = comma.end()
    return parameters, position


def _quote(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
