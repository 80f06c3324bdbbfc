"""Which registries are reached over plain HTTP, and whose certificates are not verified.

Both lists come from a pod's annotations. An entry is `host[:port]` exactly as it stands before the
image's first slash; a port that is part of the image's name must be part of the entry. `all` stands
for every registry of the pod. When a registry is in both lists, HTTP wins: there is no certificate
to skip.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from towline.kube.annotations import REGISTRY_HTTP_ENDPOINT, REGISTRY_INSECURE_SKIP_VERIFY
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
class RegistryPolicy:
    """How registries are spoken to; by default over TLS with a verified certificate."""

    plain_http: AddressList = AddressList()
    unverified: AddressList = AddressList()
    lenient: AddressList = AddressList()
    """Registries on our own loopback, which may answer plain HTTP."""

    @classmethod
    def from_annotations(cls, annotations: Mapping[str, str]) -> RegistryPolicy:
        """What a pod's annotations ask for."""
        return cls(
            AddressList.parse(annotations.get(REGISTRY_HTTP_ENDPOINT, "")),
            AddressList.parse(annotations.get(REGISTRY_INSECURE_SKIP_VERIFY, "")),
        )

    def transport(self, address: str) -> Transport:
        """How the registry of this `host[:port]` is spoken to."""
        if address in self.plain_http:
            return Transport.PLAIN
        if address in self.unverified:
            return Transport.TLS_UNVERIFIED
        return Transport.TLS_OR_PLAIN if address in self.lenient else Transport.TLS
