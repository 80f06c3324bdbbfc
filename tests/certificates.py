"""Certificates for tests: self-signed, or signed by an authority made for the occasion."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate and its key, as files and as objects."""

    certificate: Path
    key: Path
    x509: x509.Certificate
    private: ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class Wish:
    """What a certificate should say."""

    names: tuple[str, ...] = ()
    common_name: str = "test"
    expired: bool = False
    future: bool = False
    authority: bool = False
    issuer_url: str = ""
    """Where it says that its issuer's certificate is to be had."""


def issue(folder: Path, wish: Wish, signer: Issued | None = None) -> Issued:
    """Make a certificate; self-signed unless somebody signs it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, wish.common_name)])
    end = datetime.now(UTC) + (-DAY if wish.expired else 12 * DAY if wish.future else DAY)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer.x509.subject if signer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - 10 * DAY)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=wish.authority, path_length=None), critical=True)
    )
    if wish.names:
        names = x509.SubjectAlternativeName([_name(name) for name in wish.names])
        builder = builder.add_extension(names, critical=False)
    if wish.issuer_url:
        place = x509.UniformResourceIdentifier(wish.issuer_url)
        entry = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, place)
        builder = builder.add_extension(x509.AuthorityInformationAccess([entry]), critical=False)
    certificate = builder.sign(signer.private if signer else key, hashes.SHA256())
    return _written(folder, certificate, key)


def _name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _written(
    folder: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey
) -> Issued:
    stem = folder / f"{certificate.serial_number:x}"
    paths = stem.with_suffix(".crt"), stem.with_suffix(".key")
    pem = serialization.Encoding.PEM
    paths[0].write_bytes(certificate.public_bytes(pem))
    plain = serialization.NoEncryption()
    paths[1].write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    return Issued(*paths, certificate, key)
