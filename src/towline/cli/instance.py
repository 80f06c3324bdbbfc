"""`towline instance …`: private registries."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from towline.cli.cloud_call import call, registries
from towline.cli.render import Output, OutputOption, done, show_one, show_rows, waiting
from towline.problem import Problem

if TYPE_CHECKING:
    from towline.client.cloud_view import DoorView, InstanceView

instance_app = typer.Typer(
    name="instance", help="Private registries, each with a domain of its own.", no_args_is_help=True
)


class Edition(StrEnum):
    """The editions of an instance; they differ in quotas."""

    BASIC = "basic"
    STANDARD = "standard"
    PREMIUM = "premium"


InstanceArgument = Annotated[
    str, typer.Argument(metavar="INSTANCE", help="The name or id of an instance.")
]


def _seconds(value: float) -> float:
    """Checked before anything is asked for: what was made in vain would stay."""
    if not value > 0:  # NaN neither
        raise typer.BadParameter("it must be more than 0.")
    return value


TimeoutOption = Annotated[
    float,
    typer.Option(
        "--timeout", help="How many seconds to wait.", show_default=True, callback=_seconds
    ),
]


@instance_app.command("create")
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="a-z, 0-9 and -, 4 to 50 of them.")],
    *,
    edition: Annotated[
        Edition, typer.Option("--edition", help="Larger editions have larger quotas.")
    ] = Edition.BASIC,
    deletion_protection: Annotated[
        bool, typer.Option("--deletion-protection", help="Refuse to delete it.")
    ] = False,
    wait: Annotated[bool, typer.Option(help="Wait until it can be used.")] = True,
    timeout: TimeoutOption = 60.0,
    output: OutputOption = Output.TABLE,
) -> None:
    """Create a private registry.

    Example: towline instance create demo
    """

    async def run() -> tuple[InstanceView, DoorView]:
        from towline.client.cloud_wait import until_running

        cloud = registries()
        made = await cloud.create_instance(name, edition.value, protected=deletion_protection)
        if wait:
            instance = await until_running(cloud, made, timeout)
        else:
            instance = await cloud.instance(made)
        return instance, await cloud.door(instance)

    with waiting(f"opening the registry {name}"):
        instance, door = call(run())
    _show(instance, door, output)


@instance_app.command("list")
def list_(*, output: OutputOption = Output.TABLE) -> None:
    """Show all registries.

    Example: towline instance list -o json
    """

    async def run() -> list[InstanceView]:
        return await registries().instances()

    rows = [_row(instance) for instance in call(run())]
    show_rows(
        rows, output, empty="There are no instances. Create one: towline instance create demo"
    )


@instance_app.command("show")
def show(instance: InstanceArgument, *, output: OutputOption = Output.TABLE) -> None:
    """Show one registry: its domain, its addresses, its door on this machine.

    Example: towline instance show demo
    """

    async def run() -> tuple[InstanceView, DoorView]:
        cloud = registries()
        found = await cloud.instance(instance)
        return found, await cloud.door(found)

    _show(*call(run()), output)


@instance_app.command("delete")
def delete(
    instance: InstanceArgument,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    wait: Annotated[bool, typer.Option(help="Wait until it is gone.")] = True,
    timeout: TimeoutOption = 60.0,
    output: OutputOption = Output.TABLE,
) -> None:
    """Delete a registry with everything in it. Asks first.

    Example: towline instance delete demo --yes
    """
    gone = call(registries().instance(instance))
    if not yes:
        _ask(gone)

    async def run() -> None:
        from towline.client.cloud_wait import until_gone

        cloud = registries()
        await cloud.delete_instance(gone)
        if wait:
            await until_gone(cloud, gone.registry_id, timeout)

    with waiting(f"deleting the registry {instance}"):
        call(run())
    done(f"instance {gone.registry_name} deleted", output, id=gone.registry_id, deleted=True)


def _ask(instance: InstanceView) -> None:
    """Raise `Problem` unless somebody at a terminal agrees."""
    name = instance.registry_name
    try:
        agreed = sys.stdin.isatty() and typer.confirm(
            f"Delete the registry {name} and every image in it?", err=True
        )
    except typer.Abort:
        agreed = False
    if not agreed:
        raise Problem(
            "deletion-not-confirmed",
            cause=f"nobody agreed to delete the registry {name} and the images in it",
            remedy="answer `y`, or give --yes where nobody can be asked",
        )


def _row(instance: InstanceView) -> dict[str, Any]:
    return {
        "name": instance.registry_name,
        "id": instance.registry_id,
        "edition": instance.registry_type,
        "status": instance.status,
        "domain": instance.public_domain,
        "created": instance.created_at,
    }


def _show(instance: InstanceView, door: DoorView, output: Output) -> None:
    row = {
        **_row(instance),
        "publicAddress": door.public_address,
        "vpcDomain": door.vpc_domain,
        "loopback": door.loopback_endpoint,
    }
    show_one(row, output, hint=_login_hint(instance, door))


def _login_hint(instance: InstanceView, door: DoorView) -> str:
    if not door.loopback_endpoint:
        return "The registry has not opened its door yet."
    host = door.loopback_endpoint.removeprefix("http://")
    return (
        "From this machine:\n"
        f"  towline credential create {instance.registry_name}\n"
        f"  docker login {host}"
    )
