"""Keys of accounts: several, each may be switched off, and temporary ones that end by themselves."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.clouds import KEY, NOW, SECRET_ID, UIN, open_context, refused

from towline.cloud.access_key import KeyRing, enroll
from towline.cloud.authenticate import Caller, HttpRequest, authenticate
from towline.cloud.cam.access_key import (
    CreateAccessKey,
    DeleteAccessKey,
    KeyDetail,
    ListAccessKeys,
    UpdateAccessKey,
    create_access_key,
    delete_access_key,
    list_access_keys,
    update_access_key,
)
from towline.cloud.context import Context
from towline.cloud.sts.session import (
    Credentials,
    GetCallerIdentity,
    GetFederationToken,
    get_caller_identity,
    get_federation_token,
)
from towline.resource.signature import Signable, authorize

ALL = '{"version":"2.0","statement":[{"effect":"allow","action":["*"],"resource":"*"}]}'


def signed(secret_id: str, secret_key: str, token: str = "") -> HttpRequest:
    """A request under some key."""
    covered = (("content-type", "application/json"), ("host", "h"))
    stamp = int(NOW.timestamp())
    signable = Signable("POST", "", covered, b"{}", stamp, "vpc")
    headers = {**dict(covered), "x-tc-timestamp": str(stamp), "x-tc-token": token}
    headers["authorization"] = authorize(signable, secret_id, secret_key)
    return HttpRequest("POST", "", headers, b"{}")


async def made(context: Context, uin: int | None = None) -> KeyDetail:
    """A new key."""
    asked = CreateAccessKey(target_uin=uin, description="ci")
    return (await create_access_key(context, asked)).access_key


async def lent(context: Context, policy: str = ALL) -> Credentials:
    """Temporary credentials for half an hour."""
    await context.resources.access_keys.create("", SECRET_ID, KEY)
    asked = GetFederationToken(name="visitor", policy=policy)
    return (await get_federation_token(context, asked)).credentials


def ring(context: Context) -> KeyRing:
    """The keys as the gateway sees them."""
    return KeyRing(context.resources.access_keys)


async def test_a_key_opens_until_it_is_disabled_and_again_when_it_is_enabled(
    tmp_path: Path,
) -> None:
    """At once, in both directions."""
    async with open_context(tmp_path) as context:
        key = await made(context)
        request = signed(key.access_key_id, key.secret_access_key)
        name = key.access_key_id

        assert authenticate(request, ring(context), NOW).uin == UIN
        await update_access_key(context, UpdateAccessKey(access_key_id=name, status="Inactive"))
        with refused("AuthFailure.SecretIdNotFound"):
            authenticate(request, ring(context), NOW)
        await update_access_key(context, UpdateAccessKey(access_key_id=name, status="Active"))
        assert authenticate(request, ring(context), NOW).uin == UIN
        await delete_access_key(context, DeleteAccessKey(access_key_id=name))
        with refused("AuthFailure.SecretIdNotFound"):
            authenticate(request, ring(context), NOW)


async def test_a_list_of_keys_shows_no_secret(tmp_path: Path) -> None:
    """A secret is told once, when the key is made."""
    async with open_context(tmp_path) as context:
        key = await made(context)
        shown = await list_access_keys(context, ListAccessKeys())

    assert [one.access_key_id for one in shown.access_keys] == [key.access_key_id]
    assert key.secret_access_key not in str(shown)


async def test_an_account_has_two_keys_at_most(tmp_path: Path) -> None:
    """So that one can be replaced while the other is in use; other accounts have their own two."""
    async with open_context(tmp_path) as context:
        await made(context)
        await made(context)
        with refused("OperationDenied.AccessKeyOverLimit"):
            await made(context)

        assert (await made(context, 100000000001)).status == "Active"


async def test_only_the_installations_own_key_manages_other_accounts(tmp_path: Path) -> None:
    """A colleague's key neither sees nor changes the keys of others."""
    async with open_context(tmp_path) as context:
        mine = await made(context)
        theirs = await made(context, 100000000001)
        held = context.resources.access_keys.get("", theirs.access_key_id)
        assert held is not None
        other = replace(context, caller=Caller(held, "cam"))

        with refused("UnauthorizedOperation"):
            await list_access_keys(other, ListAccessKeys(target_uin=int(UIN)))
        with refused("ResourceNotFound.SecretNotExist"):
            await delete_access_key(other, DeleteAccessKey(access_key_id=mine.access_key_id))
        assert (await get_caller_identity(other, GetCallerIdentity())).type == "CAMUser"


async def test_the_installations_own_key_is_changed_in_its_file_only(tmp_path: Path) -> None:
    """Nobody locks themselves out by a call, and what leaves the file opens nothing more."""
    path = tmp_path / "access-key.json"
    async with open_context(tmp_path) as context:
        path.write_text(json.dumps([{"SecretId": "a", "SecretKey": "k", "Uin": UIN}]))
        await enroll(context.resources, path, lambda: NOW)
        with refused("FailedOperation.Accesskey"):
            await delete_access_key(context, DeleteAccessKey(access_key_id="a"))
        path.write_text(json.dumps([{"SecretId": "b", "SecretKey": "k", "Uin": UIN}]))
        await enroll(context.resources, path, lambda: NOW + timedelta(days=1))
        before = context.resources.store.revision
        await enroll(context.resources, path, lambda: NOW + timedelta(days=2))

        assert ring(context).get("a") is None
        assert ring(context).get("b") is not None
        assert context.resources.store.revision == before


async def test_temporary_credentials_act_for_the_key_until_their_time_is_up(
    tmp_path: Path,
) -> None:
    """Without having been stored anywhere."""
    async with open_context(tmp_path) as context:
        given = await lent(context)
        request = signed(given.tmp_secret_id, given.tmp_secret_key, given.token)
        caller = authenticate(request, ring(context), NOW)

        assert (caller.uin, caller.session) == (UIN, "visitor")
        assert len(context.resources.access_keys.list()) == 1
        late = NOW + timedelta(minutes=30)
        request = replace(request, headers={**request.headers, "x-tc-timestamp": "0"})
        with refused("AuthFailure.SignatureExpire"):
            authenticate(request, ring(context), late)


@pytest.mark.parametrize("minutes", [1, 2])
async def test_an_expired_token_is_told_so(tmp_path: Path, minutes: int) -> None:
    """To the second, although the signature itself is fresh."""
    async with open_context(tmp_path) as context:
        await context.resources.access_keys.create("", SECRET_ID, KEY)
        asked = GetFederationToken(name="v", policy=ALL, duration_seconds=60 * minutes)
        given = (await get_federation_token(context, asked)).credentials
        request = signed(given.tmp_secret_id, given.tmp_secret_key, given.token)
        end = NOW + timedelta(minutes=minutes)

        assert authenticate(request, ring(context), end - timedelta(seconds=1)).session == "v"
        with refused("AuthFailure.TokenFailure"):
            authenticate(request, ring(context), end)


async def test_a_token_is_worth_nothing_without_its_key(tmp_path: Path) -> None:
    """Each of its three parts is needed, and none can be changed."""
    async with open_context(tmp_path) as context:
        given = await lent(context)
        other = (
            await get_federation_token(context, GetFederationToken(name="other", policy=ALL))
        ).credentials
        forged = given.token[:50] + ("A" if given.token[50] != "A" else "B") + given.token[51:]
        secret_id, secret = given.tmp_secret_id, given.tmp_secret_key
        keys = ring(context)

        with refused("AuthFailure.SecretIdNotFound"):
            authenticate(signed(secret_id, secret), keys, NOW)
        with refused("AuthFailure.SignatureFailure"):
            authenticate(signed(secret_id, "wrong", given.token), keys, NOW)
        for token in (other.token, forged, "garbage", "é"):
            with refused("AuthFailure.TokenFailure"):
                authenticate(signed(secret_id, secret, token), keys, NOW)


async def test_disabling_a_key_ends_what_was_lent_with_it(tmp_path: Path) -> None:
    """A leak is stopped by one call."""
    async with open_context(tmp_path) as context:
        key = await made(context)
        held = context.resources.access_keys.get("", key.access_key_id)
        assert held is not None
        lender = replace(context, caller=Caller(held, "sts"))
        asked = GetFederationToken(name="v", policy=ALL)
        given = (await get_federation_token(lender, asked)).credentials
        off = UpdateAccessKey(access_key_id=key.access_key_id, status="Inactive")
        await update_access_key(context, off)

        with refused("AuthFailure.TokenFailure"):
            authenticate(
                signed(given.tmp_secret_id, given.tmp_secret_key, given.token), ring(context), NOW
            )


async def test_temporary_credentials_make_no_others(tmp_path: Path) -> None:
    """Neither keys nor more of their kind: they would outlive their time."""
    async with open_context(tmp_path) as context:
        visitor = replace(context, caller=Caller(KEY, "sts", "visitor"))

        with refused("FailedOperation.TempKeyNotAllowed"):
            await get_federation_token(visitor, GetFederationToken(name="v", policy=ALL))
        with refused("UnauthorizedOperation"):
            await create_access_key(visitor, CreateAccessKey())


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param({"name": ""}, "InvalidParameter.ParamError", id="no-name"),
        pytest.param({"duration_seconds": 0}, "InvalidParameter.OverTimeError", id="no-time"),
        pytest.param({"duration_seconds": 7201}, "InvalidParameter.OverTimeError", id="too-long"),
        pytest.param({"policy": "{"}, "InvalidParameter.StrategyFormatError", id="no-policy"),
        pytest.param({"policy": "x" * 5000}, "InvalidParameter.PolicyTooLong", id="long-policy"),
    ],
)
async def test_a_grant_that_makes_no_sense_is_refused(
    tmp_path: Path, change: dict[str, object], code: str
) -> None:
    """Each with the code of the real product."""
    asked = GetFederationToken(**{"name": "v", "policy": ALL, **change})  # type: ignore[arg-type]  # wrong on purpose
    async with open_context(tmp_path) as context:
        with refused(code):
            await get_federation_token(context, asked)
