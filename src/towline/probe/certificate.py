"""What a certificate says, and what a Go client would hold against it.

Python's ssl passes a certificate that has the host only as common name; every runtime refuses it.
So OpenSSL is asked about the signatures alone, and names and times are looked at here.
"""

from __future__ import annotations

from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from towline.diagnosis.observed_path import CertificateSeen, TrustOutcome
from towline.probe.name import is_address

_SELF_SIGNED = 18  # X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT
_TIME = frozenset({9, 10})  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED


def read_certificate(der: bytes) -> CertificateSeen | None:
    """Read a certificate; None for bytes that cannot be read as one."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        return CertificateSeen(
            certificate.subject.rfc4514_string(),
            certificate.issuer.rfc4514_string(),
            _names(certificate),
            _common_name(certificate),
            int(certificate.not_valid_before_utc.timestamp()),
            int(certificate.not_valid_after_utc.timestamp()),
            certificate.fingerprint(hashes.SHA256()).hex(),
            _issuer_url(certificate),
        )
    except ValueError:
        return None


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        kind = x509.SubjectAlternativeName
        names = certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return ()
    addresses = map(str, names.get_values_for_type(x509.IPAddress))
    return (*names.get_values_for_type(x509.DNSName), *addresses)


def _common_name(certificate: x509.Certificate) -> str:
    found = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else ""


def _issuer_url(certificate: x509.Certificate) -> str:
    try:
        kind = x509.AuthorityInformationAccess
        entries = certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return ""
    wanted = AuthorityInformationAccessOID.CA_ISSUERS
    places = (entry.access_location.value for entry in entries if entry.access_method == wanted)
    return str(next(places, ""))


def problems(
    chain: tuple[CertificateSeen, ...], host: str, now: int, verdict: int
) -> tuple[TrustOutcome, ...]:
    """All that is wrong, in the order in which Go looks: time, names, signatures.

    `verdict` is OpenSSL's verification error, 0 when it is content.
    """
    leaf = chain[0]
    found = [*_wrong_times(leaf, now, verdict), *_wrong_names(leaf, host)]
    if verdict == _SELF_SIGNED or (verdict and leaf.subject == leaf.issuer):
        found.append(TrustOutcome.SELF_SIGNED)
    elif verdict and verdict not in _TIME:
        found.append(TrustOutcome.UNTRUSTED)
    return tuple(found)


def _wrong_times(leaf: CertificateSeen, now: int, verdict: int) -> list[TrustOutcome]:
    if now < leaf.not_before:
        return [TrustOutcome.NOT_YET_VALID]
    if now > leaf.not_after or verdict == max(_TIME):
        return [TrustOutcome.EXPIRED]
    return [TrustOutcome.NOT_YET_VALID] if verdict == min(_TIME) else []


def _wrong_names(leaf: CertificateSeen, host: str) -> list[TrustOutcome]:
    if covers(leaf.names, host):
        return []
    if is_address(host):
        named = any(is_address(name) for name in leaf.names)
        return [TrustOutcome.WRONG_NAME if named else TrustOutcome.NO_ADDRESS_NAMES]
    if not leaf.names and matches(leaf.common_name, host):
        return [TrustOutcome.COMMON_NAME_ONLY]
    return [TrustOutcome.WRONG_NAME]


def covers(names: tuple[str, ...], host: str) -> bool:
    """Whether a certificate with these names is good for a host."""
    if is_address(host):
        wanted = ip_address(host)
        return any(is_address(name) and ip_address(name) == wanted for name in names)
    return any(matches(name, host) for name in names)


def matches(pattern: str, host: str) -> bool:
    """RFC 6125 as Go does it: a star stands for the whole of the first label only."""
    labels, wanted = pattern.lower().split("."), host.lower().rstrip(".").split(".")
    if len(labels) != len(wanted) or not all(wanted):
        return False
    return labels[0] in {"*", wanted[0]} and labels[1:] == wanted[1:]
