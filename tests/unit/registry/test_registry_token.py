"""The token endpoint: a login in, a token for what that login may do out."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from tests.registry_calls import DEMO, OTHER, Bench, Reply, Sent, basic, bench
from tests.registry_role import SECRET, USER, credential

from towline.problem import Problem
from towline.registry.token import load_key
from towline.resource import kind
from towline.resource.credential import Credential, Permission, digest_of_password
from towline.store.collection import Collection

SCOPE = "repository:team/app:pull,push"
SERVICE = ("service", DEMO.domain)


async def _get(held: Bench, login: tuple[str, str] | None, *query: tuple[str, str]) -> Reply:
    headers = {"authorization": basic(*login)} if login else {}
    caller = held.caller(DEMO, None)
    return await caller.send("GET", "/service/token", query, Sent(headers))


async def _post(held: Bench, **form: str) -> Reply:
    sent = Sent(pieces=[urlencode(form).encode()])
    return await held.caller(DEMO, None).send("POST", "/service/token", sent=sent)


def claims(reply: Reply) -> dict[str, Any]:
    """What is written in a token."""
    _, middle, _ = reply.json["token"].split(".")
    read: dict[str, Any] = json.loads(base64.urlsafe_b64decode(middle + "=="))
    return read


def access(reply: Reply) -> list[tuple[str, list[str]]]:
    """Which repositories a token names, and what it allows there."""
    return [(one["name"], one["actions"]) for one in claims(reply)["access"]]


async def test_a_login_gets_what_it_asks_for_and_may_do(tmp_path: Path) -> None:
    """The answer is as distribution's specification has it."""
    async with bench(tmp_path) as held:
        reply = await _get(held, (USER, SECRET), SERVICE, ("scope", SCOPE))

        assert reply.status == 200
        assert reply.json["token"] == reply.json["access_token"]
        assert reply.json["expires_in"] == 300
        assert reply.json["issued_at"] == "2023-11-14T22:13:20Z"
        assert reply.headers["cache-control"] == "no-store"
        assert access(reply) == [("team/app", ["pull", "push"])]


async def test_a_chosen_password_gets_tokens_until_its_account_ends(tmp_path: Path) -> None:
    """Several at once, right ones and wrong ones."""
    salted = digest_of_password("Abcdefg1", "salt")
    bot = msgspec.structs.replace(credential(DEMO, "bot"), secret_sha256="", secret_scrypt=salted)
    async with bench(tmp_path, bot) as held:
        logins = [("bot", "Abcdefg1"), ("bot", "Abcdefg2"), ("other", "Abcdefg1"), ("bot", "")]
        answers = await asyncio.gather(*(_get(held, login, SERVICE) for login in logins * 2))
        await Collection(held.store, kind.CREDENTIAL, Credential).delete(DEMO.id, bot.id)
        after = await _get(held, logins[0], SERVICE)

        assert [one.status for one in answers] == [200, 401, 401, 401] * 2
        assert after.status == 401


async def test_a_wrong_key_with_a_scope_gets_a_token_without_access(tmp_path: Path) -> None:
    """As Harbor does; the registry then says insufficient_scope."""
    async with bench(tmp_path) as held:
        reply = await _get(held, (USER, "wrong"), SERVICE, ("scope", SCOPE))

        assert (reply.status, access(reply)) == (200, [])


async def test_a_wrong_key_without_a_scope_is_refused(tmp_path: Path) -> None:
    """This is what `docker login` asks, and it has to hear no."""
    async with bench(tmp_path) as held:
        wrong = await _get(held, (USER, "wrong"), SERVICE)
        unknown = await _get(held, ("nobody", SECRET), SERVICE)
        right = await _get(held, (USER, SECRET), SERVICE)

        assert (wrong.status, unknown.status, right.status) == (401, 401, 200)


async def test_a_key_of_another_instance_is_a_wrong_one(tmp_path: Path) -> None:
    """Each instance knows its own credentials only."""
    strange = credential(OTHER, "somebody", "the-other's-secret")
    async with bench(tmp_path, strange) as held:
        reply = await _get(held, ("somebody", "the-other's-secret"), SERVICE)

        assert reply.status == 401


async def test_nobody_in_particular_may_pull_what_is_public(tmp_path: Path) -> None:
    """And nothing else."""
    async with bench(tmp_path) as held:
        asked = (("scope", "repository:open/app:pull,push"), ("scope", SCOPE))
        reply = await _get(held, None, SERVICE, *asked)

        assert access(reply) == [("open/app", ["pull"])]


async def test_a_temporary_credential_ends_at_its_time(tmp_path: Path) -> None:
    """Milliseconds in the record, seconds on the clock."""
    temporary = credential(DEMO, "hourly", "s", expires_at=1_700_003_600_000)
    async with bench(tmp_path, temporary) as held:
        held.pass_time(3599)
        before = await _get(held, ("hourly", "s"), SERVICE)
        held.pass_time(1)
        after = await _get(held, ("hourly", "s"), SERVICE)

        assert (before.status, after.status) == (200, 401)


async def test_a_disabled_credential_does_not_work(tmp_path: Path) -> None:
    """It is there, and may be switched on again."""
    async with bench(tmp_path, credential(DEMO, "off", "s", enabled=False)) as held:
        reply = await _get(held, ("off", "s"), SERVICE)

        assert reply.status == 401


async def test_a_deleted_credential_stops_working_at_once(tmp_path: Path) -> None:
    """From the moment that the cloud has written it."""
    async with bench(tmp_path, credential(DEMO, "gone", "s")) as held:
        before = await _get(held, ("gone", "s"), SERVICE)
        await Collection(held.store, kind.CREDENTIAL, Credential).delete(DEMO.id, "token-gone")
        after = await _get(held, ("gone", "s"), SERVICE)

        assert (before.status, after.status) == (200, 401)


async def test_an_oauth_form_is_answered_like_a_query(tmp_path: Path) -> None:
    """containerd asks by POST first."""
    async with bench(tmp_path) as held:
        reply = await _post(
            held,
            grant_type="password",
            service=DEMO.domain,
            scope=SCOPE,
            username=USER,
            password=SECRET,
        )

        assert access(reply) == [("team/app", ["pull", "push"])]
        assert reply.json["scope"] == SCOPE


async def test_a_refresh_token_stands_for_its_credential(tmp_path: Path) -> None:
    """Only when it was asked for, and only at its instance."""
    async with bench(tmp_path) as held:
        first = await _get(held, (USER, SECRET), SERVICE, ("offline_token", "true"))
        refresh = first.json["refresh_token"]
        form = {"grant_type": "refresh_token", "refresh_token": refresh, "scope": SCOPE}
        second = await _post(held, **form)
        sent = Sent(pieces=[urlencode(form).encode()])
        elsewhere = await held.caller(OTHER, None).send("POST", "/service/token", sent=sent)
        plain = await _get(held, (USER, SECRET), SERVICE)

        assert access(second) == [("team/app", ["pull", "push"])]
        assert access(elsewhere) == []
        assert "refresh_token" not in plain.json


async def test_a_refresh_token_opens_no_repository(tmp_path: Path) -> None:
    """It is signed with the same key, and is still no access token."""
    async with bench(tmp_path) as held:
        first = await _get(held, (USER, SECRET), SERVICE, ("offline_token", "true"))
        sent = Sent({"authorization": f"Bearer {first.json['refresh_token']}"})
        refused = await held.caller(DEMO, None).send("GET", "/v2/", sent=sent)

        assert (refused.status, refused.challenge["error"]) == (401, "invalid_token")


async def test_a_token_for_another_service_is_not_given(tmp_path: Path) -> None:
    """A door gives tokens for its own instance alone."""
    async with bench(tmp_path) as held:
        refused = await _get(held, (USER, SECRET), ("service", OTHER.domain), ("scope", SCOPE))

        assert (refused.status, refused.code) == (400, "UNSUPPORTED")


async def test_rights_of_a_credential_bound_its_tokens(tmp_path: Path) -> None:
    """`*` asks for all that one has, not for more."""
    allowed = Permission(namespace="team", actions=("pull", "push"))
    async with bench(tmp_path, credential(DEMO, "ci", "s", permissions=[allowed])) as held:
        reply = await _get(
            held,
            ("ci", "s"),
            SERVICE,
            ("scope", "repository:team/app:*"),
            ("scope", "repository:side/app:pull repository:absent/app:push"),
        )

        assert access(reply) == [("team/app", ["pull", "push"])]


@pytest.mark.parametrize("form", [{}, {"grant_type": "authorization_code"}])
async def test_other_grants_are_not_known(tmp_path: Path, form: dict[str, str]) -> None:
    """The OAuth endpoint does two."""
    async with bench(tmp_path) as held:
        assert (await _post(held, **form)).status == 400


def test_a_key_is_made_once(tmp_path: Path) -> None:
    """Tokens outlive the process; the file is for its owner alone."""
    path = tmp_path / "token.key"
    first, second = load_key(path), load_key(path)

    assert first.private_numbers() == second.private_numbers()
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_with_another_key_is_a_problem(tmp_path: Path) -> None:
    """The remedy says what becomes of the logins."""
    from cryptography.hazmat.primitives.asymmetric import ed25519
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    path = tmp_path / "token.key"
    key = ed25519.Ed25519PrivateKey.generate()
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(Problem) as problem:
        load_key(path)

    assert problem.value.code == "token-key-unfit"
