"""Keys and the audit on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import typer
from tests.clouds import SECRET_ID, UIN
from typer.testing import CliRunner

from towline.cli.access_key import access_key_app
from towline.cli.audit import audit_command, beginning
from towline.problem import Problem

Run = Callable[..., str]
NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)


@pytest.fixture
def towline(cloud: None) -> Run:
    """Two commands, before a cloud that answers."""
    del cloud
    return run_command


def run_command(*line: str) -> str:
    """Run `towline <line>` in this process; a problem comes out as itself."""
    app = typer.Typer()
    app.add_typer(access_key_app)
    app.command("audit")(audit_command)
    result = CliRunner().invoke(app, line)
    if isinstance(result.exception, Problem):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_key_of_ones_own_works_until_it_is_disabled(
    towline: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A colleague's key opens the cloud, is seen in the audit, and can be switched off."""
    account = "100000000002"
    made = json.loads(towline("access-key", "create", "--account", account, "-o", "json"))
    with monkeypatch.context() as colleague:
        colleague.setenv("TENCENTCLOUD_SECRET_ID", made["secretId"])
        colleague.setenv("TENCENTCLOUD_SECRET_KEY", made["secretKey"])
        own = json.loads(towline("access-key", "list", "-o", "json"))
        towline("access-key", "create", "--description", "second")
    towline("access-key", "disable", made["secretId"], "--account", account)
    with monkeypatch.context() as colleague:
        colleague.setenv("TENCENTCLOUD_SECRET_ID", made["secretId"])
        colleague.setenv("TENCENTCLOUD_SECRET_KEY", made["secretKey"])
        with pytest.raises(Problem) as refused:
            towline("access-key", "list")
    towline("access-key", "delete", made["secretId"], "--account", account)
    audit = json.loads(towline("audit", "--since", "1h", "-o", "json"))

    assert [one["secretId"] for one in own] == [made["secretId"]]
    assert "SecretIdNotFound" in refused.value.cause
    assert [(one["action"], one["account"], one["outcome"]) for one in audit] == [
        ("DeleteAccessKey", UIN, "OK"),
        ("UpdateAccessKey", UIN, "OK"),
        ("CreateAccessKey", account, "OK"),
        ("CreateAccessKey", UIN, "OK"),
    ]
    assert audit[-1]["secretId"] == SECRET_ID
    assert audit[-1]["source"] == "127.0.0.1"
    assert made["secretKey"] not in json.dumps(audit)


def test_the_audit_is_asked_for_single_actions(towline: Run) -> None:
    """As a table for people; empty is said in words."""
    key = json.loads(towline("access-key", "create", "-o", "json"))["secretId"]
    towline("access-key", "delete", key)
    shown = towline("audit", "--action", "DeleteAccessKey")

    assert "cam:DeleteAccessKey" in shown
    assert "CreateAccessKey" not in shown
    assert towline("audit", "--action", "DeleteVpc") == ""


@pytest.mark.parametrize(
    ("since", "meant"),
    [
        ("", ""),
        ("30m", "2026-01-02T11:30:00+00:00"),
        ("7d", "2025-12-26T12:00:00+00:00"),
        ("2026-01-01", "2026-01-01T00:00:00+00:00"),
        ("2026-01-01T00:00:00+08:00", "2026-01-01T00:00:00+08:00"),
    ],
)
def test_since_is_a_span_or_a_time(since: str, meant: str) -> None:
    """A time without a zone is UTC."""
    assert beginning(since, NOW) == meant


@pytest.mark.parametrize("since", ["yesterday", "5 minutes", "999999d"])
def test_since_that_is_neither_is_a_problem(since: str) -> None:
    """With an example of what is meant."""
    with pytest.raises(Problem) as problem:
        beginning(since, NOW)

    assert problem.value.code == "since-malformed"
