"""The only place that wires: which parts make up each role, and which roles the command line has."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from towline.cli.app import build, run
from towline.cli.command_table import CLIENT_COMMANDS, Place
from towline.installation.data_directory import DataDirectory, chosen_root

DOMAIN_SUFFIX = "tencentcloudcr.com"
ROLE_COMMANDS = {"cloud": Place("towline.main", "cloud_app", "The cloud API's role.")}


def main() -> None:
    """Run `towline`."""
    sys.exit(run(build(CLIENT_COMMANDS | ROLE_COMMANDS), sys.argv[1:]))


cloud_app = typer.Typer(help="The cloud API's role.", no_args_is_help=True)


@cloud_app.callback()
def _cloud_group() -> None:
    """The cloud API's role."""


@cloud_app.command("serve")
def serve_cloud(
    address: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="On which port.")] = 8070,
) -> None:
    """Serve Tencent Cloud API 3.0 (tcr, vpc) until interrupted.

    Clients find it by the data directory: `towline instance list` in another terminal.
    """
    import asyncio

    from towline.cloud.serve import serve
    from towline.cloud.settings import Settings
    from towline.installation.credentials import provide
    from towline.installation.door import remember
    from towline.store.store import Store

    data = DataDirectory(chosen_root(os.environ))
    provide(data, DOMAIN_SUFFIX, datetime.now(UTC))

    def ready() -> None:
        remember(data.doors, "cloud", f"http://{address}:{port}")
        typer.echo(f"cloud API on http://{address}:{port}, data in {data.root}")

    async def role() -> None:
        async with Store.open(data.records) as store:
            await serve(store, Settings(address, port, data.access_key, DOMAIN_SUFFIX), ready)

    asyncio.run(role())


if __name__ == "__main__":
    main()
