"""Tokens of service accounts: short-lived JWTs, bound to the account's uid and perhaps to one pod.

The claims are Kubernetes' own (`pkg/serviceaccount/claims.go`), so that whoever verifies its tokens can
verify these.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from towline.cluster.api import codec
from towline.cluster.api.settings import User
from towline.kube.refusal import FieldError, bad_request, conflict, invalid, not_found
from towline.kube.resource_type import NODES, PODS, SECRETS, SERVICE_ACCOUNTS, ResourceType
from towline.kube.timestamp import to_second
from towline.problem import Problem
from towline.store.store import Store

Object = dict[str, Any]
ISSUER = "https://kubernetes.default.svc.cluster.local"
AUDIENCE = "https://kubernetes.default.svc"
"""Whom a token is for that names nobody else: this API."""
SHORTEST, USUAL, LONGEST = 600, 3600, 1 << 32  # seconds; the API's own limits and default
_BINDABLE: Mapping[str, ResourceType] = {"Pod": PODS, "Secret": SECRETS, "Node": NODES}


class TokenMaker:
    """Makes and verifies the tokens of one cluster."""

    def __init__(self, key: Path, store: Store, now: Callable[[], float]) -> None:
        self._private = _load(key)
        self._public = self._private.public_key()
        self._algorithm = "RS256" if isinstance(self._private, rsa.RSAPrivateKey) else "ES256"
        self._store = store
        self._now = now

    def answer(self, account: Object, posted: Mapping[str, Any]) -> Object:
        """A TokenRequest with its token; raises refusals."""
        spec = dict(posted.get("spec") or {})
        seconds = spec.setdefault("expirationSeconds", USUAL)
        spec["audiences"] = spec.get("audiences") or [AUDIENCE]
        _check_duration(seconds)
        now = int(self._now())
        claims = {
            "aud": spec["audiences"],
            "exp": now + seconds,
            "iat": now,
            "iss": ISSUER,
            "jti": str(uuid.uuid4()),
            "kubernetes.io": self._about(account, spec.get("boundObjectRef") or {}),
            "nbf": now,
            "sub": _subject(account["metadata"]),
        }
        token = jwt.encode(claims, self._private, self._algorithm)
        fields = ("name", "namespace", "uid")
        return {
            "kind": "TokenRequest",
            "apiVersion": "authentication.k8s.io/v1",
            "metadata": {field: account["metadata"][field] for field in fields},
            "spec": spec,
            "status": {"token": token, "expirationTimestamp": to_second(now + seconds)},
        }

    def user_of(self, token: str) -> User | None:
        """Whose token it is; None unless it is good, for this API, and of what still exists."""
        try:
            claims = jwt.decode(
                token,
                self._public,
                algorithms=[self._algorithm],
                audience=AUDIENCE,
                issuer=ISSUER,
                options={"require": ["exp", "sub"]},
            )
        except jwt.InvalidTokenError:
            return None
        about = claims.get("kubernetes.io") or {}
        account = about.get("serviceaccount") or {}
        namespace = str(about.get("namespace", ""))
        if not self._stands(SERVICE_ACCOUNTS, namespace, account):
            return None
        bound = [(kind, about.get(kind.lower())) for kind in _BINDABLE]
        if not all(self._stands(_BINDABLE[kind], namespace, one) for kind, one in bound if one):
            return None
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")
        return User(str(claims["sub"]), groups, str(account.get("uid", "")))

    def _about(self, account: Object, bound: Mapping[str, Any]) -> Object:
        metadata = account["metadata"]
        about: Object = {
            "namespace": metadata["namespace"],
            "serviceaccount": {"name": metadata["name"], "uid": metadata["uid"]},
        }
        if not bound:
            return about
        resource = _BINDABLE.get(bound.get("kind", ""))
        if resource is None:
            raise bad_request(f"cannot bind token to object of kind {bound.get('kind')}")
        namespace = metadata["namespace"] if resource.namespaced else ""
        name = bound.get("name", "")
        record = self._store.get(codec.key(resource, namespace, name))
        if record is None:
            raise not_found(resource, name)
        uid = codec.decode(record)["metadata"]["uid"]
        if bound.get("uid") not in (None, "", uid):
            because = (
                f"the UID in the bound object reference ({bound['uid']}) does not match the UID in "
                f"record. The object might have been deleted and then recreated"
            )
            raise conflict(resource, name, because)
        return {**about, resource.singular: {"name": name, "uid": uid}}

    def _stands(self, resource: ResourceType, namespace: str, named: Mapping[str, Any]) -> bool:
        """Whether the object that a claim names is still the same one."""
        scope = namespace if resource.namespaced else ""
        record = self._store.get(codec.key(resource, scope, str(named.get("name", ""))))
        return record is not None and codec.decode(record)["metadata"]["uid"] == named.get("uid")


def _check_duration(seconds: Any) -> None:
    if type(seconds) is not int or not SHORTEST <= seconds <= LONGEST:
        because = "may not specify a duration less than 10 minutes"
        if type(seconds) is int and seconds > LONGEST:
            because = "may not specify a duration larger than 2^32 seconds"
        error = FieldError(
            "FieldValueInvalid", "spec.expirationSeconds", f"Invalid value: {seconds}: {because}"
        )
        raise invalid(_TOKEN_REQUESTS, "", [error])


_TOKEN_REQUESTS = ResourceType(
    "authentication.k8s.io",
    "v1",
    "tokenrequests",
    "TokenRequest",
    "io.k8s.api.authentication.v1.TokenRequest",
)


def _subject(metadata: Mapping[str, Any]) -> str:
    return f"system:serviceaccount:{metadata['namespace']}:{metadata['name']}"


def _load(path: Path) -> ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise _unusable(path, str(error)) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise _unusable(path, "it is neither an EC nor an RSA key")
    return key


def _unusable(path: Path, because: str) -> Problem:
    return Problem(
        "service-account-key-unusable",
        cause=f"tokens of service accounts cannot be signed with {path}: {because}",
        remedy="remove the file, so that a new key is made, or put the right one in its place",
    )
