"""Who sent a request: the verification of its signature."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Protocol

from towline.cloud.policy import EVERYTHING, Policy
from towline.cloud.refusal import Refusal
from towline.cloud.temporary_key import MalformedToken, TemporaryToken, temporary_secret
from towline.resource.access_key import AccessKey
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
    source: str = ""
    """The address of the client."""


class Keys(Protocol):
    """What is known of keys."""

    def get(self, secret_id: str, /) -> AccessKey | None:
        """The key with this id, if it opens anything."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose key signed, and the product that the signature is for.

    Temporary credentials act for the key with which they were asked for, as far as their policy
    goes.
    """

    key: AccessKey
    service: str
    session: str = ""
    """The name under which temporary credentials were given out; empty for the key itself."""
    policy: Policy = EVERYTHING

    @property
    def uin(self) -> str:
        """The account."""
        return self.key.uin


@dataclass(frozen=True, slots=True)
class _Signer:
    """Who a request claims to come from, and the secret that would prove it."""

    caller: Caller
    secret_key: str


def authenticate(request: HttpRequest, keys: Keys, now: datetime) -> Caller:
    """Verify the signature; refused with an `AuthFailure` code that says what is wrong.

    There is no memory of requests: as with the real API, one that was recorded may be sent again
    until its timestamp is five minutes old. What cannot be changed on the way is the method, the
    query, the body (unless it is declared UNSIGNED-PAYLOAD), the timestamp, the service and the
    headers that are signed. Only `content-type` and `host` must be: as with the real API, all
    others, `X-TC-Action` and `X-TC-Version` among them, stand outside of the signature unless the
    client signs them. Whoever can rewrite a request needs no more than that to have another action
    run with its body; against that helps only a client that signs them, or a TLS proxy before us.
    """
    _check_text(request)
    authorization = _authorization(request)
    timestamp = _timestamp(request, now)
    signer = _signer(request, authorization, keys, now)
    signed = _is_signed(request, authorization, timestamp, signer.secret_key)
    if not (signed and _is_body_as_declared(request)):
        raise Refusal(
            "AuthFailure.SignatureFailure",
            "The provided credentials could not be validated."
            " Please ensure your signature is correct.",
        )
    return signer.caller


def _check_text(request: HttpRequest) -> None:
    """Refuse bytes that are no UTF-8: the server passes them on as halves of characters, which can
    be neither hashed nor answered.
    """
    try:
        "\n".join((request.query, *request.headers, *request.headers.values())).encode()
    except UnicodeEncodeError as error:
        raise Refusal(
            "InvalidParameter", "The query and the headers must be written in UTF-8."
        ) from error


def _signer(request: HttpRequest, claimed: Authorization, keys: Keys, now: datetime) -> _Signer:
    text = request.headers.get("x-tc-token", "")
    if text:
        return _temporary_signer(text, claimed, keys, now)
    key = keys.get(claimed.secret_id)
    if key is None:
        raise Refusal(
            "AuthFailure.SecretIdNotFound",
            "The SecretId is not found: it was never given out, or it is deleted or disabled.",
        )
    return _Signer(Caller(key, claimed.service), key.secret_key)


def _temporary_signer(text: str, claimed: Authorization, keys: Keys, now: datetime) -> _Signer:
    try:
        token = TemporaryToken.read(text)
    except MalformedToken as error:
        raise Refusal("AuthFailure.TokenFailure", f"X-TC-Token is no token: {error}.") from error
    key = keys.get(token.parent_id)
    genuine = key is not None and token.was_issued_by(key)
    if key is None or not genuine or token.secret_id != claimed.secret_id:
        raise Refusal(
            "AuthFailure.TokenFailure",
            "X-TC-Token does not belong to the SecretId, or the key it came from is gone.",
        )
    if now.timestamp() >= token.expires_at:
        raise Refusal("AuthFailure.TokenFailure", "X-TC-Token has expired: ask for a new one.")
    caller = Caller(key, claimed.service, token.session, token.policy)
    return _Signer(caller, temporary_secret(key, token.secret_id))


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


def _is_body_as_declared(request: HttpRequest) -> bool:
    """Whether the header with the hash of the body, where there is one, tells the truth."""
    declared = request.headers.get("x-tc-content-sha256", UNSIGNED_PAYLOAD)
    if declared == UNSIGNED_PAYLOAD:
        return True
    actual = sha256(request.body).hexdigest()
    return hmac.compare_digest(declared.lower().encode(), actual.encode())


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
