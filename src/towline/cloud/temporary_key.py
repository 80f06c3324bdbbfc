"""Temporary credentials: a SecretId, a SecretKey and a token, valid until a moment.

Nothing of them is stored. The token carries what was granted, authenticated with the secret of the
key that asked; the temporary secret is derived from the same secret and the temporary id. So they
end with their time, or at once when that key is disabled or deleted.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from dataclasses import dataclass

import msgspec

from towline.cloud.policy import Policy
from towline.resource.access_key import AccessKey

_TOKEN, _SECRET = b"towline temporary token", b"towline temporary secret"
_TAG = 32  # bytes of HMAC-SHA256


class MalformedToken(Exception):
    """A text that was never given out as a token."""


class _Claims(msgspec.Struct, frozen=True, array_like=True):
    secret_id: str
    parent_id: str
    session: str
    expires_at: int
    policy: Policy


@dataclass(frozen=True, slots=True)
class TemporaryToken:
    """What a token says; whether it is to be believed, `was_issued_by` tells."""

    secret_id: str
    parent_id: str
    session: str
    expires_at: int
    """Seconds since the epoch."""
    policy: Policy
    _claims: bytes
    _tag: bytes

    @classmethod
    def read(cls, text: str) -> TemporaryToken:
        """Read a token; raises `MalformedToken`."""
        try:
            content = base64.urlsafe_b64decode(text.encode("ascii"))
            claims = msgspec.msgpack.decode(content[_TAG:], type=_Claims)
        except (UnicodeEncodeError, binascii.Error, msgspec.DecodeError) as error:
            raise MalformedToken(str(error)) from error
        return cls(
            claims.secret_id,
            claims.parent_id,
            claims.session,
            claims.expires_at,
            claims.policy,
            content[_TAG:],
            content[:_TAG],
        )

    def was_issued_by(self, key: AccessKey) -> bool:
        """Whether the token was made with this key's secret and not changed since."""
        return hmac.compare_digest(_tag(key, self._claims), self._tag)


@dataclass(frozen=True, slots=True)
class Grant:
    """What temporary credentials are given for."""

    session: str
    expires_at: int
    policy: Policy


@dataclass(frozen=True, slots=True)
class TemporaryKey:
    """Temporary credentials, as their user is told them."""

    secret_id: str
    secret_key: str
    token: str


def issue(parent: AccessKey, grant: Grant) -> TemporaryKey:
    """Make temporary credentials that act for `parent`."""
    secret_id = f"AKID{secrets.token_hex(24)}"
    claims = msgspec.msgpack.encode(
        _Claims(secret_id, parent.secret_id, grant.session, grant.expires_at, grant.policy)
    )
    token = base64.urlsafe_b64encode(_tag(parent, claims) + claims).decode()
    return TemporaryKey(secret_id, temporary_secret(parent, secret_id), token)


def temporary_secret(parent: AccessKey, secret_id: str) -> str:
    """The SecretKey that goes with a temporary SecretId of a key."""
    return hmac.digest(parent.secret_key.encode(), _SECRET + secret_id.encode(), "sha256").hex()


def _tag(parent: AccessKey, claims: bytes) -> bytes:
    return hmac.digest(parent.secret_key.encode(), _TOKEN + claims, "sha256")
