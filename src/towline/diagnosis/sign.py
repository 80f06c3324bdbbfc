"""How an error text is recognised: small patterns that can be put together.

A pattern looks at one thing in a reading: words in the innermost cause, the request that failed, the
status, the kind of address. None looks at a whole sentence, for sentences change with every version
while causes keep their words.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_network

from towline.diagnosis.reading import Party, Reading, Request

_UNIQUE_LOCAL = ip_network("fc00::/7")
_PRIVATE = tuple(
    ip_network(each) for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A question to a reading; patterns combine with `&`, `|` and `~`."""

    fits: Callable[[Reading], bool]

    def __call__(self, reading: Reading) -> bool:
        """Whether it fits."""
        return self.fits(reading)

    def __and__(self, other: Pattern) -> Pattern:
        return Pattern(lambda reading: self(reading) and other(reading))

    def __or__(self, other: Pattern) -> Pattern:
        return Pattern(lambda reading: self(reading) or other(reading))

    def __invert__(self) -> Pattern:
        return Pattern(lambda reading: not self(reading))


def says(*phrases: str) -> Pattern:
    """The innermost cause has any of these words, written in lower case here."""
    return Pattern(lambda reading: any(phrase in reading.cause for phrase in phrases))


def mentions(*phrases: str) -> Pattern:
    """They stand anywhere in the error."""
    return Pattern(lambda reading: any(phrase in reading.text for phrase in phrases))


def matches(expression: str) -> Pattern:
    """The innermost cause has a part like this."""
    compiled = re.compile(expression)
    return Pattern(lambda reading: compiled.search(reading.cause) is not None)


def is_just(*words: str) -> Pattern:
    """The innermost cause is one of these and nothing else; words that wrap it may stand before."""

    def fits(reading: Reading) -> bool:
        last = reading.cause.rsplit("\n", 1)[-1].strip(" .")
        return any(last == each or last.endswith(f": {each}") for each in words)

    return Pattern(fits)


def is_all(*words: str) -> Pattern:
    """The innermost cause is one of these, with nothing before it."""
    return Pattern(lambda reading: reading.cause in words)


def status(*statuses: int) -> Pattern:
    """An answer came, with one of these statuses."""
    return Pattern(lambda reading: reading.status in statuses)


def asking(*requests: Request) -> Pattern:
    """One of these requests failed."""
    return Pattern(lambda reading: reading.request in requests)


def to(*parties: Party) -> Pattern:
    """It was sent to one of these."""
    return Pattern(lambda reading: reading.party in parties)


def by(*clients: str) -> Pattern:
    """One of these printed it."""
    return Pattern(lambda reading: reading.client in clients)


def _public(reading: Reading) -> bool:
    # 203.0.113.0/24 and its like stand for public addresses in what people publish, and Python
    # calls them private; what a network has of its own beside RFC 1918 no text tells.
    address = reading.address
    if address is None or address.is_loopback or address.is_unspecified:
        return False
    if isinstance(address, IPv6Address):
        return not (address.is_link_local or address in _UNIQUE_LOCAL)
    return not (address.is_link_local or any(address in network for network in _PRIVATE))


def _inner(reading: Reading) -> bool:
    return reading.address is not None and not _public(reading) and not _own(reading)


def _own(reading: Reading) -> bool:
    address = reading.address
    return address is not None and (address.is_loopback or address.is_unspecified)


PUBLIC = Pattern(_public)
"""The address that was dialled is no private one."""
PRIVATE = Pattern(_inner)
"""It is a private one, of RFC 1918, of shared space or link-local."""
THIS_MACHINE = Pattern(_own)
"""It is loopback, or no address at all: 0.0.0.0."""
IPV6 = Pattern(lambda reading: isinstance(reading.address, IPv6Address))
LOOKED_UP = Pattern(lambda reading: bool(reading.lookup))
"""A name was looked up in vain."""
ODD_PORT = Pattern(lambda reading: reading.port is not None)
"""The registry is asked at another port than the scheme's own."""
PLAIN_HTTP = Pattern(lambda reading: reading.scheme == "http")
UNANSWERED = Pattern(lambda reading: reading.wrapped)
"""The error happened below HTTP, while the request was made."""
ANONYMOUS = Pattern(lambda reading: reading.anonymous is True)
KEYED = Pattern(lambda reading: reading.anonymous is False or reading.key_given)
"""A credential was sent."""
HANGS = Pattern(lambda reading: not reading.failed)
"""No error was printed: the pull was still waiting."""
LAYERS_BEGUN = Pattern(lambda reading: reading.layers_begun)
AT_REGISTRY = to(Party.REGISTRY)
AT_TOKEN_SERVER = to(Party.TOKEN_SERVER)
AT_BLOB_STORE = to(Party.BLOB_STORE)
AT_PROXY = to(Party.PROXY)
FOR_TOKEN = asking(Request.TOKEN)
FOR_BLOB = asking(Request.BLOB)
BEFORE_LAYERS = asking(Request.PING, Request.MANIFEST, Request.UNKNOWN)
