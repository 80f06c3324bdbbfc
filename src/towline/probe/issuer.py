"""The issuer of a certificate that came alone, fetched from where the certificate says it is.

A server that forgets its intermediate certificate looks like one that is signed by an unknown
authority. Certificates name a place for their issuer's (RFC 5280 §4.2.2.1); browsers fetch it, Go
does not. If the chain holds with it, the server is to send it; if not, nobody here knows the
authority.
"""

from __future__ import annotations

import contextlib
import ssl
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from towline.diagnosis.observed_path import TlsSeen, TrustOutcome
from towline.probe.authorities import verifying
from towline.probe.dial import dial
from towline.probe.exchange import Ask, exchange
from towline.probe.name import NameProbe, is_address
from towline.probe.vantage import Sockets
from towline.pull.wire import Url


class IssuerProbe:
    """Fetches issuers, from one vantage."""

    def __init__(
        self, sockets: Sockets, names: NameProbe, ca_file: Path | None, seconds: float
    ) -> None:
        self._sockets = sockets
        self._names = names
        self._ca_file = ca_file
        self._seconds = seconds

    async def context(self, seen: TlsSeen) -> ssl.SSLContext | None:
        """A context that knows the issuer, if that is what is missing and can be had."""
        lonely = seen.problems == (TrustOutcome.UNTRUSTED,) and len(seen.chain) == 1
        url = Url.parse(seen.chain[0].issuer_url) if lonely else None
        if url is None or url.scheme != "http":
            return None
        certificate = _read(await self._fetch(url, seen.peer.rpartition(":")[0].strip("[]")))
        if certificate is None:
            return None
        context = verifying(self._ca_file)
        # As a link of the chain, not as its end.
        context.verify_flags = ssl.VerifyFlags(
            context.verify_flags & ~ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
        )
        context.load_verify_locations(cadata=certificate.public_bytes(Encoding.PEM).decode())
        return context

    async def _fetch(self, url: Url, server: str) -> bytes:
        dns = await self._names.look_up(url.host)
        for address in dns.addresses[:2]:
            if _is_own(address) and not _is_own(server):
                continue  # nobody elsewhere may send us to services of this machine
            _, stream = await dial(self._sockets, address, url.port, self._seconds)
            if stream is None:
                continue
            try:
                reply = await exchange(stream, Ask("GET", url), self._seconds)
            finally:
                stream.close()
            return reply.content if reply.seen.status == 200 else b""
        return b""


def _is_own(host: str) -> bool:
    """Whether only this machine, or what serves it, is reached so."""
    if not is_address(host):
        return False
    parsed = ip_address(host)
    return parsed.is_loopback or parsed.is_link_local or parsed.is_unspecified


def _read(content: bytes) -> x509.Certificate | None:
    with contextlib.suppress(ValueError):
        if content.lstrip().startswith(b"-----BEGIN"):
            return x509.load_pem_x509_certificate(content)
        return x509.load_der_x509_certificate(content) if content else None
    return None
