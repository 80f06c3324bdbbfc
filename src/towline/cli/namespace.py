"""`towline namespace …`: the namespaces of a registry (not those of Kubernetes)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from towline.cli.cloud_call import call, registries
from towline.cli.instance import InstanceArgument
from towline.cli.render import Output, OutputOption, done, show_rows

if TYPE_CHECKING:
    from towline.client.cloud_view import NamespaceView

namespace_app = typer.Typer(
    name="namespace",
    help="Namespaces of a registry: the first part of every repository's name.",
    no_args_is_help=True,
)

NamespaceArgument = Annotated[
    str, typer.Argument(metavar="NAMESPACE", help="2 to 30 of a-z, 0-9 and single . _ -.")
]


@namespace_app.command("create")
def create(
    instance: InstanceArgument,
    namespace: NamespaceArgument,
    *,
    public: Annotated[
        bool, typer.Option("--public", help="Let everybody pull without a credential.")
    ] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Create a namespace; pushing does not create one.

    Example: towline namespace create demo apps
    """

    async def run() -> None:
        cloud = registries()
        found = await cloud.instance(instance)
        await cloud.create_namespace(found, namespace, public=public)

    call(run())
    kind = "public" if public else "private"
    done(f"{kind} namespace {namespace} created", output, name=namespace, public=public)


@namespace_app.command("list")
def list_(instance: InstanceArgument, *, output: OutputOption = Output.TABLE) -> None:
    """Show the namespaces of a registry.

    Example: towline namespace list demo
    """

    async def run() -> list[NamespaceView]:
        cloud = registries()
        return await cloud.namespaces(await cloud.instance(instance))

    rows = [
        {"name": one.name, "public": one.public, "created": one.creation_time}
        for one in call(run())
    ]
    show_rows(rows, output, empty=f"None yet. Create one: towline namespace create {instance} apps")


@namespace_app.command("delete")
def delete(
    instance: InstanceArgument,
    namespace: NamespaceArgument,
    *,
    output: OutputOption = Output.TABLE,
) -> None:
    """Delete a namespace that has no repositories.

    Example: towline namespace delete demo apps
    """

    async def run() -> None:
        cloud = registries()
        await cloud.delete_namespace(await cloud.instance(instance), namespace)

    call(run())
    done(f"namespace {namespace} deleted", output, name=namespace, deleted=True)
