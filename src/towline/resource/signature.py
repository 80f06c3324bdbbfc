"""How a request to the cloud is signed: TC3-HMAC-SHA256, for those who sign and those who verify.

https://www.tencentcloud.com/document/api/213/31575 . Written by hand because the official SDK can
sign only its own requests and cannot verify any.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

ALGORITHM = "TC3-HMAC-SHA256"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"  # what X-TC-Content-SHA256 says when the body is not signed

_AUTHORIZATION = re.compile(
    rf"{ALGORITHM} +Credential="
    r"(?P<id>[^/, ]+)/(?P<date>\d{4}-\d\d-\d\d)/(?P<service>[^/, ]+)/tc3_request,"
    r" *SignedHeaders=(?P<headers>[^, ]+), *Signature=(?P<signature>[0-9a-f]{64})",
)


@dataclass(frozen=True, slots=True)
class Signable:
    """Everything of a request that its signature covers."""

    method: str
    query: str
    headers: tuple[tuple[str, str], ...]
    """The signed headers, in the order in which they were signed; names in lower case."""
    payload: bytes
    timestamp: int
    service: str

    @property
    def signed_headers(self) -> str:
        """The names of the signed headers as the canonical request lists them."""
        return ";".join(name for name, _ in self.headers)

    @property
    def date(self) -> str:
        """The UTC day of the timestamp."""
        return datetime.fromtimestamp(self.timestamp, UTC).strftime("%Y-%m-%d")

    def text(self) -> str:
        """The string to sign. The canonical path is `/`, whatever the URL says."""
        lines = "".join(f"{name}:{value}\n" for name, value in self.headers)
        body = sha256(self.payload).hexdigest()
        canonical = f"{self.method}\n/\n{self.query}\n{lines}\n{self.signed_headers}\n{body}"
        hashed = sha256(canonical.encode()).hexdigest()
        return f"{ALGORITHM}\n{self.timestamp}\n{self.date}/{self.service}/tc3_request\n{hashed}"


@dataclass(frozen=True, slots=True)
class Authorization:
    """What an `Authorization` header claims."""

    secret_id: str
    date: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str

    @classmethod
    def parse(cls, text: str) -> Authorization | None:
        """Read a header; None when it is not a TC3 authorization."""
        match = _AUTHORIZATION.fullmatch(text.strip())
        if match is None:
            return None
        headers = tuple(match["headers"].lower().split(";"))
        return cls(match["id"], match["date"], match["service"], headers, match["signature"])

    def __str__(self) -> str:
        return (
            f"{ALGORITHM} Credential={self.secret_id}/{self.date}/{self.service}/tc3_request, "
            f"SignedHeaders={';'.join(self.signed_headers)}, Signature={self.signature}"
        )


def sign(signable: Signable, secret_key: str) -> str:
    """The signature of a request under a secret key, in hex."""
    key = f"TC3{secret_key}".encode()
    for part in (signable.date, signable.service, "tc3_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, signable.text().encode(), "sha256").hex()


def authorize(signable: Signable, secret_id: str, secret_key: str) -> str:
    """The `Authorization` header of a request."""
    names = tuple(name for name, _ in signable.headers)
    signature = sign(signable, secret_key)
    return str(Authorization(secret_id, signable.date, signable.service, names, signature))
