"""The installation's own certificate authorities, and the certificates they give its roles.

Keys are EC P-256 in PKCS#8, which granian, OpenSSL and Go all read. Their keys never leave
the data directory; pods' pulls trust their certificates.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_LIFE = timedelta(days=3650)
CERTIFICATE_LIFE = timedelta(days=825)  # the longest that Apple's clients accept from a private CA
_BACKDATED = timedelta(hours=1)  # clocks of pods and hosts may differ a little


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate and its private key, both PEM."""

    certificate: bytes
    key: bytes


def new_key() -> bytes:
    """An EC P-256 private key as PKCS#8 PEM: for certificates and for ES256 tokens."""
    return _pem(ec.generate_private_key(ec.SECP256R1()))


def new_authority(name: str, now: datetime) -> Identity:
    """A certificate authority that signs only leaf certificates."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _subject(name)
    certificate = (
        _builder(subject, subject, key.public_key(), now, AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(authority=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Identity(certificate.public_bytes(Encoding.PEM), _pem(key))


def server_identity(authority: Identity, names: Sequence[str], now: datetime) -> Identity:
    """A server's certificate for these host names and IP addresses; the first is its common name."""
    alternatives = x509.SubjectAlternativeName([_general_name(name) for name in names])
    return _issue(authority, names[0], ExtendedKeyUsageOID.SERVER_AUTH, alternatives, now)


def client_identity(authority: Identity, user: str, now: datetime) -> Identity:
    """A client's certificate; `user` is its common name."""
    return _issue(authority, user, ExtendedKeyUsageOID.CLIENT_AUTH, None, now)


def expires_within(certificate: bytes, span: timedelta, now: datetime) -> bool:
    """Whether a PEM certificate is over, or will be within the span."""
    return x509.load_pem_x509_certificate(certificate).not_valid_after_utc <= now + span


def _issue(
    authority: Identity,
    name: str,
    purpose: x509.ObjectIdentifier,
    alternatives: x509.SubjectAlternativeName | None,
    now: datetime,
) -> Identity:
    issuer = x509.load_pem_x509_certificate(authority.certificate)
    issuer_key = load_pem_private_key(authority.key, password=None)
    if not isinstance(issuer_key, ec.EllipticCurvePrivateKey):
        raise TypeError("the authority's key is not an EC key")
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        _builder(_subject(name), issuer.subject, key.public_key(), now, CERTIFICATE_LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
    )
    if alternatives is not None:
        builder = builder.add_extension(alternatives, critical=False)
    certificate = builder.sign(issuer_key, hashes.SHA256())
    return Identity(certificate.public_bytes(Encoding.PEM), _pem(key))


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    now: datetime,
    life: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
