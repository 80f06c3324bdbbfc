"""`towline nat-gateway …`: the way out of a VPC for whoever has no public address of his own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from towline.cli.cloud_call import call, gateways, networks
from towline.cli.instance import TimeoutOption
from towline.cli.render import Output, OutputOption, done, show_one, show_rows, waiting
from towline.cli.subnet import VpcOption

if TYPE_CHECKING:
    from towline.client.cloud_view import NatGatewayView

nat_gateway_app = typer.Typer(
    name="nat-gateway",
    help="Ways out of VPCs, shared by all who have no public address.",
    no_args_is_help=True,
)

GatewayArgument = Annotated[str, typer.Argument(metavar="GATEWAY", help="Its name or id.")]
EipArgument = Annotated[str, typer.Argument(metavar="EIP", help="Its name, id or address.")]


@nat_gateway_app.command("create")
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it.")],
    eips: Annotated[list[str], typer.Argument(metavar="EIP...", help="What it sends with.")],
    *,
    vpc: VpcOption = "",
    timeout: TimeoutOption = 60.0,
    output: OutputOption = Output.TABLE,
) -> None:
    """Create a NAT gateway with elastic IPs; a route table must lead to it.

    Example: towline nat-gateway create out 198.19.0.10
    """

    async def run() -> NatGatewayView:
        cloud = gateways()
        addresses = [(await cloud.address(eip)).address_ip for eip in eips]
        made = await cloud.create((await networks().vpc(vpc)).vpc_id, name, addresses)
        await cloud.until_available(made, timeout)
        return await cloud.gateway(made)

    with waiting(f"creating the NAT gateway {name}"):
        gateway = call(run())
    hint = (
        f"Packets come to it by a route:\n"
        f"  towline route-table add-route TABLE 0.0.0.0/0 {gateway.nat_gateway_id}"
    )
    show_one(_row(gateway), output, hint=hint)


@nat_gateway_app.command("list")
def list_(*, output: OutputOption = Output.TABLE) -> None:
    """Show all NAT gateways.

    Example: towline nat-gateway list
    """
    rows = [_row(gateway) for gateway in call(gateways().gateways())]
    show_rows(rows, output, empty="None yet; the whole way out: towline egress create")


@nat_gateway_app.command("show")
def show(gateway: GatewayArgument, *, output: OutputOption = Output.TABLE) -> None:
    """Show one NAT gateway.

    Example: towline nat-gateway show out
    """
    show_one(_row(call(gateways().gateway(gateway))), output)


@nat_gateway_app.command("bind")
def bind(
    gateway: GatewayArgument, eip: EipArgument, *, output: OutputOption = Output.TABLE
) -> None:
    """Let a gateway send with one more elastic IP.

    Example: towline nat-gateway bind out 198.19.0.11
    """
    show_one(_row(call(_rebind(gateway, eip, bound=True))), output)


@nat_gateway_app.command("unbind")
def unbind(
    gateway: GatewayArgument, eip: EipArgument, *, output: OutputOption = Output.TABLE
) -> None:
    """Take an elastic IP from a gateway; what goes through it ends.

    Example: towline nat-gateway unbind out 198.19.0.11
    """
    show_one(_row(call(_rebind(gateway, eip, bound=False))), output)


@nat_gateway_app.command("delete")
def delete(
    gateway: GatewayArgument,
    *,
    timeout: TimeoutOption = 60.0,
    output: OutputOption = Output.TABLE,
) -> None:
    """Delete a NAT gateway and the routes that lead to it; its elastic IPs stay.

    Example: towline nat-gateway delete out
    """

    async def run() -> NatGatewayView:
        cloud = gateways()
        found = await cloud.gateway(gateway)
        await cloud.delete(found.nat_gateway_id)
        await cloud.until_gone(found.nat_gateway_id, timeout)
        return found

    with waiting(f"deleting the NAT gateway {gateway}"):
        gone = call(run())
    done(f"NAT gateway {gone.nat_gateway_name} deleted", output, id=gone.nat_gateway_id)


async def _rebind(gateway: str, eip: str, *, bound: bool) -> NatGatewayView:
    cloud = gateways()
    found, address = await cloud.gateway(gateway), await cloud.address(eip)
    change = cloud.bind if bound else cloud.unbind
    await change(found.nat_gateway_id, address.address_ip)
    return await cloud.gateway(found.nat_gateway_id)


def _row(gateway: NatGatewayView) -> dict[str, Any]:
    return {
        "name": gateway.nat_gateway_name,
        "id": gateway.nat_gateway_id,
        "vpc": gateway.vpc_id,
        "state": gateway.state,
        "bandwidth": gateway.internet_max_bandwidth_out,
        "eips": [each.public_ip_address for each in gateway.public_ip_address_set],
    }
