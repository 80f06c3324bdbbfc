"""`towline eip …`: public addresses that belong to the account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from towline.cli.cloud_call import call, gateways
from towline.cli.render import Output, OutputOption, done, show_one, show_rows

if TYPE_CHECKING:
    from towline.client.cloud_view import ElasticIpView

eip_app = typer.Typer(
    name="eip", help="Public addresses, for NAT gateways and pods.", no_args_is_help=True
)

EipArgument = Annotated[str, typer.Argument(metavar="EIP", help="Its name, id or address.")]


@eip_app.command("create")
def create(
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="What to call it.")] = "",
    *,
    bandwidth: Annotated[
        int, typer.Option("--bandwidth", min=0, help="Mbit/s; 0 for no limit of its own.")
    ] = 0,
    output: OutputOption = Output.TABLE,
) -> None:
    """Take a public address.

    Example: towline eip create out --bandwidth 100
    """
    show_one(_row(call(gateways().allocate(name, bandwidth))), output)


@eip_app.command("list")
def list_(*, output: OutputOption = Output.TABLE) -> None:
    """Show all elastic IPs and what they are bound to.

    Example: towline eip list
    """
    rows = [_row(address) for address in call(gateways().addresses())]
    show_rows(rows, output, empty="None yet. Take one: towline eip create")


@eip_app.command("show")
def show(eip: EipArgument, *, output: OutputOption = Output.TABLE) -> None:
    """Show one elastic IP.

    Example: towline eip show 198.19.0.10
    """
    show_one(_row(call(gateways().address(eip))), output)


@eip_app.command("delete")
def delete(eip: EipArgument, *, output: OutputOption = Output.TABLE) -> None:
    """Give back a public address that is bound to nothing.

    Example: towline eip delete 198.19.0.10
    """

    async def run() -> ElasticIpView:
        found = await gateways().address(eip)
        await gateways().release(found.address_id)
        return found

    gone = call(run())
    done(f"elastic IP {gone.address_ip} released", output, id=gone.address_id)


def _row(address: ElasticIpView) -> dict[str, Any]:
    return {
        "address": address.address_ip,
        "id": address.address_id,
        "name": address.address_name,
        "status": address.address_status,
        "boundTo": address.instance_id,
        "bandwidth": address.bandwidth,
    }
