"""`towline up --uplink`, on a host of its own: a network and a /run that nobody else has."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.root, pytest.mark.slow]
SCRIPT = """
set -e
mount -t tmpfs tmpfs /run
ip link set lo up
echo 0 > /proc/sys/net/ipv4/ip_forward
show() { echo "forward $(cat /proc/sys/net/ipv4/ip_forward), tables $(nft list tables | wc -l)"; }
towline() { "$PYTHON" -m towline "$@" >&2; }
trap 'towline down' EXIT
show
towline up --detach $OPTION
show
"$PYTHON" -m towline status -o json | grep '"uplink"'
trap - EXIT
towline down
show
"""


def shown(folder: Path, option: str) -> list[str]:
    """What the host looks like before `up` with an option, while it runs, and after `down`; and what
    `status` says of it.
    """
    environment = {name: value for name, value in os.environ.items() if "TOWLINE" not in name}
    environment |= {"TOWLINE_DATA": str(folder), "PYTHON": sys.executable, "OPTION": option}
    alone = ["unshare", "--net", "--mount", "sh", "-c", SCRIPT]
    done = subprocess.run(alone, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_an_uplink_is_asked_for_by_option_and_undone_by_down(tmp_path: Path) -> None:
    """While it is there the host passes packets on."""
    before, during, status, after = shown(tmp_path, "--uplink")

    assert before == "forward 0, tables 0"
    assert during == "forward 1, tables 1"
    assert status.strip() == '"uplink": true,'
    assert after == before


def test_up_alone_leaves_the_host_as_it_is(tmp_path: Path) -> None:
    """Nobody who did not ask for it finds a change."""
    before, during, status, after = shown(tmp_path, "")

    assert before == during == after == "forward 0, tables 0"
    assert status.strip() == '"uplink": false,'
