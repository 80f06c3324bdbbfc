"""What the process of a role does for itself."""

from __future__ import annotations

import subprocess
import sys

_ROLE = """
import asyncio, sys, threading
from towline.installation.role_process import run_until_told

async def role():
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=-1)
    print([each.name for each in threading.enumerate()])
    await process.communicate(b"go on\\n")
    print(process.returncode)

run_until_told(role())
"""


def test_a_role_needs_no_thread_to_hear_of_a_childs_end() -> None:
    """The agent starts four programs for each pod."""
    said = subprocess.check_output([sys.executable, "-c", _ROLE], text=True)

    assert said.splitlines() == ["['MainThread']", "0"]
