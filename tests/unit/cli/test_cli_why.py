"""`towline why` on texts: read one, read many, explain a cause."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from towline.cli.why import why_command
from towline.problem import Problem

UNTRUSTED = (
    'failed to resolve image: failed to do request: Head "https://hub.example/v2/a/b/manifests/1": '
    "tls: failed to verify certificate: x509: certificate signed by unknown authority"
)
PLAIN = 'Get "https://hub.example/v2/": http: server gave HTTP response to HTTPS client'


def why(*words: str, stdin: str = "") -> Result:
    """Run `towline why …` in this process; a problem comes out as itself."""
    app = typer.Typer()
    app.command()(why_command)
    result = CliRunner().invoke(app, words, input=stdin)
    if isinstance(result.exception, Problem):
        raise result.exception
    return result


def test_a_text_is_answered_in_words() -> None:
    """The cause, what else it may be, what decides, and who does what."""
    result = why(UNTRUSTED)

    assert result.exit_code == 0
    assert "(tls.unknown-authority, one-of)" in result.stdout
    assert "It may also be: tls.incomplete-chain, tls.self-signed." in result.stdout
    assert "What decides: " in result.stdout
    assert "More: towline why --explain tls.unknown-authority" in result.stdout


def test_a_text_is_answered_as_json_for_programs() -> None:
    """Read from standard input, as `kubectl describe` is piped in."""
    answer = json.loads(why("-", "-o", "json", stdin=PLAIN).stdout)

    assert (answer["code"], answer["stage"], answer["confidence"]) == (
        "tls.http-server",
        "tls",
        "read",
    )


def test_a_text_that_tells_nothing_ends_with_one() -> None:
    """So that scripts see it."""
    result = why("all is well", "-o", "json")

    assert result.exit_code == 1
    assert json.loads(result.stdout)["code"] is None


def test_many_texts_are_answered_line_by_line(tmp_path: Path) -> None:
    """In their order, with the ids they came with; blank lines are none."""
    rows = [
        {"id": "a", "text": PLAIN},
        {"text": "unexpected EOF", "client": "docker (dockerd)"},
        {"text": "all is well"},
    ]
    file = tmp_path / "texts.jsonl"
    file.write_text("\n\n".join(map(json.dumps, rows)) + "\n")
    answers = [json.loads(line) for line in why("--batch", str(file)).stdout.splitlines()]

    assert [answer["code"] for answer in answers] == ["tls.http-server", "blob.truncated", None]
    assert answers[0]["id"] == "a"


def test_a_batch_that_is_no_batch_is_said_so(tmp_path: Path) -> None:
    """With the line it fails at."""
    file = tmp_path / "texts.jsonl"
    file.write_text('{"text": "EOF"}\n["EOF"]\n')

    with pytest.raises(Problem, match="line 2"):
        why("--batch", str(file))
    with pytest.raises(Problem, match="No such file"):
        why("--batch", str(tmp_path / "none"))


def test_a_cause_is_explained_by_its_page() -> None:
    """The same as in docs/diagnoses."""
    assert why("--explain", "net.mtu").stdout.startswith("# net.mtu\n")
    with pytest.raises(Problem, match=r"net\.nothing"):
        why("--explain", "net.nothing")


def test_something_has_to_be_asked() -> None:
    """An empty question is answered with how to ask."""
    with pytest.raises(Problem, match="neither a text"):
        why()
