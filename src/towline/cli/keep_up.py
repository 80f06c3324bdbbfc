"""The life of an installation between `up` and its end: provide, start, welcome, keep, stop."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

from towline.installation import door, run_state
from towline.installation.credentials import provide, write_kubeconfigs
from towline.installation.data_directory import DOMAIN_SUFFIX, DataDirectory
from towline.installation.run_state import RoleState, RunState
from towline.installation.supervisor import Role, Supervisor
from towline.problem import Problem

ROLES = {
    "registry": ("registry", "serve"),
    "cloud": ("cloud", "serve"),
    "cluster": ("cluster", "serve"),
    "agent": ("agent",),
}
"""The arguments that start each. All start at once; they are stopped one by one from the last."""
NEED_ROOT = frozenset({"agent"})
_START = 60.0  # seconds within which everything must be ready, on the slowest machine

Changed = Callable[[RunState], None]


def keep_up(data: DataDirectory, changed: Changed) -> None:
    """Run the roles until SIGINT or SIGTERM; `changed` hears of every step.

    Raises `Problem` when a role does not come up.
    """
    provide(data, DOMAIN_SUFFIX, datetime.now(UTC))
    doors = door.choose(data.doors)
    write_kubeconfigs(data, doors["cluster"])
    asyncio.run(_keep_up(data, changed))


def roles_here() -> list[str]:
    """The roles that this user may run."""
    return [name for name in ROLES if os.geteuid() == 0 or name not in NEED_ROOT]


async def _keep_up(data: DataDirectory, changed: Changed) -> None:
    since = time.time()

    def noted(states: tuple[RoleState, ...]) -> None:
        state = RunState(pid=os.getpid(), since=since, roles=states)
        run_state.write(data.state, state)
        changed(state)

    supervisor = Supervisor(_roles(data), data.logs, noted)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, supervisor.stop)
    async with asyncio.TaskGroup() as tasks:
        late = tasks.create_task(_refuse_slowness(supervisor, data))
        await supervisor.run()
        late.cancel()


def _roles(data: DataDirectory) -> list[Role]:
    environment = {**os.environ, "TOWLINE_DATA": str(data.root)}
    python = (sys.executable, "-P", "-m", "towline")
    return [Role(name, (*python, *ROLES[name]), environment) for name in roles_here()]


async def _refuse_slowness(supervisor: Supervisor, data: DataDirectory) -> None:
    try:
        async with asyncio.timeout(_START):
            await supervisor.until_ready()
    except TimeoutError:
        raise Problem(
            "up-too-slow",
            cause=f"not every role was ready after {_START:.0f} s",
            remedy=f"see the logs in {data.logs}",
        ) from None
