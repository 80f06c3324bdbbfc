"""A Kubernetes API as a process of its own, so that it can be killed:

python -m tests.api_process FOLDER PORT
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

from tests.apis import Hook, settings_in
from tests.certificates import Wish, issue

from towline.cluster.api.serve import serve
from towline.cluster.api.settings import Settings
from towline.store.store import Store

AUTHORITY = "authority.crt"


async def run(settings: Settings, folder: Path) -> None:
    """Serve until killed; says `ready` when it does."""

    def ready() -> None:
        print("ready", flush=True)

    async with Store.open(folder / "cluster.db") as store:
        await serve(store, settings, Hook(), ready)


def main(folder: Path, port: int) -> None:
    """Serve on a port, with certificates made for this run; clients find the authority's."""
    authority = issue(folder, Wish(authority=True, common_name="authority"))
    (folder / AUTHORITY).write_bytes(authority.certificate.read_bytes())
    asyncio.run(run(replace(settings_in(folder, authority), port=port), folder))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
