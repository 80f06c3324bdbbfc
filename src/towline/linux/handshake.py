"""The TLS handshake, and what Go's client would say of the certificate.

OpenSSL and Go look at a bad certificate in different orders: Go first at its time, then at its
names, then at who signed it. The texts that people search for follow Go, so the chain is OpenSSL's
to verify and the rest is done here.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import re
import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import NameOID

from towline.linux.socket_line import SocketLine
from towline.pull.message import expiry_detail
from towline.pull.wire import Fault, Trouble, WireFailed

_NOT_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG"})
_HTTP_REST = re.compile(rb"[12]\.[0-9] [0-9]{3}|2 [0-9]{3}")  # of `HTTP/1.1 400 Bad Request`
_ALERTS = {  # OpenSSL's reason, Go's words
    "TLSV1_ALERT_PROTOCOL_VERSION": "protocol version not supported",
    "UNSUPPORTED_PROTOCOL": "protocol version not supported",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "handshake failure",
    "TLSV1_UNRECOGNIZED_NAME": "unrecognized name",
    "TLSV1_ALERT_INTERNAL_ERROR": "internal error",
    "TLSV1_ALERT_ACCESS_DENIED": "access denied",
    "SSLV3_ALERT_BAD_CERTIFICATE": "bad certificate",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "certificate required",
}


class Authorities:
    """Whom we believe: the machine's authorities and one more, or nobody and everybody."""

    def __init__(self, ca_file: Path | None) -> None:
        self._ca_file = ca_file

    @cached_property
    def trusted(self) -> ssl.SSLContext:
        """Verifies the chain; names are checked here, by Go's rules."""
        defaults = ssl.get_default_verify_paths()
        machine = (defaults.cafile, defaults.capath)
        stamps = tuple(_stamp(place) for place in (*machine, self._ca_file) if place)
        return _believing(self._ca_file, stamps)

    @cached_property
    def none(self) -> ssl.SSLContext:
        """Verifies nothing."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return _http(context)


_Stamp = tuple[int, int, int]


def _stamp(place: Path | str) -> _Stamp:
    """What differs when somebody has replaced, changed or added certificates."""
    found = Path(place).stat()
    return found.st_ino, found.st_mtime_ns, found.st_size


@lru_cache(maxsize=4)
def _believing(ca_file: Path | None, _stamps: tuple[_Stamp, ...]) -> ssl.SSLContext:
    """A context for those whom the files name that bear the stamps. Reading the machine's authorities
    takes 25 ms, and every pull of every pod needs them.
    """
    context = ssl.create_default_context()
    context.check_hostname = False
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return _http(context)


def _http(context: ssl.SSLContext) -> ssl.SSLContext:
    context.set_alpn_protocols(["http/1.1"])
    return context


@dataclass(frozen=True, slots=True)
class Handshake:
    """Whom we want to reach, and how long we wait for it."""

    host: str
    authorities: Authorities
    patience: float

    def check_time(self, line: SocketLine) -> None:
        """Raises `WireFailed` when the certificate is not valid now."""
        certificate, now = _certificate(line), datetime.now(UTC).replace(microsecond=0)
        after, before = certificate.not_valid_after_utc, certificate.not_valid_before_utc
        if before <= now <= after:
            return
        expired = now > after
        detail = expiry_detail(
            _rfc3339(now), _rfc3339(after if expired else before), expired=expired
        )
        raise WireFailed(Fault(Trouble.EXPIRED, self.host, detail=detail))

    def check_name(self, line: SocketLine) -> None:
        """Raises `WireFailed` when the certificate is for somebody else, and hangs up."""
        fault = name_fault(_certificate(line), self.host)
        if fault is not None:
            line.close()
            raise WireFailed(fault)


async def shake_hands(line: SocketLine, handshake: Handshake, context: ssl.SSLContext) -> None:
    """Turn a line into a TLS line. Raises `WireFailed`, or OpenSSL's verification error."""
    secured = context.wrap_socket(
        line.sock, server_hostname=handshake.host, do_handshake_on_connect=False
    )
    line.sock = secured
    try:
        async with asyncio.timeout(handshake.patience):
            await _shake(secured)
    except ssl.SSLCertVerificationError:
        raise
    except TimeoutError as error:
        raise WireFailed(Fault(Trouble.HANDSHAKE_TIMED_OUT, line.peer)) from error
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError) as error:
        raise WireFailed(Fault(Trouble.CLOSED, line.peer)) from error
    except ssl.SSLError as error:
        raise WireFailed(_tls_fault(error, line)) from error
    except OSError as error:
        raise WireFailed(Fault(Trouble.RESET, line.peer, local=line.local)) from error


async def _shake(secured: ssl.SSLSocket) -> None:
    while True:
        try:
            secured.do_handshake()
        except ssl.SSLWantReadError:
            await _ready(secured)
        else:
            return


async def _ready(sock: socket.socket) -> None:
    """Wait until there is something to read. (What we write is small enough never to wait.)"""
    loop = asyncio.get_running_loop()
    ready = loop.create_future()

    def wake() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(sock.fileno(), wake)
    try:
        await ready
    finally:
        loop.remove_reader(sock.fileno())


def _tls_fault(error: ssl.SSLError, line: SocketLine) -> Fault:
    reason = error.reason or ""
    if reason in _NOT_TLS:
        http = _HTTP_REST.match(_rest(line.sock)) is not None
        return Fault(Trouble.HTTP_ANSWER if http else Trouble.NOT_TLS, line.peer)
    if reason in _ALERTS:
        return Fault(Trouble.TLS_ALERT, line.peer, detail=_ALERTS[reason])
    detail = reason.lower().replace("_", " ") or "failed"
    return Fault(Trouble.TLS_FAILED, line.peer, detail=detail)


def _rest(sock: socket.socket) -> bytes:
    """What came after the five bytes that OpenSSL took for the head of a record."""
    with socket.socket(fileno=os.dup(sock.fileno())) as same:
        try:
            return same.recv(16, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except OSError:
            return b""


def _certificate(line: SocketLine) -> x509.Certificate:
    assert isinstance(line.sock, ssl.SSLSocket)
    der = line.sock.getpeercert(binary_form=True)
    assert der is not None, "a TLS server has a certificate"
    return x509.load_der_x509_certificate(der)


def name_fault(certificate: x509.Certificate, host: str) -> Fault | None:
    """What Go's `VerifyHostname` finds wrong, if anything."""
    names = _alternative_names(certificate)
    dns_names = names.get_values_for_type(x509.DNSName) if names else []
    addresses = names.get_values_for_type(x509.IPAddress) if names else []
    try:
        wanted = ipaddress.ip_address(host)
    except ValueError:
        if any(_matches(pattern, host) for pattern in dns_names):
            return None
        valid = ", ".join(dns_names)
    else:
        if wanted in addresses:
            return None
        if names is not None and not addresses:
            return Fault(Trouble.NO_ADDRESS_NAMES, host)
        valid = ", ".join(map(str, addresses))
    return _wrong_name(certificate, host, valid, has_names=names is not None)


def _wrong_name(certificate: x509.Certificate, host: str, valid: str, *, has_names: bool) -> Fault:
    common = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if not has_names and any(_matches(str(name.value), host) for name in common):
        return Fault(Trouble.LEGACY_NAME, host)
    if not has_names and _is_address(host):
        return Fault(Trouble.NO_ADDRESS_NAMES, host)
    return Fault(Trouble.WRONG_NAME if valid else Trouble.NO_NAMES, host, detail=valid)


def _alternative_names(certificate: x509.Certificate) -> x509.SubjectAlternativeName | None:
    try:
        kind = x509.SubjectAlternativeName
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _matches(pattern: str, host: str) -> bool:
    """RFC 6125 as Go does it: a star stands for the whole of the first label only."""
    labels, wanted = pattern.lower().split("."), host.lower().rstrip(".").split(".")
    if len(labels) != len(wanted) or not all(wanted):
        return False
    return (labels[0] in {"*", wanted[0]}) and labels[1:] == wanted[1:]


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _rfc3339(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
