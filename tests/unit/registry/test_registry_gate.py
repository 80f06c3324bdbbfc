"""The gate: who may do what, and what everybody else can find out, which is nothing."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from tests.registry_calls import DEMO, OTHER, Bench, Reply, Sent, basic, bench, with_token
from tests.registry_role import credential

from towline.resource import kind
from towline.resource.credential import Credential, Permission
from towline.store.collection import Collection

PULLER = ("puller", "the-puller's-secret")


def puller() -> Credential:
    """A credential that may pull from `team`."""
    allowed = Permission(namespace="team", actions=("pull",))
    return credential(DEMO, *PULLER, permissions=[allowed])


def visible(reply: Reply, repository: str) -> tuple[object, ...]:
    """All of an answer that a caller sees, but for the name that it has asked about itself."""
    headers = {name: value.replace(repository, "*") for name, value in reply.headers.items()}
    return reply.status, headers, reply.body.replace(repository.encode(), b"*")


async def withdraw(held: Bench, change: str) -> None:
    """End the credential of `bot`, as its owner would."""
    credentials = Collection(held.store, kind.CREDENTIAL, Credential)
    if change == "delete":
        await credentials.delete(DEMO.id, "token-bot")
        return
    disabled, now = change == "disable", int(held.clock[0] * 1000)
    changes: dict[str, object] = {"enabled": False} if disabled else {"expires_at": now}
    await credentials.update(
        DEMO.id, "token-bot", lambda one: msgspec.structs.replace(one, **changes)
    )


async def _pull(held: Bench, login: tuple[str, str] | None, repository: str) -> Reply:
    caller = held.caller(DEMO, login)
    return await caller.ask("GET", f"/v2/{repository}/manifests/latest")


async def test_what_is_missing_and_what_is_forbidden_look_the_same(tmp_path: Path) -> None:
    """A repository with content, one without, and one in a namespace that nobody has made."""
    async with bench(tmp_path, puller()) as held:
        await held.caller(DEMO).push_image("side/app", "latest")
        for login in (None, PULLER, ("nobody", "x")):
            answers = {
                repository: visible(await _pull(held, login, repository), repository)
                for repository in ("side/app", "side/non", "none/app")
            }

            assert answers["side/app"] == answers["side/non"] == answers["none/app"]
            assert answers["side/app"][0] == 401


async def test_a_token_without_the_right_is_told_insufficient_scope(tmp_path: Path) -> None:
    """containerd prints `insufficient_scope: authorization failed` for this and nothing else."""
    async with bench(tmp_path, puller()) as held:
        refused = await _pull(held, PULLER, "side/app")

        assert refused.status == 401
        assert refused.code == "UNAUTHORIZED"
        assert refused.challenge["error"] == "insufficient_scope"
        assert refused.challenge["scope"] == "repository:side/app:pull"


async def test_only_who_may_pull_hears_that_there_is_nothing(tmp_path: Path) -> None:
    """404 is an answer about content."""
    async with bench(tmp_path, puller()) as held:
        missing = await _pull(held, PULLER, "team/none")

        assert (missing.status, missing.code) == (404, "MANIFEST_UNKNOWN")


async def test_the_first_challenge_has_no_error(tmp_path: Path) -> None:
    """Clients take an error for a verdict, and do not ask for a token then."""
    async with bench(tmp_path) as held:
        challenge = (await held.caller(DEMO, None).send("GET", "/v2/")).challenge

        assert challenge == {
            "realm": "http://127.0.0.1:20500/service/token",
            "service": "demo.tencentcloudcr.com",
        }


async def test_anybody_may_pull_what_is_public_and_nobody_push_it(tmp_path: Path) -> None:
    """A public namespace needs no token to be read from."""
    async with bench(tmp_path) as held:
        pushed = await held.caller(DEMO).push_image("open/app", "latest")
        stranger = held.caller(DEMO, None)
        pulled = await stranger.send("GET", "/v2/open/app/manifests/latest")
        begun = await stranger.send("POST", "/v2/open/app/blobs/uploads/")

        assert (pulled.status, pulled.headers["docker-content-digest"]) == (200, pushed)
        assert begun.status == 401


async def test_who_may_push_everywhere_is_told_of_a_missing_namespace(tmp_path: Path) -> None:
    """A push does not make a namespace; the owner learns what to do."""
    async with bench(tmp_path) as held:
        refused = await held.caller(DEMO).ask("POST", "/v2/absent/app/blobs/uploads/")

        assert (refused.status, refused.code) == (404, "NAME_UNKNOWN")
        assert "create it" in refused.json["errors"][0]["message"]


async def test_a_token_opens_only_the_instance_that_gave_it(tmp_path: Path) -> None:
    """Both instances have the same namespaces, users and keys."""
    async with bench(tmp_path) as held:
        await held.caller(OTHER).push_image("team/app", "latest")
        foreign = await held.caller(DEMO).token("repository:team/app:pull")
        path = "/v2/team/app/manifests/latest"
        refused = await held.caller(OTHER).send("GET", path, sent=with_token(foreign))

        assert refused.status == 401
        assert refused.challenge["error"] == "invalid_token"


async def test_the_content_of_instances_is_separate(tmp_path: Path) -> None:
    """The same name in another instance is another repository."""
    async with bench(tmp_path) as held:
        await held.caller(DEMO).push_image("team/app", "latest")
        elsewhere = await held.caller(OTHER).ask("GET", "/v2/team/app/manifests/latest")

        assert elsewhere.status == 404


async def test_a_token_ends(tmp_path: Path) -> None:
    """Five minutes, then the same request needs a new one."""
    async with bench(tmp_path) as held:
        caller = held.caller(DEMO)
        await caller.push_image("team/app", "latest")
        sent = with_token(await caller.token("repository:team/app:pull"))
        path = "/v2/team/app/manifests/latest"
        before = await caller.send("GET", path, sent=sent)
        held.pass_time(301)
        after = await caller.send("GET", path, sent=sent)

        assert before.status == 200
        assert (after.status, after.challenge["error"]) == (401, "invalid_token")


async def test_a_large_upload_outlives_its_token(tmp_path: Path) -> None:
    """The token was good when the upload began; for anything else it is over."""
    async with bench(tmp_path) as held:
        caller = held.caller(DEMO)
        sent = with_token(await caller.token("repository:team/app:pull,push"))
        begun = await caller.send("POST", "/v2/team/app/blobs/uploads/", sent=sent)
        held.pass_time(3600)
        content = Sent(dict(sent.headers), [b"late"])
        appended = await caller.send("PATCH", begun.headers["location"], sent=content)
        another = await caller.send("POST", "/v2/team/app/blobs/uploads/", sent=sent)

        assert appended.status == 202
        assert another.status == 401


@pytest.mark.parametrize("change", ["delete", "disable", "expire"])
async def test_a_token_ends_with_its_credential(tmp_path: Path, change: str) -> None:
    """Of one that is deleted, switched off or over, the tokens that were given out open nothing, nor
    do they continue what was begun with them. Nobody's tokens have nothing to end with.
    """
    async with bench(tmp_path, credential(DEMO, "bot", "secret")) as held:
        caller = held.caller(DEMO, ("bot", "secret"))
        await caller.push_image("open/app", "latest")
        sent = with_token(await caller.token("repository:open/app:pull,push"))
        nobodys = with_token(await held.caller(DEMO, None).token("repository:open/app:pull"))
        begun = await caller.send("POST", "/v2/open/app/blobs/uploads/", sent=sent)
        await withdraw(held, change)
        answers = [
            await caller.send("GET", "/v2/open/app/manifests/latest", sent=sent),
            await caller.send("PATCH", begun.headers["location"], sent=sent),
            await caller.send("GET", "/v2/", sent=sent),
            await caller.send("GET", "/v2/_catalog", sent=sent),
        ]
        anonymous = await caller.send("GET", "/v2/open/app/manifests/latest", sent=nobodys)

        assert begun.status == 202
        assert {one.challenge["error"] for one in answers} == {"invalid_token"}
        assert {one.status for one in answers} == {401}
        assert anonymous.status == 200


async def test_a_mount_asks_for_both_repositories(tmp_path: Path) -> None:
    """One challenge with two scopes, as the token specification has it."""
    async with bench(tmp_path) as held:
        wanted = {"mount": f"sha256:{'0' * 64}", "from": "side/app"}
        path = "/v2/team/app/blobs/uploads/"
        challenge = (await held.caller(DEMO, None).send("POST", path, wanted)).challenge

        assert challenge["scope"] == "repository:team/app:pull,push repository:side/app:pull"


async def test_the_catalogue_shows_what_the_caller_may_pull(tmp_path: Path) -> None:
    """A login is needed; a login that may read one namespace sees that and the public ones."""
    async with bench(tmp_path, puller()) as held:
        for repository in ("team/a", "side/b", "open/c"):
            await held.caller(DEMO).push_image(repository, "latest")
        seen = await held.caller(DEMO, PULLER).ask("GET", "/v2/_catalog")
        stranger = await held.caller(DEMO, None).ask("GET", "/v2/_catalog")

        assert seen.json == {"repositories": ["open/c", "team/a"]}
        assert stranger.status == 401


async def test_an_instance_that_is_going_answers_nobody(tmp_path: Path) -> None:
    """Its doors may stand a moment longer than its record."""
    async with bench(tmp_path) as held:
        await Collection(held.store, kind.INSTANCE, type(DEMO)).delete("", DEMO.id)
        refused = await held.caller(DEMO).send("GET", "/v2/")

        assert (refused.status, refused.code) == (503, "UNAVAILABLE")


@pytest.mark.parametrize("header", ["Bearer", "Bearer x", "Bearer a.b.c", "Basic ", "Digest x"])
async def test_rubbish_for_a_token_is_no_token(tmp_path: Path, header: str) -> None:
    """It is challenged like everybody else, never a defect."""
    async with bench(tmp_path) as held:
        sent = Sent({"authorization": header})
        refused = await held.caller(DEMO, None).send("GET", "/v2/team/a/tags/list", sent=sent)

        assert refused.status == 401


async def test_a_host_that_is_none_is_not_echoed(tmp_path: Path) -> None:
    """The realm is made of the Host header; quotes in it would forge the challenge."""
    async with bench(tmp_path) as held:
        sent = Sent({"host": 'a",service="b', "authorization": basic("a", "b")})
        refused = await held.caller(DEMO, None).send("GET", "/v2/", sent=sent)

        assert refused.status == 400
        assert "www-authenticate" not in refused.headers
