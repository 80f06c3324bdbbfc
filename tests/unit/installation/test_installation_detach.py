"""Work goes on in the background; what it says first is heard by the command that began it.

Each command here is a process of its own, since forking a test runner would fork its threads' locks.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path


def command(log: Path, work: str) -> subprocess.Popen[str]:
    """A program that sends `work(tell)` to the background and prints what it hears."""
    program = f"""
import os, sys, time
from pathlib import Path
from towline.installation.detach import in_background

def work(tell):
{textwrap.indent(textwrap.dedent(work), "    ")}
    return 0

for line in in_background(work, Path({str(log)!r})):
    print(line.decode().strip(), flush=True)
"""
    return subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, start_new_session=True
    )


def until_gone(pid: int) -> bool:
    """Whether a process ends within some seconds."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.01)
    return False


def test_the_command_hears_every_line_until_the_last(tmp_path: Path) -> None:
    """And returns while the work goes on, in a session of its own."""
    work = """
        tell(b"one")
        tell(str(os.getpid()).encode())
        tell(b"")
        tell(b"not heard")
        print("in the log", os.getsid(0) == os.getpid(), flush=True)
        time.sleep(60)
    """
    with command(tmp_path / "log", work) as began:
        heard, _ = began.communicate(timeout=20)
    first, pid = heard.split()
    alive = Path(f"/proc/{pid}").exists()
    os.kill(int(pid), signal.SIGKILL)

    assert (first, began.returncode, alive) == ("one", 0, True)
    assert until_gone(int(pid))
    assert (tmp_path / "log").read_text() == "in the log True\n"


def test_work_that_ends_silently_is_not_waited_for(tmp_path: Path) -> None:
    """Its traceback is in the log."""
    with command(tmp_path / "log", "raise RuntimeError('no luck')") as began:
        heard, _ = began.communicate(timeout=20)

    assert heard == ""
    assert "RuntimeError: no luck" in (tmp_path / "log").read_text()


def test_an_interruption_while_waiting_ends_the_work(tmp_path: Path) -> None:
    """Ctrl-C reaches the command; the background has left its terminal."""
    with command(tmp_path / "log", "tell(str(os.getpid()).encode()); time.sleep(60)") as began:
        assert began.stdout is not None
        pid = int(began.stdout.readline())
        os.killpg(began.pid, signal.SIGINT)
        began.wait(timeout=20)

    assert until_gone(pid)


def test_words_to_a_command_that_was_killed_are_lost_quietly(tmp_path: Path) -> None:
    """The work does not fail because nobody listens."""
    work = """
        parent = os.getppid()
        tell(str(os.getpid()).encode())
        while os.getppid() == parent:
            time.sleep(0.01)
        tell(b"hello")
        print("went on", flush=True)
    """
    with command(tmp_path / "log", work) as began:
        assert began.stdout is not None
        pid = int(began.stdout.readline())
        began.kill()

    assert until_gone(pid)
    assert (tmp_path / "log").read_text() == "went on\n"
