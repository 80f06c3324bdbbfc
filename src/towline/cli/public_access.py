"""`towline public-access …`: whether a registry can be reached from the internet, and by whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from towline.cli.cloud_call import call, public_access, registries
from towline.cli.instance import InstanceArgument, TimeoutOption
from towline.cli.render import Output, OutputOption, show_one, show_rows, waiting

if TYPE_CHECKING:
    from towline.client.cloud_view import AccessRuleView, InstanceView

public_access_app = typer.Typer(
    name="public-access",
    help="Registries' public endpoints and who may come to them.",
    no_args_is_help=True,
)

CidrArgument = Annotated[str, typer.Argument(metavar="CIDR", help="A range, or one address.")]


@public_access_app.command("open")
def open_(
    instance: InstanceArgument,
    *,
    timeout: TimeoutOption = 60.0,
    output: OutputOption = Output.TABLE,
) -> None:
    """Open a registry's public endpoint; nobody may come before the allowlist names him.

    Example: towline public-access open demo
    """

    async def run() -> dict[str, Any]:
        found = await registries().instance(instance)
        await public_access().open(found, timeout)
        return await _state(found)

    with waiting(f"opening public access to {instance}"):
        state = call(run())
    show_one(state, output, hint=f"Let somebody in:\n  towline public-access allow {instance} CIDR")


@public_access_app.command("close")
def close(
    instance: InstanceArgument,
    *,
    timeout: TimeoutOption = 60.0,
    output: OutputOption = Output.TABLE,
) -> None:
    """Close a registry's public endpoint; its allowlist is forgotten.

    Example: towline public-access close demo
    """

    async def run() -> dict[str, Any]:
        found = await registries().instance(instance)
        await public_access().close(found, timeout)
        return await _state(found)

    with waiting(f"closing public access to {instance}"):
        state = call(run())
    show_one(state, output)


@public_access_app.command("show")
def show(instance: InstanceArgument, *, output: OutputOption = Output.TABLE) -> None:
    """Show whether the endpoint is open, and the allowlist.

    Example: towline public-access show demo
    """

    async def run() -> dict[str, Any]:
        return await _state(await registries().instance(instance))

    show_one(call(run()), output)


@public_access_app.command("allow")
def allow(
    instance: InstanceArgument,
    cidr: CidrArgument,
    *,
    description: Annotated[str, typer.Option("--description", help="What for.")] = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Let a range of addresses come. 0.0.0.0/0 lets everybody.

    Example: towline public-access allow demo 198.19.0.10
    """

    async def run() -> list[AccessRuleView]:
        found = await registries().instance(instance)
        await public_access().allow(found, cidr, description or "by towline")
        return await public_access().rules(found)

    show_rows([_row(rule) for rule in call(run())], output, empty="")


@public_access_app.command("deny")
def deny(
    instance: InstanceArgument, cidr: CidrArgument, *, output: OutputOption = Output.TABLE
) -> None:
    """Take a range off the allowlist.

    Example: towline public-access deny demo 198.19.0.10
    """

    async def run() -> list[AccessRuleView]:
        found = await registries().instance(instance)
        await public_access().deny(found, cidr)
        return await public_access().rules(found)

    rows = [_row(rule) for rule in call(run())]
    show_rows(rows, output, empty="The allowlist is empty: nobody may come.")


async def _state(instance: InstanceView) -> dict[str, Any]:
    access = public_access()
    return {
        "instance": instance.registry_name,
        "status": await access.status(instance),
        "allowed": [rule.cidr_block for rule in await access.rules(instance)],
    }


def _row(rule: AccessRuleView) -> dict[str, Any]:
    return {"cidr": rule.cidr_block, "description": rule.description}
