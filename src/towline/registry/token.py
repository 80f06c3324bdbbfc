"""Tokens: what the token endpoint signs and the gate believes.

ES256, as distribution's token specification has it, with the credential's id besides, so that a
question like "which repositories may this caller see" can be asked of the credential as it is now.
Verifying a signature takes 90 µs, ten times the work of answering with a manifest; therefore tokens
that were verified once are remembered until they are forgotten all together.
"""

from __future__ import annotations

import base64
import os
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import jwt
import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from towline.oci.scope import Scope
from towline.problem import Problem
from towline.registry.right import REPOSITORY, Identity

LIFETIME = 300  # seconds; docker's and containerd's default when nothing is said is 60
_ISSUER = "towline"
_ALGORITHM = "ES256"
_REMEMBERED = 10_000  # verified tokens; then all are forgotten


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token says."""

    instance_id: str
    subject: str
    """The user name; empty for nobody in particular."""
    credential_id: str
    issued_at: float
    expires_at: float
    actions: Mapping[tuple[str, str], frozenset[str]]
    """What may be done, by type and name of the resource."""

    def allows(self, repository: str, action: str) -> bool:
        """Whether the token permits an action on a repository."""
        return action in self.actions.get((REPOSITORY, repository), ())

    def holds(self, scope: Scope) -> bool:
        """Whether the token permits all that a scope asks for."""
        return scope.actions <= self.actions.get((scope.type, scope.name), frozenset())


class _Access(msgspec.Struct, frozen=True):
    type: str
    name: str
    actions: frozenset[str]


class _Claims(msgspec.Struct, frozen=True):
    aud: str
    iat: float
    sub: str = ""
    credential: str = ""
    exp: float = 0.0
    access: tuple[_Access, ...] = ()
    use: str = ""


class TokenAuthority:
    """Signs tokens with one key, and believes only tokens of that key."""

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key
        self._public = key.public_key()
        self._headers = {"kid": _thumbprint(self._public)}
        self._verified: dict[bytes, Grant] = {}

    def access_token(
        self, instance_id: str, identity: Identity | None, scopes: Iterable[Scope], now: float
    ) -> str:
        """A token for these scopes, valid for `LIFETIME` seconds."""
        access = [
            {"type": scope.type, "name": scope.name, "actions": sorted(scope.actions)}
            for scope in scopes
        ]
        until = {"nbf": int(now) - 10, "exp": int(now) + LIFETIME, "jti": uuid.uuid4().hex}
        return self._sign(instance_id, identity, {**until, "access": access}, now)

    def refresh_token(self, instance_id: str, identity: Identity, now: float) -> str:
        """A token that stands for a credential at the token endpoint, as long as that is valid."""
        return self._sign(instance_id, identity, {"use": "refresh"}, now)

    def read(self, token: bytes) -> Grant | None:
        """What an access token of ours says, be it expired or not; None when it is not ours."""
        grant = self._verified.get(token)
        if grant is None:
            claims = self._verify(token)
            if claims is None or claims.use:
                return None
            grant = _grant(claims)
            if len(self._verified) >= _REMEMBERED:
                self._verified.clear()
            self._verified[token] = grant
        return grant

    def read_refresh(self, token: bytes, instance_id: str) -> str | None:
        """The credential that a refresh token of an instance stands for."""
        claims = self._verify(token)
        if claims is None or claims.use != "refresh" or claims.aud != instance_id:
            return None
        return claims.credential

    def _sign(
        self, instance_id: str, identity: Identity | None, more: dict[str, Any], now: float
    ) -> str:
        who = {"sub": identity.username, "credential": identity.credential_id} if identity else {}
        claims = {"iss": _ISSUER, "aud": instance_id, "iat": int(now), **who, **more}
        return jwt.encode(claims, self._key, _ALGORITHM, self._headers)

    def _verify(self, token: bytes) -> _Claims | None:
        # Times are the caller's business: it knows the clock, and what an upload may still do.
        options: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
        options |= {"verify_aud": False}
        try:
            claims = jwt.decode(token, self._public, [_ALGORITHM], options=options, issuer=_ISSUER)
            return msgspec.convert(claims, _Claims)
        except (jwt.PyJWTError, msgspec.ValidationError):
            return None


def load_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """The key in this file; it is made when there is none."""
    if not path.exists():
        _make_key(path)
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise Problem(
            "token-key-unfit",
            cause=f"{path} does not hold a P-256 key",
            remedy="remove the file: the registry makes a new key, and clients log in again",
        )
    return key


def _make_key(path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)


def _grant(claims: _Claims) -> Grant:
    actions = {(one.type, one.name): one.actions for one in claims.access}
    return Grant(claims.aud, claims.sub, claims.credential, claims.iat, claims.exp, actions)


def _thumbprint(key: ec.EllipticCurvePublicKey) -> str:
    """The key's name, RFC 7638."""
    numbers = key.public_numbers()
    parts = {"crv": "P-256", "kty": "EC", "x": _base64(numbers.x), "y": _base64(numbers.y)}
    return (
        base64.urlsafe_b64encode(sha256(msgspec.json.encode(parts)).digest()).decode().rstrip("=")
    )


def _base64(number: int) -> str:
    return base64.urlsafe_b64encode(number.to_bytes(32, "big")).decode().rstrip("=")
