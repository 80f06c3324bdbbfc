"""From a private zone's record to what is said of it on the wire."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.TXT

from towline.resource.private_zone import ZoneRecord

APEX, ANY_NAME = "@", "*"
TYPES = ("A", "AAAA", "CNAME", "MX", "TXT", "PTR", "SRV")
_STRING = 255  # bytes of one string of a TXT record (RFC 1035, 3.3)
_LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})*\.?")
_IN = dns.rdataclass.IN


def owner_of(record: ZoneRecord, apex: dns.name.Name) -> dns.name.Name:
    """The whole name that a record of the zone is about."""
    if record.subdomain == APEX:
        return apex
    return dns.name.from_text(record.subdomain.lower(), apex)


def rdata_of(record: ZoneRecord) -> dns.rdata.Rdata:
    """What the record says; raises `ValueError` when its value is none of its type."""
    type_, value = record.type, record.value
    match type_:
        case "A":
            text = str(IPv4Address(value))
        case "AAAA":
            text = str(IPv6Address(value))
        case "CNAME" | "PTR":
            text = _host(value)
        case "MX":
            text = f"{record.mx} {_host(value)}"
        case "SRV":
            text = _service(value)
        case "TXT":
            return _text(value)
        case _:
            raise ValueError(f"there are no records of type {type_} here")
    return dns.rdata.from_text(_IN, dns.rdatatype.from_text(type_), text)


def _host(value: str) -> str:
    """A name, with its last dot."""
    if not _HOST.fullmatch(value):
        raise ValueError(f"{value!r} is no name of a host")
    try:
        return dns.name.from_text(value).to_text()
    except dns.exception.DNSException as error:
        raise ValueError(f"{value!r} is no name: {error}") from error


def _service(value: str) -> str:
    """Priority, weight, port and name (RFC 2782)."""
    *numbers, target = value.split(" ")
    if len(numbers) != 3 or not all(one.isdecimal() and int(one) < 2**16 for one in numbers):
        raise ValueError(f"{value!r} is not a priority, a weight, a port and a name")
    return f"{' '.join(numbers)} {_host(target)}"


def _text(value: str) -> dns.rdata.Rdata:
    held = value.encode()
    if not held:
        raise ValueError("a text must not be empty")
    strings = [held[first : first + _STRING] for first in range(0, len(held), _STRING)]
    return dns.rdtypes.ANY.TXT.TXT(_IN, dns.rdatatype.TXT, strings)
