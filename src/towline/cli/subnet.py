"""`towline subnet …`: parts of a VPC; pods of one virtual node get their addresses from one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from towline.cli.cloud_call import call, networks
from towline.cli.render import Output, OutputOption, done, show_one, show_rows

if TYPE_CHECKING:
    from towline.client.cloud_view import SubnetView

subnet_app = typer.Typer(name="subnet", help="Subnets of VPCs.", no_args_is_help=True)

VpcOption = Annotated[str, typer.Option("--vpc", help="The name or id of a VPC.")]


@subnet_app.command("create")
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it.")],
    cidr: Annotated[str, typer.Argument(metavar="CIDR", help="A free part of the VPC's range.")],
    *,
    vpc: VpcOption = "",
    zone: Annotated[
        str, typer.Option("--zone", help="Like ap-guangzhou-1; default: the region's first.")
    ] = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Create a subnet in a VPC (in the only one, when none is named).

    Example: towline subnet create pods 10.1.1.0/24 --vpc office
    """

    async def run() -> SubnetView:
        cloud = networks()
        return await cloud.create_subnet(await cloud.vpc(vpc), name, cidr, zone)

    show_one(_row(call(run())), output)


@subnet_app.command("list")
def list_(*, vpc: VpcOption = "", output: OutputOption = Output.TABLE) -> None:
    """Show the subnets of a VPC, or all of them.

    Example: towline subnet list --vpc office
    """

    async def run() -> list[SubnetView]:
        cloud = networks()
        return await cloud.subnets(await cloud.vpc(vpc) if vpc else None)

    rows = [_row(subnet) for subnet in call(run())]
    show_rows(rows, output, empty="There are none: towline subnet create NAME 10.0.1.0/24")


@subnet_app.command("delete")
def delete(
    subnet: Annotated[str, typer.Argument(metavar="SUBNET", help="Its name or id.")],
    *,
    output: OutputOption = Output.TABLE,
) -> None:
    """Delete a subnet of which no address is in use.

    Example: towline subnet delete pods
    """

    async def run() -> SubnetView:
        cloud = networks()
        found = await cloud.place(subnet)
        await cloud.delete_subnet(found)
        return found

    gone = call(run())
    done(f"subnet {gone.subnet_name} deleted", output, id=gone.subnet_id)


def _row(subnet: SubnetView) -> dict[str, Any]:
    return {
        "name": subnet.subnet_name,
        "id": subnet.subnet_id,
        "vpc": subnet.vpc_id,
        "cidr": subnet.cidr_block,
        "zone": subnet.zone,
        "freeAddresses": subnet.available_ip_address_count,
    }
