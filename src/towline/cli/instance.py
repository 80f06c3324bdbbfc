"""`towline instance …`: private registries."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from towline.cli.cloud_call import call, registries
from towline.cli.render import Output, OutputOption, done, show_one, show_rows, waiting

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
TimeoutOption = Annotated[
    float, typer.Option("--timeout", help="How many seconds to wait.", show_default=True)
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
    wait: Annotated[bool, typer.Option(help="Wait until it is gone.")] = True,
    timeout: TimeoutOption = 60.0,
    output: OutputOption = Output.TABLE,
) -> None:
    """Delete a registry with everything in it.

    Example: towline instance delete demo
    """

    async def run() -> InstanceView:
        from towline.client.cloud_wait import until_gone

        cloud = registries()
        found = await cloud.instance(instance)
        await cloud.delete_instance(found)
        if wait:
            await until_gone(cloud, found.registry_id, timeout)
        return found

    with waiting(f"deleting the registry {instance}"):
        gone = call(run())
    done(f"instance {gone.registry_name} deleted", output, id=gone.registry_id, deleted=True)


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
