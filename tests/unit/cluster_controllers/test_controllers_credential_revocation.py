"""The end of released credentials: nobody keeps one that nobody asks for any more."""

from __future__ import annotations

import pytest
from tests.unit.cluster_controllers.cluster import cluster, settle
from tests.unit.cluster_controllers.released import (
    NAME,
    annotate,
    named_in_account,
    open_namespace,
    secrets_of,
)
from tests.virtual_time import run

from towline.cluster.controllers.credential_revocation import GRACE
from towline.cluster.controllers.released_secret import LABEL, read_release
from towline.cluster.resources import NAMESPACES, SECRETS
from towline.problem import Problem

SILENCE = Problem("cloud-unreachable", cause="the cloud gave no answer", remedy="start it")


def test_the_credential_before_a_renewal_ends_after_a_grace() -> None:
    """Pulls that go on with it finish; nobody can pull with it ever after."""

    async def scenario() -> None:
        async with cluster(pace=30) as held:
            await open_namespace(held)
            first = list(held.issuer.valid)
            while len(held.issuer.issued) == 1:
                await settle(30)
            during = list(held.issuer.valid)
            await settle(GRACE + 60)

            assert first == [("tcr-shop", "credential-1")]
            assert during == [*first, ("tcr-shop", "credential-2")]
            assert held.issuer.valid == [("tcr-shop", "credential-2")]

    run(scenario())


def test_a_restart_forgets_no_credential_that_is_to_end() -> None:
    """It stands in the Secret, with the time."""

    async def scenario() -> None:
        async with cluster(pace=30) as held:
            await open_namespace(held)
            while len(held.issuer.issued) == 1:
                await settle(30)
            await held.restart_controllers()
            await settle(GRACE / 2)
            within = len(held.issuer.valid)
            await settle(GRACE / 2 + 60)
            release = read_release(secrets_of(held)[NAME])

            assert within == 2
            assert held.issuer.valid == [("tcr-shop", "credential-2")]
            assert release is not None
            assert release.superseded == ()

    run(scenario())


def test_a_credential_of_a_secret_that_somebody_deleted_or_edited_ends_too() -> None:
    """Whoever has it from there cannot keep it."""

    async def scenario() -> None:
        async with cluster(pace=30) as held:
            await open_namespace(held)
            await settle(5)
            await held.kubernetes.delete(SECRETS, "team", NAME)
            await settle(5)
            label = {"metadata": {"labels": {LABEL: "tcr-other"}}}
            await held.kubernetes.patch(SECRETS, "team", NAME, label)
            await settle(GRACE + 60)

            assert held.issuer.valid == [("tcr-shop", "credential-3")]

    run(scenario())


def test_the_credential_ends_with_the_annotation() -> None:
    """At once; and with another instance in the annotation only the one for that is left."""

    async def scenario() -> None:
        async with cluster(pace=30) as held:
            await open_namespace(held)
            await settle(5)
            await annotate(held, "store")
            changed = list(held.issuer.valid)
            await annotate(held, None)

            assert changed == [("tcr-store", "credential-2")]
            assert held.issuer.valid == []

    run(scenario())


@pytest.mark.parametrize("is_secret_first", [True, False])
def test_the_credentials_end_with_the_namespace(is_secret_first: bool) -> None:
    """Whichever is seen to go first, and those that were renewed in it as well."""

    async def scenario() -> None:
        async with cluster(pace=30) as held:
            await open_namespace(held)
            while len(held.issuer.issued) == 1:
                await settle(30)
            for resource, where, name in [(SECRETS, "team", NAME), (NAMESPACES, "", "team")][
                :: 1 if is_secret_first else -1
            ]:
                await held.kubernetes.delete(resource, where, name)
            await settle(5)

            assert len(held.issuer.issued) == 2
            assert held.issuer.valid == []

    run(scenario())


def test_a_credential_that_cannot_be_revoked_now_is_revoked_later() -> None:
    """Its Secret stays as long: it says what is left to do. The pods have lost it already."""

    async def scenario() -> None:
        async with cluster(pace=30) as held:
            await open_namespace(held)
            await settle(5)
            held.issuer.problem = SILENCE
            await annotate(held, None)
            named, during = await named_in_account(held), set(secrets_of(held))
            held.issuer.problem = None
            await settle(90)

            assert (named, during) == ([], {NAME})
            assert held.issuer.valid == []
            assert secrets_of(held) == {}

    run(scenario())
