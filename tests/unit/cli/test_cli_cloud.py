"""The cloud's nouns on the command line: what a person types, and what comes back."""

from __future__ import annotations

import asyncio
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cloud_commands import NOUNS, Run, app_of, parsed, run_command
from tests.clouds import ACCESS_IP

from towline.cli.app import build, run
from towline.cli.command_table import CLIENT_COMMANDS
from towline.installation.data_directory import DataDirectory
from towline.problem import Problem
from towline.resource import kind
from towline.resource.credential import (
    EVERY_NAMESPACE,
    Credential,
    Lifetime,
    Permission,
    digest_of_secret,
)
from towline.store.collection import Collection
from towline.store.store import Store


def test_an_instance_is_created_shown_and_deleted(towline: Run) -> None:
    """It is Running when the command returns."""
    made = parsed(towline("instance create demo -o json"))
    shown = towline("instance show demo")
    listed = towline("instance list")
    towline("instance delete demo --yes")

    assert made["status"] == "Running"
    assert made["domain"] == "demo.tencentcloudcr.com"
    assert made["publicAddress"] == "198.18.0.10"
    assert "demo-vpc.tencentcloudcr.com" in shown
    assert listed.splitlines()[0].split() == [
        "NAME", "ID", "EDITION", "STATUS", "DOMAIN", "CREATED",
    ]  # fmt: skip
    assert parsed(towline("instance list -o json")) == []


def test_a_link_is_created_with_its_resolution(towline: Run) -> None:
    """One VPC and one subnet need not be named."""
    towline("instance create demo")
    towline("vpc create office 10.0.0.0/16")
    towline("subnet create pods 10.0.1.0/24")
    made = parsed(towline("link create demo --resolve -o json"))

    assert made["accessIp"] == ACCESS_IP
    assert made["resolve"] is True
    with pytest.raises(Problem, match="ErrorVpcDnsStatus"):
        towline("link delete demo")
    assert parsed(towline("link resolve off demo --vpc office -o json"))["resolve"] is False
    assert "towline link resolve on demo" in towline("link show demo")
    towline("link resolve on demo --vpc-domain")
    assert parsed(towline("link list -o json"))[0]["resolveVpcDomain"] is True
    towline("link resolve off demo --vpc-domain")
    towline("link delete demo")
    with pytest.raises(Problem) as problem:
        towline("link show demo")
    assert problem.value.code == "no-such-link"


def test_a_link_that_is_there_is_given_its_resolution(towline: Run) -> None:
    """As often as it is asked for, so that a script may be run again."""
    towline("instance create demo")
    towline("vpc create office 10.0.0.0/16")
    towline("subnet create pods 10.0.1.0/24")
    towline("link create demo")
    once = parsed(towline("link create demo --resolve -o json"))
    twice = parsed(towline("link create demo --resolve -o json"))

    assert once["resolve"] is True
    assert twice == once
    assert len(parsed(towline("link list demo -o json"))) == 1
    with pytest.raises(Problem, match="ErrorConflict"):
        towline("link create demo")


def test_the_only_link_is_told_from_none_and_from_several(towline: Run) -> None:
    """Each has a remedy of its own."""
    towline("instance create demo --edition premium")
    with pytest.raises(Problem) as none:
        towline("link show demo")
    for vpc, second in (("one", 1), ("two", 2)):
        towline(f"vpc create {vpc} 10.{second}.0.0/16")
        towline(f"subnet create pods 10.{second}.1.0/24 --vpc {vpc}")
        towline(f"link create demo --vpc {vpc}")
    with pytest.raises(Problem) as several:
        towline("link show demo")

    assert none.value.cause == "demo has no link"
    assert none.value.remedy == "`towline link create demo`"
    assert several.value.cause.startswith("demo has several links: vpc-")
    assert several.value.remedy == "name the VPC with --vpc"


def test_two_vpcs_have_to_be_told_apart(towline: Run) -> None:
    """Guessing would link the wrong one."""
    towline("instance create demo")
    towline("vpc create one 10.0.0.0/16")
    towline("vpc create two 172.16.0.0/16")
    towline("subnet create pods 172.16.1.0/24 --vpc two")
    with pytest.raises(Problem) as problem:
        towline("link create demo")
    made = parsed(towline("link create demo --vpc two -o json"))
    subnets = parsed(towline("subnet list --vpc two -o json"))

    assert problem.value.cause.startswith("there are several VPCs: name one of one (vpc-")
    assert "--vpc" in problem.value.remedy
    assert made["subnet"] == subnets[0]["id"]
    assert parsed(towline("subnet list -o json")) == subnets
    assert [vpc["name"] for vpc in parsed(towline("vpc list -o json"))] == ["one", "two"]


def test_credentials_are_shown_once_and_listed_without_secret(towline: Run) -> None:
    """For the whole instance or for a namespace."""
    towline("instance create demo")
    towline("namespace create demo apps")
    towline("namespace create demo open --public")
    whole = parsed(towline("credential create demo --description ci -o json"))
    part = parsed(towline("credential create demo -n apps --right pull --name bot -o json"))
    brief = parsed(towline("credential create demo -n apps --temporary -o json"))
    listed = towline("credential list demo -o json")
    for made in (whole, part, brief):
        towline(f"credential delete demo {made['id']}")

    assert part["username"] == "tcr$bot"
    assert part["expires"] == "never"
    assert brief["expires"] != "never"
    assert {one["id"]: one["right"] for one in parsed(listed)} == {
        whole["id"]: "push",
        part["id"]: "pull",
        brief["id"]: "push",
    }
    assert whole["password"] not in listed
    assert parsed(towline("credential list demo -o json")) == []
    assert [one["public"] for one in parsed(towline("namespace list demo -o json"))] == [
        False,
        True,
    ]
    towline("namespace delete demo open")
    assert "apps" in towline("namespace list demo")


@pytest.mark.parametrize("option", ["--right pull", "--name bot"])
def test_what_only_a_namespace_can_have_is_refused_without_one(towline: Run, option: str) -> None:
    """Who asks for less must not be given the whole instance."""
    towline("instance create demo")
    with pytest.raises(Problem) as problem:
        towline(f"credential create demo {option}")

    assert f"{option} needs --namespace" in problem.value.cause
    assert parsed(towline("credential list demo -o json")) == []


async def test_the_whole_instance_is_opened_to_pull_for_an_hour(
    towline: Run, tmp_path: Path
) -> None:
    """And to nothing else: that is what the registry reads."""
    await asyncio.to_thread(towline, "instance create demo")
    made = await asyncio.to_thread(
        towline, "credential create demo --right pull --temporary -o json"
    )
    async with Store.open(DataDirectory(tmp_path).records) as store:
        (kept,) = Collection(store, kind.CREDENTIAL, Credential).list()

    assert kept.secret_sha256 == digest_of_secret(parsed(made)["password"])
    assert kept.lifetime is Lifetime.TEMPORARY
    assert kept.permissions == (Permission(namespace=EVERY_NAMESPACE, actions=("pull",)),)


def test_an_instance_is_not_deleted_where_nobody_can_be_asked(towline: Run) -> None:
    """With it all its images would be gone."""
    towline("instance create demo")
    with pytest.raises(Problem) as problem:
        towline("instance delete demo")

    assert problem.value.code == "deletion-not-confirmed"
    assert "--yes" in problem.value.remedy
    assert towline("instance show demo")


@pytest.mark.parametrize(("answer", "left"), [("n", ["demo"]), ("y", [])])
def test_an_instance_is_deleted_when_somebody_agrees(
    towline: Run, answer: str, left: list[str]
) -> None:
    """At a terminal, after the question was read."""
    towline("instance create demo")
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "rb") as terminal:
        os.write(ours, f"{answer}\n".encode())
        ended = subprocess.run(
            [sys.executable, "-m", "towline", "instance", "delete", "demo"],
            stdin=terminal, capture_output=True, text=True, check=False,
        )  # fmt: skip
    os.close(ours)

    assert "Delete the registry demo and every image in it?" in ended.stderr
    assert [one["name"] for one in parsed(towline("instance list -o json"))] == left


@pytest.mark.parametrize("seconds", ["0", "-5", "nan"])
def test_no_time_to_wait_is_refused_before_anything_is_made(
    towline: Run, capsys: pytest.CaptureFixture[str], seconds: str
) -> None:
    """Else the instance would be there, and the command would say that it failed."""
    code = run(build(CLIENT_COMMANDS), ["instance", "create", "demo", "--timeout", seconds])

    assert code == 2
    assert "'--timeout': it must be more than 0" in capsys.readouterr().err
    assert parsed(towline("instance list -o json")) == []


def test_an_unknown_instance_is_answered_with_the_known_ones(towline: Run) -> None:
    """A problem with a remedy that can be typed."""
    towline("instance create demo")
    with pytest.raises(Problem) as problem:
        towline("namespace create other apps")

    assert "demo" in problem.value.cause
    assert problem.value.remedy == "`towline instance create other`"


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("instance delete dmeo --yes", "demo"),
        ("namespace delete demo aps", "apps"),
        ("vpc delete ofice", "office"),
        ("link create demo --vpc ofice", "office"),
        ("link create demo --subnet pod", "pods"),
    ],
)
def test_a_misspelt_name_is_asked_about(towline: Run, line: str, meant: str) -> None:
    """The remedy must not be to create what is meant to be there already."""
    towline("instance create demo")
    towline("namespace create demo apps")
    towline("vpc create office 10.0.0.0/16")
    towline("subnet create pods 10.0.1.0/24")
    with pytest.raises(Problem) as problem:
        towline(line)

    assert problem.value.remedy == f"did you mean {meant!r}?"


def test_without_a_vpc_the_remedy_is_to_create_one(towline: Run) -> None:
    """It is not that none is the only one."""
    towline("instance create demo")
    with pytest.raises(Problem) as problem:
        towline("link create demo")

    assert problem.value.cause == "there is no VPC"
    assert "towline vpc create" in problem.value.remedy


@pytest.mark.parametrize("credential", ["nope", "tcr$nope"])
def test_an_unknown_credential_is_looked_for_in_the_list(towline: Run, credential: str) -> None:
    """Not among the namespaces."""
    towline("instance create demo")
    with pytest.raises(Problem) as problem:
        towline(f"credential delete demo {credential}")

    assert "`towline credential list demo`" in problem.value.remedy


@pytest.mark.parametrize("noun", NOUNS)
def test_every_noun_explains_itself_without_an_installation(noun: str) -> None:
    """And every command has an example."""
    assert run_command(f"{noun} --help")
    for command in app_of(noun).registered_commands:
        assert "Example: towline" in run_command(f"{noun} {command.name} --help")
