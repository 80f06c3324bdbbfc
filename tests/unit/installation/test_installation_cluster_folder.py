"""What belongs to one cluster of several: files that are made once, and a port that is its own."""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest

from towline.installation.cluster_folder import ClusterFolder
from towline.installation.credentials import provide
from towline.installation.data_directory import DOMAIN_SUFFIX, DataDirectory
from towline.installation.port_pool import PortPool

FIRST = 21300


@pytest.fixture
def data(tmp_path: Path) -> DataDirectory:
    """A data directory with its keys."""
    made = DataDirectory(tmp_path)
    provide(made, DOMAIN_SUFFIX, datetime.now(UTC))
    return made


def test_a_cluster_keeps_its_tokens_and_its_key(data: DataDirectory) -> None:
    """However often it is started, and they are nobody else's."""
    one, other = ClusterFolder(data, "cls-1"), ClusterFolder(data, "cls-2")
    one.provide("https://127.0.0.1:6444")
    tokens, key = one.tokens(), one.service_account_key.read_bytes()
    one.provide("https://127.0.0.1:6445")
    other.provide("https://127.0.0.1:6446")
    config = json.loads(one.kubeconfig.read_text())

    assert (one.tokens(), one.service_account_key.read_bytes()) == (tokens, key)
    assert not set(tokens.values()) & set(other.tokens().values())
    assert key != other.service_account_key.read_bytes()
    assert config["current-context"] == "cls-1"
    assert config["clusters"][0]["cluster"]["server"] == "https://127.0.0.1:6445"
    assert config["users"][0]["user"]["token"] == tokens["admin"]
    assert tokens["agent"] in one.agent_kubeconfig.read_text()


def test_a_clusters_files_go_with_it_and_with_the_installation(data: DataDirectory) -> None:
    """Those of others stay; nobody but the owner reads any."""
    one, other = ClusterFolder(data, "cls-1"), ClusterFolder(data, "cls-2")
    for folder in (one, other):
        folder.provide("https://127.0.0.1:6444")
    modes = {path.stat().st_mode & 0o077 for path in (one.path, *one.path.iterdir())}
    one.delete()
    left = [path.name for path in data.clusters.iterdir()]
    data.delete()

    assert modes == {0}
    assert left == ["cls-2"]
    assert not data.root.exists()


def test_each_cluster_gets_a_port_that_is_free_and_nobody_elses() -> None:
    """The one it had before, if it can; one that was given back can be had by others."""
    pool = PortPool(FIRST, {FIRST})
    one = pool.take("one", 0)
    two = pool.take("two", one)
    with socket.create_server(("127.0.0.1", 0)) as busy:
        moved = pool.take("one", busy.getsockname()[1])
    again = pool.take("two", two)
    pool.give_back("two")
    three = pool.take("three", two)

    assert FIRST not in (one, two, moved)
    assert len({one, two}) == len({moved, two}) == 2
    assert again == three == two
