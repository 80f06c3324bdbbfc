"""The only place that wires: which parts make up each role, and which roles the command line has."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from towline.cli.app import build, run
from towline.installation.data_directory import DataDirectory, chosen_root

DOMAIN_SUFFIX = "tencentcloudcr.com"


def main() -> None:
    """Run `towline`."""
    app = build()
    cloud = typer.Typer(name="cloud", help="The cloud API's role.", no_args_is_help=True)
    cloud.callback()(_cloud_group)
    cloud.command("serve")(serve_cloud)
    app.add_typer(cloud)
    sys.exit(run(app))


def _cloud_group() -> None:
    """The cloud API's role."""


def serve_cloud(
    address: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="On which port.")] = 8070,
) -> None:
    """Serve Tencent Cloud API 3.0 (tcr, vpc) until interrupted.

    Clients find it by the data directory: `towline instance list` in another terminal.
    """
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
