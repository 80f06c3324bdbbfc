"""`towline dns …`: what pods ask the resolvers of their VPCs."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from towline.cli.cloud_call import call, networks
from towline.cli.render import Output, OutputOption, show_rows
from towline.cli.subnet import VpcOption

if TYPE_CHECKING:
    from towline.network.query_log import Query

dns_app = typer.Typer(
    name="dns", help="What pods ask the resolvers of their VPCs.", no_args_is_help=True
)


@dns_app.callback()
def _dns() -> None:
    """A group, although it has one command so far."""


@dns_app.command("log")
def log(
    *,
    vpc: VpcOption = "",
    name: Annotated[
        str, typer.Option("--name", help="Only questions for this name, and names below it.")
    ] = "",
    client: Annotated[str, typer.Option("--client", help="Only questions from this address.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 50,
    output: OutputOption = Output.TABLE,
) -> None:
    """Show the last questions to a VPC's resolver and its answers, the newest last.

    It is read from the agent's own files, so the agent must be one of this machine.

    Example: towline dns log --name tencentcloudcr.com
    """
    from towline.client.query_log import queries
    from towline.installation.data_directory import chosen

    found = call(networks().vpc(vpc))
    asked = queries(chosen(os.environ).queries, found.vpc_id)
    meant = [one for one in asked if _is_meant(one, name, client)][-limit:]
    show_rows([_row(one) for one in meant], output, empty="Nothing was asked.")


def _is_meant(query: Query, name: str, client: str) -> bool:
    wanted = f".{name.lower().rstrip('.')}." if name else "."
    return f".{query.name.lower()}".endswith(wanted) and client in {"", query.client}


def _row(query: Query) -> dict[str, Any]:
    time = datetime.fromtimestamp(query.at, UTC)
    return {
        "time": f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03}Z",
        "client": query.client,
        "name": query.name,
        "type": query.type,
        "code": query.rcode,
        "answer": list(query.answer),
    }
