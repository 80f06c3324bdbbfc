"""The root of the command line: it starts fast, says what is wrong in one way, and ends as shells expect."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
import typer

from towline.cli.app import INTERRUPTED, build, run
from towline.cli.command_table import CLIENT_COMMANDS, Place, load
from towline.kube.annotations import RELEASE_CREDENTIAL
from towline.main import ROLE_COMMANDS
from towline.problem import Problem

ALL_COMMANDS = CLIENT_COMMANDS | ROLE_COMMANDS


def fails_for_its_user() -> None:
    """A command that cannot do what is asked."""
    raise Problem("no-such-thing", cause="there is no thing", remedy="make one")


def fails_in_a_group() -> None:
    """A command whose tasks failed together."""
    problem = Problem("no-such-thing", cause="there is no thing", remedy="make one")
    raise BaseExceptionGroup("tasks", [BaseExceptionGroup("inner", [problem])])


def fails_twice() -> None:
    """A command with a defect beside its problem."""
    problem = Problem("no-such-thing", cause="there is no thing", remedy="make one")
    raise BaseExceptionGroup("tasks", [problem, ZeroDivisionError()])


def is_interrupted() -> None:
    """A command during which the user presses Ctrl-C."""
    raise KeyboardInterrupt


def prints(*, output: str = typer.Option("table", "-o", "--output")) -> None:
    """A command that accepts `-o json` and has a problem."""
    raise Problem("no-such-thing", cause=f"no thing for {output}", remedy="make one")


@pytest.fixture(autouse=True)
def scripted(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A module of commands that end in every way."""
    module = ModuleType("scripted_commands")
    for command in (fails_for_its_user, fails_in_a_group, fails_twice, is_interrupted, prints):
        setattr(module, command.__name__, command)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    yield


def end_of(command: str, *arguments: str) -> int:
    """The exit code of one scripted command."""
    root = build({"try": Place("scripted_commands", command, "Try.", "Trials")})
    return run(root, ["try", *arguments])


def test_a_problem_is_told_with_its_remedy_and_ends_in_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """No traceback: the user can act on it."""
    code = end_of("fails_for_its_user")

    assert code == 1
    assert capsys.readouterr().err == (
        "towline: there is no thing\n  remedy: make one\n  (no-such-thing)\n"
    )


def test_a_problem_inside_tasks_is_told_like_any_other(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """However deep the groups are."""
    code = end_of("fails_in_a_group")

    assert code == 1
    assert "there is no thing" in capsys.readouterr().err


def test_a_defect_keeps_its_traceback() -> None:
    """A problem beside it does not hide it."""
    with pytest.raises(BaseExceptionGroup):
        end_of("fails_twice")


def test_who_asked_for_json_gets_errors_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """A program reads the code, not the sentence."""
    code = end_of("prints", "-o", "json")

    assert code == 1
    assert json.loads(capsys.readouterr().err)["error"] == {
        "code": "no-such-thing",
        "cause": "no thing for json",
        "remedy": "make one",
    }


def test_an_interruption_ends_as_in_every_shell() -> None:
    """128 plus the number of SIGINT."""
    assert end_of("is_interrupted") == INTERRUPTED


def test_a_mistyped_command_is_suggested(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, as for every wrong invocation."""
    code = run(build(ALL_COMMANDS), ["instnce"])

    assert code == 2
    assert "Did you mean 'instance'?" in capsys.readouterr().err


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """On standard output, alone."""
    code = run(build(ALL_COMMANDS), ["--version"])

    assert code == 0
    assert capsys.readouterr().out.startswith("towline ")


@pytest.mark.parametrize("name", ALL_COMMANDS)
def test_the_table_says_what_the_command_says_of_itself(name: str) -> None:
    """A summary that is written twice is checked twice."""
    command = load(name, ALL_COMMANDS[name])
    first = (command.help or "").split("\n\n")[0]

    assert " ".join(first.split()) == ALL_COMMANDS[name].summary


def test_help_teaches_the_first_steps(capsys: pytest.CaptureFixture[str]) -> None:
    """Each line that is a command of ours is one that exists."""
    run(build(ALL_COMMANDS), ["--help"])

    walk = capsys.readouterr().out.partition("A first walk")[2]
    steps = [line.split() for line in walk.splitlines() if line.startswith("  towline ")]
    assert [words[1] for words in steps] == [
        "up", "instance", "namespace", "credential", "push", "link",
    ]  # fmt: skip
    for words in steps:
        command = load(words[1], ALL_COMMANDS[words[1]])
        command = getattr(command, "commands", {}).get(words[2], command)
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("-")} <= known, words
        assert not hasattr(command, "commands"), words


def test_help_lets_the_cluster_in_before_it_pulls(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a credential of its own the first deployment ends in ErrImagePull."""
    run(build(ALL_COMMANDS), ["--help"])

    walk = capsys.readouterr().out.partition("A first walk")[2]
    release = f"kubectl annotate namespace default {RELEASE_CREDENTIAL}=demo"
    assert walk.index("towline push") < walk.index(release) < walk.index("create deployment")


@pytest.mark.parametrize("name", ALL_COMMANDS)
def test_every_command_that_does_something_gives_an_example(name: str) -> None:
    """Help that cannot be typed teaches nothing."""
    command = load(name, ALL_COMMANDS[name])
    leaves = _leaves([name], command)

    assert leaves
    for words, leaf in leaves:
        assert f"towline {' '.join(words)}" in (leaf.help or ""), words


def _leaves(words: list[str], command: Any) -> list[tuple[list[str], Any]]:
    children = getattr(command, "commands", None)
    if children is None:
        return [(words, command)]
    return [leaf for name, child in children.items() for leaf in _leaves([*words, name], child)]


def test_help_imports_no_command() -> None:
    """So that it is instant; measured in modules, since time depends on the machine."""
    code = (
        "import sys; from towline.main import main; sys.argv = ['towline', '--help']\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'asyncio', 'rich', 'aiohttp', 'cryptography', 'ssl', 'towline.cli.pull'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stderr.strip() == "[]"
