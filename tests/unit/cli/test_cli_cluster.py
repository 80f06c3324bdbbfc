"""Clusters on the command line: made, shown, reached, and deleted."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import yaml
from tests.cloud_commands import Run, parsed
from tests.clusters import PORT, TOKEN

from towline.client.cluster_list import cluster_rows
from towline.client.kubeconfig_merge import merge
from towline.problem import Problem

ADDRESS = f"https://127.0.0.1:{PORT}"
OTHERS = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "theirs",
    "clusters": [{"name": "theirs", "cluster": {"server": "https://10.0.0.1"}}],
    "users": None,
    "contexts": [{"name": "theirs", "context": {"cluster": "theirs", "user": "me"}}],
}


@pytest.fixture
def place(towline: Run) -> Run:
    """The same, with a VPC and two subnets."""
    towline("vpc create office 10.0.0.0/16")
    towline("subnet create pods 10.0.1.0/24")
    towline("subnet create more 10.0.2.0/24")
    return towline


def test_a_cluster_is_created_shown_and_deleted(place: Run) -> None:
    """It is Running when the command returns; it asks before it deletes."""
    made = parsed(place("cluster create shop --subnet pods --subnet more -o json"))
    shown = parsed(place("cluster show shop -o json"))
    listed = place("cluster list").splitlines()
    known = [(one.name, one.kubernetes) for one in asyncio.run(cluster_rows())]
    with pytest.raises(Problem, match="deletion-not-confirmed"):
        place("cluster delete shop")
    place("cluster delete shop --yes")

    assert (made["status"], made["kubernetes"]) == ("Running", ADDRESS)
    assert [one.partition(" ")[2] for one in shown["nodes"]] == ["(Running)", "(Running)"]
    assert (len(shown["subnets"]), shown["addons"]) == (2, [])
    assert listed[0].split() == ["NAME", "ID", "STATUS", "VPC", "KUBERNETES", "CREATED"]
    assert known == [("shop", ADDRESS)]
    assert parsed(place("cluster list -o json")) == []
    with pytest.raises(Problem, match="no-such-cluster"):
        place("cluster show shop")


def test_a_clusters_credential_is_printed_or_merged(place: Run, tmp_path: Path) -> None:
    """Into a file of one's own, whose other entries stay."""
    cluster = parsed(place("cluster create shop -o json"))
    printed = yaml.safe_load(place("cluster credential shop"))
    file = tmp_path / "deep" / "config"
    place(f"cluster credential shop --merge {file}")
    file.write_text(yaml.safe_dump(OTHERS | {"current-context": "theirs"}))
    for _ in range(2):
        place(f"cluster credential {cluster['id']} --merge {file}")
    merged = yaml.safe_load(file.read_text())

    assert printed["users"][0]["user"] == {"token": TOKEN}
    assert merged["current-context"] == printed["current-context"] == cluster["id"]
    assert [one["name"] for one in merged["clusters"]] == ["theirs", cluster["id"]]
    assert merged["users"] == printed["users"]
    assert len(merged["contexts"]) == 2
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("content", ["- a list", "{", "\x00"], ids=["list", "broken", "binary"])
def test_a_file_that_is_no_kubeconfig_is_left_alone(tmp_path: Path, content: str) -> None:
    """Whatever it is, it is somebody's."""
    file = tmp_path / "config"
    file.write_text(content)
    with pytest.raises(Problem, match="kubeconfig-unusable"):
        merge(file, yaml.safe_dump(OTHERS))

    assert file.read_text() == content


def test_a_cluster_has_its_subnets_in_one_vpc(place: Run) -> None:
    """A subnet of another one is not found there."""
    place("vpc create other 10.1.0.0/16")
    place("subnet create far 10.1.1.0/24 --vpc other")
    with pytest.raises(Problem, match="no-such-subnet"):
        place("cluster create shop --vpc office --subnet pods --subnet far")

    assert parsed(place("cluster list -o json")) == []
