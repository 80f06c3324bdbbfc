"""Who sent a request: the verification of its signature."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from towline.cloud.access_key import AccessKey
from towline.cloud.refusal import Refusal
from towline.resource.signature import UNSIGNED_PAYLOAD, Authorization, Signable, sign

SKEW = 300  # seconds that the clocks of client and server may differ
_ALWAYS_SIGNED = {"content-type", "host"}


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request as it came. Header names are in lower case; `Host` may be anything, even a URL."""

    method: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Caller:
    """The account that signed, and the product that the signature is for."""

    uin: str
    service: str


def authenticate(request: HttpRequest, keys: Mapping[str, AccessKey], now: datetime) -> Caller:
    """Verify the signature; refused with an `AuthFailure` code that says what is wrong."""
    authorization = _authorization(request)
    timestamp = _timestamp(request, now)
    key = keys.get(authorization.secret_id)
    if key is None:
        raise Refusal("AuthFailure.SecretIdNotFound", "The SecretId is not found.")
    if request.headers.get("x-tc-token"):
        raise Refusal("AuthFailure.TokenFailure", "Security tokens are not issued here.")
    if not _is_signed(request, authorization, timestamp, key.secret_key):
        raise Refusal(
            "AuthFailure.SignatureFailure",
            "The provided credentials could not be validated."
            " Please ensure your signature is correct.",
        )
    return Caller(key.uin, authorization.service)


def _is_signed(
    request: HttpRequest, claimed: Authorization, timestamp: int, secret_key: str
) -> bool:
    for headers in _spellings(request, claimed.signed_headers):
        signable = Signable(
            method=request.method,
            query=request.query,
            headers=headers,
            payload=_payload(request),
            timestamp=timestamp,
            service=claimed.service,
        )
        expected = sign(signable, secret_key)
        if signable.date == claimed.date and hmac.compare_digest(expected, claimed.signature):
            return True
    return False


def _authorization(request: HttpRequest) -> Authorization:
    text = request.headers.get("authorization", "")
    if not text:
        raise Refusal("MissingParameter", "The request is missing a required header Authorization.")
    authorization = Authorization.parse(text)
    if authorization is None or not set(authorization.signed_headers) >= _ALWAYS_SIGNED:
        raise Refusal(
            "AuthFailure.InvalidAuthorization",
            "The Authorization header must be TC3-HMAC-SHA256 and sign content-type and host.",
        )
    return authorization


def _timestamp(request: HttpRequest, now: datetime) -> int:
    text = request.headers.get("x-tc-timestamp", "")
    if not text:
        raise Refusal("MissingParameter", "The request is missing the header X-TC-Timestamp.")
    if not (text.isascii() and text.isdigit() and len(text) <= 11):
        raise Refusal("InvalidParameter", "X-TC-Timestamp is not a number of seconds.")
    if abs(now.timestamp() - int(text)) > SKEW:
        raise Refusal(
            "AuthFailure.SignatureExpire",
            "The signature has expired: X-TC-Timestamp is over five minutes from our time.",
        )
    return int(text)


def _payload(request: HttpRequest) -> bytes:
    unsigned = request.headers.get("x-tc-content-sha256") == UNSIGNED_PAYLOAD
    return UNSIGNED_PAYLOAD.encode() if unsigned else request.body


def _spellings(
    request: HttpRequest, names: tuple[str, ...]
) -> tuple[tuple[tuple[str, str], ...], ...]:
    """The signed headers as sent and in lower case: the specification wants the latter, SDKs do the
    former.
    """
    as_sent = tuple((name, request.headers.get(name, "").strip()) for name in names)
    return as_sent, tuple((name, value.lower()) for name, value in as_sent)
