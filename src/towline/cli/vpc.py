"""`towline vpc …`: private networks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from towline.cli.cloud_call import call, networks
from towline.cli.render import Output, OutputOption, done, show_one, show_rows

if TYPE_CHECKING:
    from towline.client.cloud_view import VpcView

vpc_app = typer.Typer(name="vpc", help="Private networks (VPCs).", no_args_is_help=True)


@vpc_app.command("create")
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it.")],
    cidr: Annotated[
        str,
        typer.Argument(
            metavar="CIDR", help="In 10.0.0.0/12, 172.16.0.0/12 or 192.168.0.0/16; at most /28."
        ),
    ],
    *,
    output: OutputOption = Output.TABLE,
) -> None:
    """Create a VPC with its router and its resolver.

    Example: towline vpc create office 10.1.0.0/16
    """

    async def run() -> VpcView:
        return await networks().create_vpc(name, cidr)

    show_one(_row(call(run())), output)


@vpc_app.command("list")
def list_(*, output: OutputOption = Output.TABLE) -> None:
    """Show all VPCs.

    Example: towline vpc list
    """

    async def run() -> list[VpcView]:
        return await networks().vpcs()

    rows = [_row(vpc) for vpc in call(run())]
    show_rows(rows, output, empty="There are none: towline vpc create NAME 10.0.0.0/16")


@vpc_app.command("delete")
def delete(
    vpc: Annotated[str, typer.Argument(metavar="VPC", help="Its name or id.")],
    *,
    output: OutputOption = Output.TABLE,
) -> None:
    """Delete a VPC without subnets, links and gateways.

    Example: towline vpc delete office
    """

    async def run() -> VpcView:
        cloud = networks()
        found = await cloud.vpc(vpc)
        await cloud.delete_vpc(found)
        return found

    gone = call(run())
    done(f"VPC {gone.vpc_name} deleted", output, id=gone.vpc_id)


def _row(vpc: VpcView) -> dict[str, Any]:
    return {
        "name": vpc.vpc_name,
        "id": vpc.vpc_id,
        "cidr": vpc.cidr_block,
        "default": vpc.is_default,
        "created": vpc.created_time,
    }
