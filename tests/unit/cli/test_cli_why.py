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


def why(*words: str, stdin: str | bytes = "") -> Result:
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


def test_a_workload_is_sent_to_its_pods() -> None:
    """It pulls nothing itself, and it is no image of that name."""
    with pytest.raises(Problem) as refused:
        why("deployment/web")

    assert refused.value.code == "not-a-pod"
    assert "towline fix deployment/web --dry-run" in refused.value.remedy


@pytest.mark.parametrize("word", ["denied", "EOF", "toomanyrequests"])
def test_a_single_word_of_a_runtime_is_a_text(word: str) -> None:
    """And no image of that name, which would be looked for at Docker Hub."""
    assert json.loads(why(word, "-o", "json").stdout)["code"]


def test_a_pods_state_is_no_cause() -> None:
    """Nor is it the name of an image; the answer has every key that others have."""
    result = why("ImagePullBackOff", "-o", "json")
    answer, known = json.loads(result.stdout), json.loads(why(PLAIN, "-o", "json").stdout)

    assert result.exit_code == 1
    assert answer["code"] is None
    assert answer.keys() == known.keys()


def test_what_is_no_utf8_is_read_all_the_same(tmp_path: Path) -> None:
    """Runtimes print what registries send them."""
    page = b'Get "https://hub.example/v2/": caf\xe9: unexpected EOF'
    file = tmp_path / "texts.jsonl"
    file.write_bytes(b'{"text": "unexpected EOF", "note": "caf\xe9"}\n')

    assert "(net.closed" in why("-", stdin=page).stdout
    assert json.loads(why("--batch", str(file)).stdout)["code"]


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
