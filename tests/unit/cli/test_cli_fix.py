"""Mending and looking at everything on the command line: what is asked, what is said, how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from towline.cli.app import build, run
from towline.cli.command_table import CLIENT_COMMANDS

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: c
contexts: [{name: c, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: u, user: {token: t}}]
"""


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kubeconfig of a cluster that does not answer, and no installation."""
    for name in ("TOWLINE_ENDPOINT", "TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("TOWLINE_DATA", str(tmp_path / "data"))
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(KUBECONFIG)
    return kubeconfig


def towline(*arguments: str) -> int:
    """The exit code of a command line."""
    return run(build(CLIENT_COMMANDS), arguments)


def test_an_api_that_does_not_answer_is_a_problem_of_its_user(
    nowhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And not a defect with a traceback; what is no workload is told before anybody is asked."""
    silent = towline("fix", "pod/web", "--yes", "--kubeconfig", str(nowhere), "-o", "json")
    said = json.loads(capsys.readouterr().err)
    wrong = towline("fix", "web", "--kubeconfig", str(nowhere))

    assert (silent, wrong) == (1, 1)
    assert said["error"]["code"] == "kubernetes-unreachable"
    assert "pod/web-1" in capsys.readouterr().err


def test_a_doctor_who_sees_nothing_says_so(
    nowhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another cluster that does not answer is neither well nor ill; no installation is ill."""
    blind = towline("doctor", "--kubeconfig", str(nowhere), "-o", "json")
    shown = json.loads(capsys.readouterr().out)
    without = towline("doctor")
    words = capsys.readouterr().out

    assert blind == 2
    assert shown["findings"] == []
    assert shown["healthy"] is False
    assert len(shown["unseen"]) == 1
    assert shown["unseen"][0].startswith("the cluster: ")
    assert without == 1
    assert "(not-running)" in words
    assert "not looked at: the cloud: " in words
