"""What a credential is worth, by the records of the instance that it is for.

A password is never looked at. A secret that we have drawn is found by its digest; one that somebody
has chosen is kept as scrypt's, so of such an account the name alone is known, and only a token server
can say whether the password is right.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from towline.diagnosis.plane import CredentialSeen, CredentialState
from towline.resource.credential import EVERY_NAMESPACE, Credential


@dataclass(frozen=True, slots=True)
class LoginShown:
    """A credential that a pull is made with, as far as it may be told."""

    username: str
    secret_sha256: str = ""
    """The digest of a password that is long enough to be one of ours; empty otherwise."""
    secret: str = ""
    """The name of the Kubernetes Secret that it is from."""


def judge(
    credentials: Iterable[Credential],
    instance_id: str,
    login: LoginShown | None,
    namespace: str,
    now: int,
) -> CredentialSeen:
    """What a login is worth for a namespace of an instance at a time in milliseconds."""
    if login is None:
        return CredentialSeen(state=CredentialState.NONE)
    held = [one for one in credentials if one.instance_id == instance_id]
    of_user = [one for one in held if one.username == login.username]
    seen = CredentialSeen(secret=login.secret, username=login.username)
    if not of_user:
        return _with(seen, CredentialState.WRONG_USER)
    exact = [one for one in of_user if login.secret_sha256 and _is(one, login)]
    if exact:
        return _judged(seen, exact[0], namespace, now)
    if all(one.secret_sha256 for one in of_user):
        return _with(seen, CredentialState.WRONG_PASSWORD)
    chosen = next(one for one in of_user if not one.secret_sha256)
    return _judged(seen, chosen, namespace, now)


def _is(credential: Credential, login: LoginShown) -> bool:
    return credential.secret_sha256 == login.secret_sha256


def _judged(
    seen: CredentialSeen, credential: Credential, namespace: str, now: int
) -> CredentialSeen:
    allowed = _namespaces(credential)
    if not credential.enabled:
        state = CredentialState.DISABLED
    elif credential.expires_at is not None and credential.expires_at <= now:
        state = CredentialState.EXPIRED
    elif not {namespace, EVERY_NAMESPACE} & set(allowed):
        state = CredentialState.OTHER_NAMESPACE
    else:
        state = CredentialState.OK
    return CredentialSeen(
        state=state,
        secret=seen.secret,
        username=seen.username,
        id=credential.id,
        service_account=credential.is_service_account,
        expired_at=_date(credential.expires_at) if state is CredentialState.EXPIRED else "",
        namespaces=allowed,
    )


def _namespaces(credential: Credential) -> tuple[str, ...]:
    if credential.permissions is None:
        return (EVERY_NAMESPACE,)
    return tuple(one.namespace for one in credential.permissions if "pull" in one.actions)


def _with(seen: CredentialSeen, state: CredentialState) -> CredentialSeen:
    return CredentialSeen(state=state, secret=seen.secret, username=seen.username)


def _date(milliseconds: int | None) -> str:
    moment = datetime.fromtimestamp((milliseconds or 0) / 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
