"""`towline egress …`: the way out of a subnet, with all that it takes, as one command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from towline.cli.cloud_call import call, gateways, networks, public_access, registries, routing
from towline.cli.render import Output, OutputOption, show_one

if TYPE_CHECKING:
    from towline.client.egress import Cloud, Egress
    from towline.client.step import Step

egress_app = typer.Typer(
    name="egress",
    help="The way out of a subnet: elastic IP, NAT gateway, route and allowlist.",
    no_args_is_help=True,
)


SubnetOption = Annotated[
    str, typer.Option("--subnet", help="Its name or id; default: the only one.")
]


@egress_app.command("create")
def create(
    *,
    subnet: SubnetOption = "",
    eip: Annotated[
        str,
        typer.Option("--eip", help="Name, id or address; default: the gateway's, or a new one."),
    ] = "",
    allow: Annotated[
        list[str] | None,
        typer.Option("--allow", help="A registry that shall let it in; may be repeated."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what is missing.")] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Give a subnet a way to the internet; what is there already is used.

    When a step fails or is interrupted, the steps before it are undone.

    Example: towline egress create --subnet pods --allow demo
    """

    async def run() -> None:
        egress = await _egress_of(subnet, eip, tuple(allow or ()))
        steps = await egress.plan()
        if not dry_run:
            await egress.make(steps, lambda text: typer.echo(f"{text} …", err=True))
        _tell(egress, steps, output, made=not dry_run)

    call(run())


@egress_app.command("delete")
def delete(*, subnet: SubnetOption = "", output: OutputOption = Output.TABLE) -> None:
    """Take the way out of a subnet down again, as far as `egress create` made it.

    The gateway stays as long as another subnet goes by it.

    Example: towline egress delete --subnet pods
    """
    from towline.client.egress_removal import EgressRemoval

    steps = list[str]()

    def told(text: str) -> None:
        steps.append(text)
        typer.echo(f"{text} …", err=True)

    async def run() -> None:
        place = await networks().place(subnet)
        await EgressRemoval(_cloud(), registries(), place).run(told)

    call(run())
    show_one(
        {"steps": steps}, output, hint="" if steps else "There was none that `egress create` made."
    )


def _cloud() -> Cloud:
    from towline.client.egress import Cloud

    return Cloud(networks(), routing(), gateways(), public_access())


async def _egress_of(subnet: str, eip: str, allow: tuple[str, ...]) -> Egress:
    from towline.client.egress import Egress, EgressWish

    cloud = _cloud()
    wish = EgressWish(
        await cloud.networks.place(subnet),
        await cloud.gateways.address(eip) if eip else None,
        tuple([await registries().instance(name) for name in allow]),
    )
    return Egress(cloud, wish)


def _tell(egress: Egress, steps: list[Step], output: Output, *, made: bool) -> None:
    if output is Output.TABLE and not made:
        for step in steps:
            typer.echo(f"would {step.text}")
        if steps:
            return
    row = {
        "subnet": egress.wish.subnet.subnet_name,
        "eip": egress.address.address_ip if egress.address else "",
        "natGateway": egress.gateway.nat_gateway_id if egress.gateway else "",
        "steps": [step.text for step in steps],
        "dryRun": not made,
    }
    show_one(row, output, hint="" if steps else "Everything was there already.")
