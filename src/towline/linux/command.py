"""The system's network programs: `ip` and `tc` in batches, and `nft` from text.

A batch costs one process of some 4 ms however many lines it has. pyroute2 was weighed: importing it
costs more than the batches of a whole start, and its errors say less than `ip`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec

from towline.linux.network_namespace import path_of
from towline.problem import Problem


class CommandFailed(Problem):
    """A network program refused. `text` is what it said."""

    def __init__(self, what: str, text: str) -> None:
        super().__init__(
            "network-change-refused",
            cause=f"`{what}` failed: {text.strip()[:2000]}",
            remedy="Check that the agent runs as root, and the kernel's log (`dmesg`).",
        )
        self.text = text


async def ip_batch(namespace: str, lines: Sequence[str]) -> None:
    """Run `ip` commands in a namespace, the whole batch or up to the first that fails."""
    await _run(["ip", "-n", namespace, "-batch", "-"], "\n".join(lines) + "\n")


async def ip_show(namespace: str, commands: Sequence[str]) -> list[list[dict[str, Any]]]:
    """What some `ip` commands show of a namespace, as far as it is IPv4."""
    command = ["ip", "-n", namespace, "-4", "-json", "-details", "-batch", "-"]
    text = await _run(command, "\n".join(commands) + "\n")
    return msgspec.json.Decoder(list[dict[str, Any]]).decode_lines(text)


async def tc_batch(namespace: str, lines: Sequence[str]) -> None:
    """Run `tc` commands in a namespace, the whole batch or up to the first that fails."""
    await _run(["tc", "-n", namespace, "-batch", "-"], "\n".join(lines) + "\n")


async def nft_load(namespace: str, ruleset: str) -> None:
    """Load rules in one step: all of them or none."""
    await _run([*_inside(namespace), "nft", "-f", "-"], ruleset)


async def nft_tables(namespace: str) -> frozenset[str]:
    """The names of the `inet` tables in a namespace."""
    text = await _run([*_inside(namespace), "nft", "list", "tables", "inet"])
    return frozenset(line.split()[-1] for line in text.splitlines() if line.startswith("table"))


def _inside(namespace: str) -> list[str]:
    # Not `ip netns exec`: that makes a mount namespace as well.
    return ["nsenter", f"--net={path_of(namespace)}"]


async def _run(command: Sequence[str], text: str = "") -> str:
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except FileNotFoundError as error:
        raise Problem(
            "system-program-missing",
            cause=f"the program `{command[0]}` is not installed",
            remedy="Install iproute2, nftables and util-linux (on Debian: `make install`).",
        ) from error
    try:
        out, err = await process.communicate(text.encode())
    finally:
        if process.returncode is None:  # we were cancelled
            process.kill()
            await process.communicate()  # also until its pipes are closed
    if process.returncode != 0:
        raise CommandFailed(" ".join(command), (err or out).decode(errors="replace"))
    return out.decode()
