"""Each role can be started by itself, finds its place in the data directory, and ends when it is told to."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from towline.cli.app import build, run
from towline.cluster.kubernetes import ApiError
from towline.cluster.kubernetes_http import HttpKubernetes
from towline.cluster.resources import NAMESPACES
from towline.installation.data_directory import DataDirectory
from towline.installation.lock import holder
from towline.installation.role_process import READY_FD
from towline.kube.annotations import RELEASE_CREDENTIAL
from towline.main import ROLE_COMMANDS, dial_timeout
from towline.problem import Problem


@contextmanager
def serving(data: DataDirectory, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A role that has said that it is ready."""
    listening, telling = os.pipe()
    environment = {**os.environ, "TOWLINE_DATA": str(data.root), READY_FD: str(telling)}
    command = [sys.executable, "-m", "towline", *arguments]
    with (
        os.fdopen(listening, "rb") as ready,
        subprocess.Popen(
            command, env=environment, pass_fds=(telling,), stderr=subprocess.DEVNULL
        ) as role,
    ):
        os.close(telling)
        assert ready.read(1) == b"\n"
        try:
            yield role
        finally:
            role.send_signal(signal.SIGTERM)
        assert role.wait() == 0


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def test_a_role_listens_where_it_is_told_and_is_found_there(tmp_path: Path) -> None:
    """Also the next time, when nobody tells it."""
    data, port = DataDirectory(tmp_path), free_port()
    for arguments in (("--port", str(port)), ()):
        with serving(data, "cloud", "serve", *arguments) as role:
            listed = subprocess.run(
                [sys.executable, "-m", "towline", "vpc", "list", "-o", "json"],
                env={**os.environ, "TOWLINE_DATA": str(data.root)},
                capture_output=True,
                check=True,
            )
            held = holder(data.lock_of("cloud"))

        assert held == role.pid
        assert [vpc["name"] for vpc in json.loads(listed.stdout)] == ["default"]
        assert json.loads(data.doors.read_bytes())["cloud"] == f"http://127.0.0.1:{port}"
    assert holder(data.lock_of("cloud")) is None


@pytest.mark.parametrize("port", ["99999", "-1", "0"])
def test_a_port_that_is_none_is_a_wrong_invocation(
    port: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing has been begun when it is refused."""
    data = DataDirectory(tmp_path / "data")
    monkeypatch.setenv("TOWLINE_DATA", str(data.root))
    code = run(build(ROLE_COMMANDS), ["cluster", "serve", "--port", port])

    assert code == 2
    assert "Invalid value for '--port'" in capsys.readouterr().err
    assert not data.root.exists()


def test_one_directory_has_one_of_each_role(tmp_path: Path) -> None:
    """The second ends at once and names the first."""
    data = DataDirectory(tmp_path)
    with serving(data, "registry", "serve") as role:
        second = subprocess.run(
            [sys.executable, "-m", "towline", "registry", "serve"],
            env={**os.environ, "TOWLINE_DATA": str(data.root)},
            capture_output=True,
            text=True,
            check=False,
        )

    assert second.returncode == 1
    assert f"(process {role.pid})" in second.stderr


async def test_the_cluster_asks_its_own_cloud_whatever_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It knows which registries there are; the cloud in the environment would not even answer."""
    data = DataDirectory(tmp_path)
    monkeypatch.setenv("TOWLINE_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("TENCENTCLOUD_SECRET_ID", "AKIDreal")
    monkeypatch.setenv("TENCENTCLOUD_SECRET_KEY", "real")
    body = {"metadata": {"name": "shop", "annotations": {RELEASE_CREDENTIAL: "nowhere"}}}
    with (
        serving(data, "cloud", "serve", "--port", str(free_port())),
        serving(data, "cluster", "serve", "--port", str(free_port())),
    ):
        async with HttpKubernetes.from_kubeconfig(data.kubeconfig) as kubernetes:
            with pytest.raises(ApiError, match="there is no registry instance 'nowhere'"):
                await kubernetes.create(NAMESPACES, "", body)


def test_a_dial_timeout_that_is_no_number_is_refused() -> None:
    """At the start, not at the first pull."""
    assert (dial_timeout("30"), dial_timeout("0.5")) == (30.0, 0.5)
    for text in ("", "soon", "-1", "0", "nan", "inf"):
        with pytest.raises(Problem, match="not a number of seconds"):
            dial_timeout(text)


def test_the_agent_says_plainly_that_it_needs_root(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever else starts it gets no traceback."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    code = run(build(ROLE_COMMANDS), ["agent"])

    assert code == 1
    assert capsys.readouterr().err.startswith("towline: the agent makes network namespaces")
