"""Names on the command line: those of registries, and what was asked of resolvers."""

from __future__ import annotations

from pathlib import Path

import dns.message
import dns.rrset
import pytest
from tests.cloud_commands import Run, parsed

from towline.installation.data_directory import DataDirectory
from towline.problem import Problem
from towline.sandbox.network.query_log import QueryLog, path_of


def test_a_registry_has_names_of_its_owners(towline: Run) -> None:
    """Besides its default domain."""
    towline("instance create demo")
    made = parsed(towline("domain create demo Registry.example.com --no-wait -o json"))
    (listed,) = parsed(towline("domain list demo -o json"))

    assert (made["domain"], made["status"]) == ("registry.example.com", "CREATING")
    assert listed == made
    with pytest.raises(Problem, match=r"is not served after 0.2 s"):
        towline("domain create demo other.example.com --timeout 0.2")
    assert "other.example.com deleted" in towline("domain delete demo other.example.com --no-wait")
    with pytest.raises(Problem, match=r"has no customized domain 'regstry.example.com'") as refusal:
        towline("domain delete demo regstry.example.com")
    assert "registry.example.com" in refusal.value.remedy


def test_what_pods_asked_can_be_read(towline: Run, tmp_path: Path) -> None:
    """Of one name and those below it, from one address, the last of them."""
    vpc = parsed(towline("vpc create office 10.0.0.0/16 -o json"))["id"]
    log = QueryLog(path_of(DataDirectory(tmp_path).queries, vpc))
    for number, name in enumerate(("demo.example", "a.demo.example", "notdemo.example")):
        answer = dns.message.make_response(dns.message.make_query(name, "A"))
        answer.answer.append(dns.rrset.from_text(f"{name}.", 10, "IN", "A", "10.0.0.2"))
        log.note(f"10.0.0.{20 + number}", answer.to_wire())
    shown = parsed(towline("dns log --name DEMO.example -o json"))

    assert [(one["name"], one["client"]) for one in shown] == [
        ("demo.example.", "10.0.0.20"),
        ("a.demo.example.", "10.0.0.21"),
    ]
    assert (shown[0]["type"], shown[0]["code"]) == ("A", "NOERROR")
    assert shown[0]["answer"] == ["10.0.0.2"]
    assert len(parsed(towline("dns log --client 10.0.0.22 -o json"))) == 1
    assert [one["name"] for one in parsed(towline("dns log --limit 1 -o json"))] == [
        "notdemo.example."
    ]
