"""GetFederationToken and GetCallerIdentity: credentials for a while, and whose they are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from towline.cloud.action import Action, Answer, AnyAction, Parameters
from towline.cloud.context import Context, rfc3339
from towline.cloud.policy import read_policy
from towline.cloud.refusal import Refusal
from towline.cloud.temporary_key import Grant, issue

_LONGEST = 7200  # seconds: what the product allows an account itself
_NAME = re.compile(r"[A-Za-z0-9._@-]{1,128}")


class GetFederationToken(Parameters, frozen=True, kw_only=True):
    """For whom the credentials are, what they may do, and for how many seconds."""

    name: str
    policy: str
    duration_seconds: int = 1800


class Credentials(Answer, frozen=True, kw_only=True):
    """What a client signs with, and sends as `X-TC-Token`."""

    token: str
    tmp_secret_id: str
    tmp_secret_key: str


class FederationToken(Answer, frozen=True, kw_only=True):
    """Temporary credentials and when they end: in seconds since the epoch, and as a time."""

    credentials: Credentials
    expired_time: int
    expiration: str


class GetCallerIdentity(Parameters, frozen=True, kw_only=True):
    """Nothing."""


class Identity(Answer, frozen=True, kw_only=True):
    """Who the caller is."""

    arn: str
    account_id: str
    user_id: str
    principal_id: str
    type: str


async def get_federation_token(context: Context, asked: GetFederationToken) -> FederationToken:
    """Give out temporary credentials that act for the caller, as far as the policy allows."""
    if context.caller.session:
        raise Refusal(
            "FailedOperation.TempKeyNotAllowed", "Temporary credentials cannot ask for others."
        )
    if _NAME.fullmatch(asked.name) is None:
        raise Refusal("InvalidParameter.ParamError", "Name: 1 to 128 letters, digits and `._@-`.")
    if not 1 <= asked.duration_seconds <= _LONGEST:
        raise Refusal(
            "InvalidParameter.OverTimeError", f"DurationSeconds must be between 1 and {_LONGEST}."
        )
    expires_at = int(context.clock().timestamp()) + asked.duration_seconds
    made = issue(context.caller.key, Grant(asked.name, expires_at, read_policy(asked.policy)))
    return FederationToken(
        credentials=Credentials(
            token=made.token, tmp_secret_id=made.secret_id, tmp_secret_key=made.secret_key
        ),
        expired_time=expires_at,
        expiration=rfc3339(datetime.fromtimestamp(expires_at, UTC)),
    )


async def get_caller_identity(context: Context, asked: GetCallerIdentity) -> Identity:
    """Show whose key signed the request."""
    del asked
    caller = context.caller
    if caller.session:
        kind, user_id = "CAMUser", f"{caller.uin}:{caller.session}"
        arn = f"qcs::sts:{caller.uin}:federated-user/{caller.session}"
    else:
        kind, user_id = ("RootAccount" if caller.key.is_own else "CAMUser"), caller.uin
        arn = f"qcs::cam::uin/{caller.uin}:{'root' if caller.key.is_own else f'uin/{caller.uin}'}"
    return Identity(
        arn=arn, account_id=caller.uin, user_id=user_id, principal_id=caller.uin, type=kind
    )


ACTIONS: Mapping[str, AnyAction] = {
    "GetFederationToken": Action(GetFederationToken, get_federation_token),
    "GetCallerIdentity": Action(GetCallerIdentity, get_caller_identity),
}
