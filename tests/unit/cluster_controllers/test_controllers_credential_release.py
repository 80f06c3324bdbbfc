"""Auto-release: a namespace that asks for it has a pull credential, always, and always a fresh one."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from tests.unit.cluster_controllers.cluster import HOUR, cluster, settle
from tests.unit.cluster_controllers.released import (
    NAME,
    annotate,
    named_in_account,
    open_namespace,
    secrets_of,
)
from tests.virtual_time import clock, run

from towline.cluster.controllers.released_secret import read_release
from towline.cluster.kubernetes import ApiError, Object
from towline.cluster.resources import SECRETS, SERVICE_ACCOUNTS
from towline.kube.annotations import RELEASE_CREDENTIAL
from towline.problem import Problem

NO_INSTANCE = Problem("no-such-instance", cause="there is no instance shop", remedy="create it")


def _password(secret: Object, server: str = "shop.tencentcloudcr.com") -> str:
    document: Any = json.loads(base64.b64decode(secret["data"][".dockerconfigjson"]))
    return str(document["auths"][server]["password"])


def test_the_secret_and_the_account_are_there_before_the_creator_hears_of_the_namespace() -> None:
    """No pod can come too early: nothing has to be waited for."""

    async def scenario() -> None:
        async with cluster(pace=30) as held:
            await open_namespace(held)
            secret = secrets_of(held)[NAME]

            assert secret["type"] == "kubernetes.io/dockerconfigjson"
            assert _password(secret) == "secret-1"
            assert _password(secret, "shop-vpc.tencentcloudcr.com") == "secret-1"
            assert await named_in_account(held) == [NAME]

    run(scenario())


def test_creation_and_control_loop_do_not_both_issue_a_credential() -> None:
    """They come for the same namespace at the same time."""

    async def scenario() -> None:
        async with cluster(pace=30) as held:
            await settle(5)
            await open_namespace(held)
            await settle(5)

            assert held.issuer.issued == [("shop", "team")]

    run(scenario())


def test_a_problem_at_creation_is_told_to_the_creator() -> None:
    """The API then undoes the namespace."""

    async def scenario() -> None:
        async with cluster(pace=30) as held:
            held.issuer.problem = NO_INSTANCE
            with pytest.raises(Problem) as told:
                await held.release.namespace_created("demo", {RELEASE_CREDENTIAL: "shop"})

            assert told.value is NO_INSTANCE

    run(scenario())


def test_a_namespace_that_asks_for_nothing_gets_nothing() -> None:
    """An empty annotation is none."""

    async def scenario() -> None:
        async with cluster(pace=30) as held:
            await open_namespace(held, instance="")
            await held.release.namespace_created("team", {RELEASE_CREDENTIAL: " "})
            await settle()

            assert secrets_of(held) == {}
            assert await named_in_account(held) == []

    run(scenario())


def test_the_account_keeps_the_secrets_that_it_named_before() -> None:
    """Append, never replace; and take back only the own one."""

    async def scenario() -> None:
        async with cluster(pace=30) as held:
            own = {"imagePullSecrets": [{"name": "mine"}]}
            await held.kubernetes.patch(SERVICE_ACCOUNTS, "demo", "default", own)
            await annotate(held, "shop", "demo")
            named = await named_in_account(held, "demo")
            await annotate(held, None, "demo")

            assert named == ["mine", NAME]
            assert await named_in_account(held, "demo") == ["mine"]
            assert secrets_of(held) == {}

    run(scenario())


def test_an_annotation_added_later_is_followed() -> None:
    """And one that changes: the old instance's Secret goes."""

    async def scenario() -> None:
        async with cluster(pace=30) as held:
            await open_namespace(held, instance="")
            await annotate(held, "shop")
            first = set(secrets_of(held))
            await annotate(held, "store")

            assert first == {NAME}
            assert set(secrets_of(held)) == {"100-tcr-store-dockercfg"}
            assert await named_in_account(held) == ["100-tcr-store-dockercfg"]

    run(scenario())


def test_a_credential_is_renewed_at_about_half_its_life_for_ever() -> None:
    """At no moment of a day is the credential in the Secret near its end."""

    async def scenario() -> None:
        async with cluster(pace=30) as held:
            await open_namespace(held)
            for _ in range(24 * 6):
                await settle(HOUR / 6)
                release = read_release(secrets_of(held)[NAME])
                assert release is not None

                assert release.expires_at - clock() > 0.4 * HOUR
            assert 24 * HOUR / (0.56 * HOUR) < len(held.issuer.issued) < 24 * HOUR / (0.44 * HOUR)

    run(scenario())


def test_a_restart_neither_forgets_nor_repeats_a_renewal() -> None:
    """What has to be remembered stands in the Secret."""

    async def scenario() -> None:
        async with cluster(pace=30) as held:
            await open_namespace(held)
            for _ in range(4):
                await settle(HOUR / 10)
                await held.restart_controllers()
            before = len(held.issuer.issued)
            await settle(HOUR / 4)

            assert before == 1
            assert len(held.issuer.issued) == 2

    run(scenario())


def test_credentials_of_one_moment_are_not_renewed_in_one_moment() -> None:
    """Fifty namespaces restored together do not come to the cloud together for ever."""

    async def scenario() -> None:
        async with cluster(pace=30) as held:
            for number in range(50):
                await open_namespace(held, name=f"team-{number}")
            renewals = set[float]()
            for secret in held.kubernetes.all(SECRETS):
                release = read_release(secret)
                assert release is not None
                renewals.add(release.renewal_at(secret["metadata"]["namespace"]) // 20)

            assert len(renewals) > 8

    run(scenario())


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param({"data": {".dockerconfigjson": "e30="}}, id="content"),
        pytest.param({"data": {"more": "e30="}}, id="another key"),
        pytest.param({"metadata": {"labels": None}, "data": None}, id="label and content"),
        pytest.param({"metadata": {"annotations": None}}, id="annotations"),
        pytest.param(
            {"metadata": {"annotations": {"towline.dev/expires-at": "never"}}}, id="expiry"
        ),
    ],
)
def test_an_edited_secret_is_written_anew(edit: Object) -> None:
    """Whatever was edited, the pods' credential is good again a moment later."""

    async def scenario() -> None:
        async with cluster(pace=30) as held:
            await open_namespace(held)
            await settle(5)
            await held.kubernetes.patch(SECRETS, "team", NAME, edit)
            await settle(5)
            secret = secrets_of(held)[NAME]
            release = read_release(secret)

            assert _password(secret) == "secret-2"
            assert secret["data"].keys() == {".dockerconfigjson"}
            assert release is not None
            assert release.is_intact
            assert secret["metadata"]["labels"]

    run(scenario())


def test_a_deleted_secret_and_a_forgotten_name_come_back() -> None:
    """The account is healed without a new credential."""

    async def scenario() -> None:
        async with cluster(pace=30) as held:
            await open_namespace(held)
            await settle(5)
            await held.kubernetes.delete(SECRETS, "team", NAME)
            await settle(5)
            issued = len(held.issuer.issued)
            none = {"imagePullSecrets": None}
            await held.kubernetes.patch(SERVICE_ACCOUNTS, "team", "default", none)
            await settle(5)

            assert _password(secrets_of(held)[NAME]) == "secret-2"
            assert issued == len(held.issuer.issued) == 2
            assert await named_in_account(held) == [NAME]

    run(scenario())


def test_a_secret_of_another_type_in_the_way_is_replaced() -> None:
    """A Secret's type can never be changed, so it is made anew."""

    async def scenario() -> None:
        async with cluster(pace=30) as held:
            other = {"metadata": {"name": NAME}, "type": "Opaque", "data": {}}
            await held.kubernetes.create(SECRETS, "demo", other)
            await annotate(held, "shop", "demo")

            assert secrets_of(held)[NAME]["type"] == "kubernetes.io/dockerconfigjson"

    run(scenario())


def test_trouble_after_creation_is_an_event_on_the_namespace_and_is_tried_again() -> None:
    """The credential that is there stays, and is renewed as soon as the cloud answers again."""

    async def scenario() -> None:
        async with cluster(pace=30) as held:
            await open_namespace(held)
            held.issuer.problem = NO_INSTANCE
            await settle(0.6 * HOUR)
            during = _password(secrets_of(held)[NAME])
            held.issuer.problem = None
            await settle(90)

            assert during == "secret-1"
            assert _password(secrets_of(held)[NAME]) == "secret-2"
            assert held.said("FailedCredentialRelease") == [
                "Cannot release a registry credential: there is no instance shop; create it"
            ]

    run(scenario())


def test_an_api_that_does_not_answer_delays_and_loses_nothing() -> None:
    """The renewal is made up for."""

    async def scenario() -> None:
        async with cluster(pace=30) as held:
            await open_namespace(held)
            held.kubernetes.trouble = ApiError(500, "InternalError", "disk full")
            await settle(0.6 * HOUR)
            held.kubernetes.trouble = None
            await settle(90)

            assert _password(secrets_of(held)[NAME]) == f"secret-{len(held.issuer.issued)}"
            assert len(held.issuer.issued) > 1

    run(scenario())


def test_a_login_never_shows_its_password_by_accident() -> None:
    """Not in logs and not in tracebacks."""

    async def scenario() -> None:
        async with cluster(pace=30) as held:
            login = await held.issuer.issue("shop", "team")

            assert login.password not in repr(login)

    run(scenario())
