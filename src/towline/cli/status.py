"""`towline status`: what runs, since when, where it is reached, which clusters there are, and how
much there is of everything.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from typing import Any

import msgspec
import typer

from towline.cli.doors import doors_of
from towline.cli.render import Output, OutputOption, show_one, show_rows
from towline.installation import run_state
from towline.installation.data_directory import DataDirectory, chosen
from towline.installation.run_state import RoleState, RunState

NOT_RUNNING = 3  # as `systemctl status` reports it
NOT_READY = 1


def status_command(*, output: OutputOption = Output.TABLE) -> None:
    """Show every role, the doors, the clusters, and how much there is.

    Exit code 0 when every role is ready, 1 when one is not, 3 when nothing runs.

    Example: towline status -o json
    """
    data = chosen(os.environ)
    state = run_state.running(data.lock, data.state)
    if state is None:
        _say_stopped(data, output)
        raise typer.Exit(NOT_RUNNING)
    _show(data, state, output)
    if not state.ready:
        raise typer.Exit(NOT_READY)


def _say_stopped(data: DataDirectory, output: Output) -> None:
    if output is Output.JSON:
        stopped = {"running": False, "ready": False, "data": str(data.root), "roles": []}
        typer.echo(json.dumps(stopped, indent=2))
    else:
        typer.echo(f"Nothing runs in {data.root}; start it with `towline up --detach`.")


def _show(data: DataDirectory, state: RunState, output: Output) -> None:
    from towline.client.cluster_list import cluster_rows
    from towline.client.inventory import count

    now = time.time()
    rows = [_row(role, now) for role in state.roles]
    counts = asyncio.run(count(data.kubeconfig))
    clusters = [msgspec.to_builtins(one) for one in asyncio.run(cluster_rows())]
    if output is Output.TABLE:
        for table in filter(None, (rows, clusters)):
            show_rows(table, output, empty="")
            typer.echo()
        show_one({**doors_of(data), "uplink": _has_uplink(data), **counts}, output)
        return
    shown = {
        "running": True,
        "ready": state.ready,
        "pid": state.pid,
        "uptimeSeconds": round(now - state.since, 1),
        "data": str(data.root),
        "roles": rows,
        "doors": doors_of(data),
        "clusters": clusters,
        "uplink": _has_uplink(data),
        "counts": counts,
    }
    typer.echo(json.dumps(shown, indent=2))


def _has_uplink(data: DataDirectory) -> bool:
    """Whether the internet of the installation leads to the host's own network."""
    from towline.linux.host_wire import HostWire
    from towline.linux.ledger import Ledger

    ledger = Ledger.read(data.ledger)
    return ledger is not None and HostWire(ledger.names).is_there


def _row(role: RoleState, now: float) -> dict[str, Any]:
    return {
        "name": role.name,
        "pid": role.pid,
        "ready": role.ready,
        "uptimeSeconds": round(now - role.since, 1) if role.pid else 0,
        "restarts": role.restarts,
        "lastEnd": role.last_end,
    }
