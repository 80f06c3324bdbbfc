"""TLS servers with every kind of certificate, good and bad."""

from __future__ import annotations

import ssl
import warnings
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from tests.certificates import Issued, Wish, issue


class Certificate(StrEnum):
    """What a TLS server shows, and how it shakes hands."""

    GOOD = "good"
    SELF_SIGNED = "self-signed"
    SELF_SIGNED_EXPIRED = "self-signed and expired"
    UNKNOWN = "by an authority that nobody trusts"
    UNKNOWN_WITH_ROOT = "by an authority that nobody trusts, which is sent too"
    INCOMPLETE = "without its intermediate"
    INTERMEDIATE = "with its intermediate"
    WILDCARD = "for all names of its domain"
    EXPIRED = "expired"
    FUTURE = "not yet valid"
    WRONG_HOST = "for other names"
    INGRESS_DEFAULT = "an ingress controller's own"
    COMMON_NAME = "with a common name only"
    OLD_1_0 = "good, over TLS 1.0"
    OLD_1_1 = "good, over TLS 1.1"
    MUTUAL = "good, and wants one of the client"
    UNRECOGNIZED = "good, and does not know the name"
    TERSE = "good, and goes no further than the handshake"


ALERTING = frozenset(
    {
        Certificate.OLD_1_0,
        Certificate.OLD_1_1,
        Certificate.MUTUAL,
        Certificate.UNRECOGNIZED,
        Certificate.TERSE,
    }
)
"""Those that shake hands and do nothing else, but say why when they do not."""


class Certificates:
    """Issues them, each for one host."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def trusted(self) -> Issued:
        """The authority that clients trust."""
        return issue(self._folder, Wish(common_name="laboratory", authority=True))

    @cached_property
    def stranger(self) -> Issued:
        """Another authority, which nobody trusts."""
        return issue(self._folder, Wish(common_name="Corp Root CA", authority=True))

    @cached_property
    def intermediate(self) -> Issued:
        """An authority that the trusted one has signed."""
        wish = Wish(common_name="laboratory issuing", authority=True)
        return issue(self._folder, wish, self.trusted)

    def context(self, kind: Certificate, host: str) -> ssl.SSLContext:
        """How a server of this kind shakes hands."""
        issued, chain = self._issued(kind, host)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        path = self._folder / f"{issued.x509.serial_number:x}.chain"
        path.write_bytes(b"".join(each.certificate.read_bytes() for each in (issued, *chain)))
        context.load_cert_chain(path, issued.key)
        _behave(context, kind, host, self.trusted)
        return context

    def _issued(self, kind: Certificate, host: str) -> tuple[Issued, tuple[Issued, ...]]:
        """The certificate, and those that are sent after it."""
        signer = self._signer(kind)
        issued = issue(self._folder, _wish(kind, host), signer)
        sent = {Certificate.UNKNOWN_WITH_ROOT, Certificate.INTERMEDIATE}
        return issued, (signer,) if signer and kind in sent else ()

    def _signer(self, kind: Certificate) -> Issued | None:
        match kind:
            case (
                Certificate.SELF_SIGNED
                | Certificate.SELF_SIGNED_EXPIRED
                | Certificate.INGRESS_DEFAULT
            ):
                return None
            case Certificate.UNKNOWN | Certificate.UNKNOWN_WITH_ROOT:
                return self.stranger
            case Certificate.INCOMPLETE | Certificate.INTERMEDIATE:
                return self.intermediate
            case _:
                return self.trusted


def _wish(kind: Certificate, host: str) -> Wish:
    expired = Wish(names=(host,), common_name=host, expired=True)
    unusual = {
        Certificate.EXPIRED: expired,
        Certificate.SELF_SIGNED_EXPIRED: expired,
        Certificate.INGRESS_DEFAULT: Wish(
            names=("0a1b.traefik.default",), common_name="TRAEFIK DEFAULT CERT"
        ),
        Certificate.FUTURE: Wish(names=(host,), future=True),
        Certificate.WRONG_HOST: Wish(names=("www.lab.example", "lab.example")),
        Certificate.WILDCARD: Wish(names=(f"*.{host.partition('.')[2]}",)),
        Certificate.COMMON_NAME: Wish(common_name=host),
    }
    return unusual.get(kind, Wish(names=(host,), common_name=host))


def _behave(context: ssl.SSLContext, kind: Certificate, host: str, authority: Issued) -> None:
    old = {Certificate.OLD_1_0: ssl.TLSVersion.TLSv1, Certificate.OLD_1_1: ssl.TLSVersion.TLSv1_1}
    if kind in old:
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # that they are old is the point
            context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
            context.maximum_version = old[kind]
    if kind is Certificate.MUTUAL:
        context.load_verify_locations(authority.certificate)
        context.verify_mode = ssl.CERT_REQUIRED
    if kind is Certificate.UNRECOGNIZED:
        context.sni_callback = lambda _, name, __: (
            ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME if name == host else None
        )
