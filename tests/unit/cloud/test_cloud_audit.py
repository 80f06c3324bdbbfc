"""The audit: every request that may change something, by whom, from where, and how it ended."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.clouds import KEY, NOW, SECRET_ID, SECRET_KEY, UIN, open_context, refused

from towline.cloud.action import Action, Answer, AnyAction, Parameters
from towline.cloud.audit import KEPT, MOST, Audit, only_reads, without_secrets
from towline.cloud.authenticate import HttpRequest
from towline.cloud.catalogue import CATALOGUE
from towline.cloud.context import Context, millisecond
from towline.cloud.gateway import Catalogue, Gateway
from towline.cloud.own.audit import DescribeAudit, describe_audit
from towline.resource.audit_entry import AuditEntry
from towline.resource.signature import Signable, authorize


class Nothing(Parameters, frozen=True, kw_only=True):
    """No parameters."""


@dataclass
class Calls:
    """Calls through the gateway of one context."""

    context: Context
    catalogue: Catalogue = field(default_factory=lambda: CATALOGUE)

    async def __call__(
        self, action: str, params: Mapping[str, Any], secret: str = SECRET_KEY
    ) -> dict[str, Any]:
        """Sign and send; the response."""
        body, stamp = json.dumps(params).encode(), int(NOW.timestamp())
        covered = (("content-type", "application/json"), ("host", "h"))
        headers = {**dict(covered), "x-tc-timestamp": str(stamp), "x-tc-action": action}
        headers |= {"x-tc-version": "2017-03-12", "x-tc-requestclient": "SDK_PYTHON"}
        signable = Signable("POST", "", covered, body, stamp, "vpc")
        headers["authorization"] = authorize(signable, SECRET_ID, secret)
        gateway = Gateway(
            self.context.resources,
            self.context.settings,
            {SECRET_ID: KEY},
            self.catalogue,
            self.context.clock,
        )
        request = HttpRequest("POST", "", headers, body, "192.0.2.7")
        answered: dict[str, Any] = json.loads(await gateway.answer(request))["Response"]
        return answered


def entry(at: datetime, number: int = 0, action: str = "CreateVpc") -> AuditEntry:
    """An entry of some time."""
    return AuditEntry(
        request_id=f"{number:06}",
        at=millisecond(at),
        uin=UIN,
        secret_id=SECRET_ID,
        product="vpc",
        action=action,
        source="",
        client="",
        parameters="{}",
    )


async def test_a_change_is_written_down_with_all_there_is_to_know(tmp_path: Path) -> None:
    """Who, what, from where, with what, and how it ended."""
    async with open_context(tmp_path) as context:
        params = {"VpcName": "v", "CidrBlock": "10.0.0.0/16"}
        answer = await Calls(context)("CreateVpc", params)
        (event,) = (await describe_audit(context, DescribeAudit())).events

    assert event.request_id == answer["RequestId"]
    assert (event.account, event.secret_id, event.session) == (UIN, SECRET_ID, "")
    assert (event.source_address, event.client) == ("192.0.2.7", "SDK_PYTHON")
    assert (event.product, event.action_name, event.outcome) == ("vpc", "CreateVpc", "OK")
    assert json.loads(event.parameters) == params
    assert event.event_time == "2026-01-02T03:04:05.000Z"


async def test_a_refused_change_is_written_down_with_its_code(tmp_path: Path) -> None:
    """Also when not even its parameters could be read."""
    async with open_context(tmp_path) as context:
        call = Calls(context)
        answers = [await call("DeleteVpc", {}), await call("DeleteVpc", {"VpcId": "vpc-none"})]
        events = (await describe_audit(context, DescribeAudit())).events
    codes = {answer["RequestId"]: answer["Error"]["Code"] for answer in answers}

    assert {event.request_id: event.outcome for event in events} == codes


async def test_questions_and_strangers_leave_no_trace(tmp_path: Path) -> None:
    """Whoever has no key could otherwise fill the audit until it forgets."""
    async with open_context(tmp_path) as context:
        call = Calls(context)
        await call("DescribeVpcs", {})
        await call("CreateVpc", {}, "wrong")

        assert context.resources.audit.list("") == ()


async def test_what_is_being_done_is_on_record_before_it_is_done(tmp_path: Path) -> None:
    """If the cloud is killed meanwhile, the entry says that it was begun."""
    seen: list[str] = []

    async def look(context: Context, _asked: Nothing) -> Answer:
        seen.extend(one.outcome for one in context.resources.audit.list(""))
        raise RuntimeError("broken")

    actions: dict[str, AnyAction] = {"CreateVpc": Action(Nothing, look)}
    async with open_context(tmp_path) as context:
        await Calls(context, {("vpc", "2017-03-12"): actions})("CreateVpc", {})
        (kept,) = context.resources.audit.list("")

    assert seen == [""]
    assert kept.outcome == "InternalError"


def test_secrets_are_hidden_at_every_depth() -> None:
    """By the names of the fields; names and ids of secrets are none."""
    shown = without_secrets(
        {
            "Password": "p1",
            "RegistryId": "tcr-1",
            "List": [{"SecretAccessKey": "p2", "TokenId": "t", "Inner": {"Token": "p3"}}],
        }
    )

    assert "tcr-1" in shown
    assert '"TokenId":"t"' in shown
    assert all(secret not in shown for secret in ("p1", "p2", "p3"))


def test_what_is_long_or_deep_is_cut() -> None:
    """The audit holds thousands of entries."""
    deep: dict[str, Any] = {}
    for _ in range(2000):
        deep = {"a": deep}

    assert len(without_secrets({"VpcName": "x" * 100_000})) == 4096
    assert "***" in without_secrets(deep)


async def test_old_entries_are_forgotten(tmp_path: Path) -> None:
    """After ninety days."""
    async with open_context(tmp_path) as context:
        audit = Audit(context.resources.audit)
        async with audit.noting(entry(NOW)):
            pass
        async with audit.noting(entry(NOW + KEPT + timedelta(seconds=1), 1)):
            pass
        kept = [one.request_id for one in context.resources.audit.list("")]

    assert kept == ["000001"]


@pytest.mark.slow
async def test_there_are_never_much_more_than_the_most(tmp_path: Path) -> None:
    """The oldest go first, many at a time."""
    async with open_context(tmp_path) as context:
        entries = context.resources.audit
        old = [entry(NOW + timedelta(seconds=number), number) for number in range(MOST + 50)]
        await context.resources.store.apply([entries.creation("", one.name, one) for one in old])
        last = entry(NOW + timedelta(days=1), 999_999)
        async with Audit(entries).noting(last):
            pass
        kept = entries.list("")

    assert len(kept) == MOST + 1
    assert kept[0].request_id == "000050"
    assert kept[-1].name == last.name


async def test_the_audit_is_shown_newest_first_and_in_part(tmp_path: Path) -> None:
    """By time, by action, by account."""
    async with open_context(tmp_path) as context:
        for number, action in enumerate(("CreateVpc", "DeleteVpc", "CreateVpc")):
            one = entry(NOW + timedelta(hours=number), number, action)
            await context.resources.audit.create("", one.name, one)
        everything = await describe_audit(context, DescribeAudit(limit=2))
        later = await describe_audit(context, DescribeAudit(since="2026-01-02T04:04:05Z"))
        made = await describe_audit(context, DescribeAudit(action_names=("CreateVpc",)))
        nobody = await describe_audit(context, DescribeAudit(uins=("1",)))

        assert [event.request_id for event in everything.events] == ["000002", "000001"]
        assert (everything.total_count, later.total_count) == (3, 2)
        assert [event.request_id for event in made.events] == ["000002", "000000"]
        assert nobody.total_count == 0
        for wrong in ("yesterday", "2026-01-02T04:04:05", "0001-01-01T00:00:00+23:59"):
            with refused("InvalidParameterValue"):
                await describe_audit(context, DescribeAudit(since=wrong))


def test_every_action_that_only_reads_is_known_by_its_first_word() -> None:
    """All others are audited."""
    written = {name for actions in CATALOGUE.values() for name in actions if not only_reads(name)}

    assert {"CreateAccessKey", "GetFederationToken", "ManageInternalEndpoint"} <= written
    assert not any(name.startswith(("Describe", "List")) for name in written)


async def test_a_session_is_named_in_the_audit(tmp_path: Path) -> None:
    """Whoever acts by temporary credentials acts under two names."""
    async with open_context(tmp_path) as context:
        audit = Audit(context.resources.audit)
        async with audit.noting(msgspec.structs.replace(entry(NOW), session="visitor")):
            pass
        (event,) = (await describe_audit(context, DescribeAudit())).events

    assert (event.account, event.session) == (UIN, "visitor")
