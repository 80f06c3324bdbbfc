"""Which registries are reached over plain HTTP, whose certificates are not verified, and whose are known.

The lists come from a pod's annotations. An entry is `host[:port]` exactly as it stands before the
image's first slash; a port that is part of the image's name must be part of the entry. `all` stands
for every registry of the pod. When a registry is in both lists, HTTP wins: there is no certificate
to skip. A registry whose certificate is pinned is in neither list, whatever they say: it must show
that certificate, which then needs no authority, no name and no date to be believed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from towline.kube.annotations import (
    REGISTRY_CERTIFICATE,
    REGISTRY_HTTP_ENDPOINT,
    REGISTRY_INSECURE_SKIP_VERIFY,
    REGISTRY_NO_PROXY,
    REGISTRY_PROXY,
)
from towline.pull.proxy import NO_PROXIES, Proxies
from towline.pull.wire import Transport

ALL = "all"


@dataclass(frozen=True, slots=True)
class AddressList:
    """Registry addresses, or all of them."""

    addresses: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, value: str) -> AddressList:
        """Read `a,b:5000` or `all`; spaces around commas and the case of letters do not matter."""
        words = (word.strip().lower() for word in value.split(","))
        return cls(frozenset(word for word in words if word))

    def __contains__(self, address: str) -> bool:
        return ALL in self.addresses or address.lower() in self.addresses


@dataclass(frozen=True, slots=True)
class Pins:
    """The certificates that registries must show, each by the SHA-256 of its DER form, in hex."""

    fingerprints: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By `host[:port]` in lower case."""

    @classmethod
    def parse(cls, value: str) -> Pins:
        """Read `a=<hex>,b:5000=<hex>`; two for one host allow for a change of certificates.

        What is no fingerprint fits no certificate, so that a slip closes and never opens.
        """
        found: dict[str, frozenset[str]] = {}
        for word in filter(None, map(str.strip, value.lower().split(","))):
            host, _, digest = word.partition("=")
            plain = digest.strip().removeprefix("sha256:").replace(":", "")
            found[host.strip()] = found.get(host.strip(), frozenset()) | {plain}
        return cls(found)

    def of(self, address: str) -> frozenset[str]:
        """The fingerprints for a registry; empty when its certificate is verified as usual."""
        return self.fingerprints.get(address.lower(), frozenset())


@dataclass(frozen=True, slots=True)
class RegistryPolicy:
    """How registries are spoken to; by default over TLS with a verified certificate."""

    plain_http: AddressList = AddressList()
    unverified: AddressList = AddressList()
    lenient: AddressList = AddressList()
    """Registries on our own loopback, which may answer plain HTTP."""
    pins: Pins = Pins()
    proxies: Proxies = NO_PROXIES

    @classmethod
    def from_annotations(cls, annotations: Mapping[str, str]) -> RegistryPolicy:
        """What a pod's annotations ask for."""
        return cls(
            AddressList.parse(annotations.get(REGISTRY_HTTP_ENDPOINT, "")),
            AddressList.parse(annotations.get(REGISTRY_INSECURE_SKIP_VERIFY, "")),
            pins=Pins.parse(annotations.get(REGISTRY_CERTIFICATE, "")),
            proxies=_proxies(annotations),
        )

    def transport(self, address: str) -> Transport:
        """How the registry of this `host[:port]` is spoken to."""
        if self.pins.of(address):
            return Transport.TLS
        if address in self.plain_http:
            return Transport.PLAIN
        if address in self.unverified:
            return Transport.TLS_UNVERIFIED
        return Transport.TLS_OR_PLAIN if address in self.lenient else Transport.TLS


def _proxies(annotations: Mapping[str, str]) -> Proxies:
    """A pod has one proxy for all registries, but for those that it excepts."""
    url = annotations.get(REGISTRY_PROXY, "").strip()
    return Proxies(url, url, annotations.get(REGISTRY_NO_PROXY, ""), source=REGISTRY_PROXY)
