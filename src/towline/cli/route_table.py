"""`towline route-table …`: where packets from subnets go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from towline.cli.cloud_call import call, networks, routing
from towline.cli.render import Output, OutputOption, done, show_one, show_rows
from towline.cli.subnet import VpcOption
from towline.problem import Problem

if TYPE_CHECKING:
    from towline.client.cloud_view import RouteTableView

route_table_app = typer.Typer(
    name="route-table", help="Where packets from subnets go.", no_args_is_help=True
)

TableArgument = Annotated[str, typer.Argument(metavar="TABLE", help="Its name or id.")]
DestinationArgument = Annotated[
    str, typer.Argument(metavar="DESTINATION", help="A CIDR; 0.0.0.0/0 for everything else.")
]


@route_table_app.command("create")
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it.")],
    *,
    vpc: VpcOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Create a route table in a VPC (in the only one, when none is named).

    Example: towline route-table create outward --vpc office
    """

    async def run() -> RouteTableView:
        return await routing().create((await networks().vpc(vpc)).vpc_id, name)

    show_one(_row(call(run())), output)


@route_table_app.command("list")
def list_(*, vpc: VpcOption = "", output: OutputOption = Output.TABLE) -> None:
    """Show the route tables of a VPC, or all of them.

    Example: towline route-table list
    """

    async def run() -> list[RouteTableView]:
        return await routing().tables(await networks().vpc(vpc) if vpc else None)

    show_rows([_row(table) for table in call(run())], output, empty="There are none.")


@route_table_app.command("show")
def show(table: TableArgument, *, output: OutputOption = Output.TABLE) -> None:
    """Show the routes of a table; the way inside the VPC is in every table and not listed.

    Example: towline route-table show outward
    """
    found = call(routing().table(table))
    routes = [
        {
            "destination": route.destination_cidr_block,
            "to": f"{route.gateway_type} {route.gateway_id}",
            "enabled": route.enabled,
            "description": route.route_description,
        }
        for route in found.route_set
    ]
    if output is Output.JSON:
        show_one({**_row(found), "routes": routes}, output)
    else:
        show_one(_row(found), output)
        typer.echo()
        show_rows(routes, output, empty="No routes: nothing leaves the VPC by it.")


@route_table_app.command("delete")
def delete(table: TableArgument, *, output: OutputOption = Output.TABLE) -> None:
    """Delete a route table that no subnet goes by.

    Example: towline route-table delete outward
    """

    async def run() -> RouteTableView:
        found = await routing().table(table)
        await routing().delete(found.route_table_id)
        return found

    gone = call(run())
    done(f"route table {gone.route_table_name} deleted", output, id=gone.route_table_id)


@route_table_app.command("add-route")
def add_route(
    table: TableArgument,
    destination: DestinationArgument,
    gateway: Annotated[
        str,
        typer.Argument(
            metavar="GATEWAY", help="A NAT gateway, `eip` for pods' own, or a private address."
        ),
    ],
    *,
    output: OutputOption = Output.TABLE,
) -> None:
    """Send packets for a destination to a gateway.

    Example: towline route-table add-route outward 0.0.0.0/0 nat-1a2b3c4d
    """

    async def run() -> RouteTableView:
        kind, target = await _gateway(gateway)
        found = await routing().table(table)
        await routing().add(found.route_table_id, destination, kind, target)
        return await routing().table(found.route_table_id)

    show_one(_row(call(run())), output)


@route_table_app.command("remove-route")
def remove_route(
    table: TableArgument, destination: DestinationArgument, *, output: OutputOption = Output.TABLE
) -> None:
    """Take the routes for a destination out of a table.

    Example: towline route-table remove-route outward 0.0.0.0/0
    """

    async def run() -> RouteTableView:
        found = await routing().table(table)
        routes = [one for one in found.route_set if one.destination_cidr_block == destination]
        if not routes:
            raise Problem(
                "no-such-route",
                cause=f"{found.route_table_name} has no route for {destination}",
                remedy=f"see `towline route-table show {table}`",
            )
        for route in routes:
            await routing().remove(found.route_table_id, route.route_id)
        return await routing().table(found.route_table_id)

    show_one(_row(call(run())), output)


@route_table_app.command("associate")
def associate(
    table: TableArgument,
    subnet: Annotated[str, typer.Argument(metavar="SUBNET", help="Its name or id.")],
    *,
    output: OutputOption = Output.TABLE,
) -> None:
    """Let a subnet go by a table, and no longer by the one before.

    Example: towline route-table associate outward pods
    """

    async def run() -> RouteTableView:
        found, cloud = await routing().table(table), networks()
        place = await cloud.subnet(await cloud.vpc(found.vpc_id), subnet)
        await routing().associate(found.route_table_id, place.subnet_id)
        return await routing().table(found.route_table_id)

    show_one(_row(call(run())), output)


async def _gateway(text: str) -> tuple[str, str]:
    """The kind of a gateway and its id, from what a person calls it."""
    from ipaddress import AddressValueError, IPv4Address

    from towline.cli.cloud_call import gateways

    if text.lower() == "eip":
        return "EIP", "0"
    try:
        return "NORMAL_CVM", str(IPv4Address(text))
    except AddressValueError:
        return "NAT", (await gateways().gateway(text)).nat_gateway_id


def _row(table: RouteTableView) -> dict[str, Any]:
    return {
        "name": table.route_table_name,
        "id": table.route_table_id,
        "vpc": table.vpc_id,
        "main": table.main,
        "subnets": [each.subnet_id for each in table.association_set],
        "routeCount": len(table.route_set),
    }
