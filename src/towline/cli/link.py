"""`towline link …`: private network access from a VPC to a registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from towline.cli.cloud_call import call, networks, registries
from towline.cli.instance import InstanceArgument, TimeoutOption
from towline.cli.render import Output, OutputOption, done, show_one, show_rows, waiting
from towline.problem import Problem

if TYPE_CHECKING:
    from towline.client.cloud_registry import Registries
    from towline.client.cloud_view import InstanceView, LinkView, SubnetView

link_app = typer.Typer(
    name="link", help="Private links: the way from a VPC to a registry.", no_args_is_help=True
)
resolve_app = typer.Typer(
    name="resolve",
    help="Whether the registry's domain leads to the link inside the VPC.",
    no_args_is_help=True,
)
link_app.add_typer(resolve_app)

VpcOption = Annotated[
    str, typer.Option("--vpc", help="The name or id of a VPC; default: the only one.")
]
VpcDomainOption = Annotated[
    bool, typer.Option("--vpc-domain", help="The domain <name>-vpc.… instead of the default one.")
]


@link_app.command("create")
def create(
    instance: InstanceArgument,
    *,
    vpc: VpcOption = "",
    subnet: Annotated[
        str, typer.Option("--subnet", help="Where its address is taken; default: the first.")
    ] = "",
    resolve: Annotated[
        bool, typer.Option("--resolve", help="Switch the domain's resolution on as well; waits.")
    ] = False,
    wait: Annotated[bool, typer.Option(help="Wait for its access address.")] = True,
    timeout: TimeoutOption = 60.0,
    output: OutputOption = Output.TABLE,
) -> None:
    """Link a VPC to a registry. Pods use the link only when the domain resolves to it.

    With --resolve a link that is there already is used, and its domain's resolution switched on.

    Example: towline link create demo --resolve
    """

    async def run() -> dict[str, Any]:
        from towline.client.cloud_wait import until_linked

        cloud = registries()
        found = await cloud.instance(instance)
        place = await _place(vpc, subnet)
        if not (resolve and await _is_linked(cloud, found, place, subnet)):
            await cloud.create_link(found, place.vpc_id, place.subnet_id)
        if not wait and not resolve:
            return await _row(cloud, found, await _only(cloud, found, place.vpc_id))
        link = await until_linked(cloud, found, place.vpc_id, timeout)
        if resolve:
            await cloud.resolve_on(found, link, default=True)
        return await _row(cloud, found, link)

    with waiting(f"linking to the registry {instance}"):
        row = call(run())
    show_one(row, output, hint=_hint(row))


@link_app.command("list")
def list_(
    instance: Annotated[
        str, typer.Argument(metavar="[INSTANCE]", help="An instance; default: all of them.")
    ] = "",
    *,
    output: OutputOption = Output.TABLE,
) -> None:
    """Show links.

    Example: towline link list
    """

    async def run() -> list[dict[str, Any]]:
        cloud = registries()
        if instance:
            instances = [await cloud.instance(instance)]
        else:
            instances = await cloud.instances()
        return [
            await _row(cloud, one, link) for one in instances for link in await cloud.links(one)
        ]

    show_rows(call(run()), output, empty="None yet. Create one: towline link create demo")


@link_app.command("show")
def show(
    instance: InstanceArgument, *, vpc: VpcOption = "", output: OutputOption = Output.TABLE
) -> None:
    """Show one link: its status, its access address, its name resolution.

    Example: towline link show demo
    """

    async def run() -> dict[str, Any]:
        cloud = registries()
        found = await cloud.instance(instance)
        return await _row(cloud, found, await _only(cloud, found, vpc))

    row = call(run())
    show_one(row, output, hint=_hint(row))


@link_app.command("delete")
def delete(
    instance: InstanceArgument,
    *,
    vpc: VpcOption = "",
    wait: Annotated[bool, typer.Option(help="Wait until it is gone.")] = True,
    timeout: TimeoutOption = 60.0,
    output: OutputOption = Output.TABLE,
) -> None:
    """Delete a link; its name resolution has to be off.

    Example: towline link delete demo
    """

    async def run() -> LinkView:
        from towline.client.cloud_wait import until_unlinked

        cloud = registries()
        found = await cloud.instance(instance)
        link = await _only(cloud, found, vpc)
        await cloud.delete_link(found, link)
        if wait:
            await until_unlinked(cloud, found, link.vpc_id, timeout)
        return link

    with waiting(f"deleting the link to {instance}"):
        gone = call(run())
    done(f"link from {gone.vpc_id} to {instance} deleted", output, vpc=gone.vpc_id, deleted=True)


@resolve_app.command("on")
def resolve_on(
    instance: InstanceArgument,
    *,
    vpc: VpcOption = "",
    vpc_domain: VpcDomainOption = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Let the registry's domain lead to the link, inside the VPC.

    Example: towline link resolve on demo
    """

    async def run() -> dict[str, Any]:
        cloud = registries()
        found = await cloud.instance(instance)
        link = await _only(cloud, found, vpc)
        await cloud.resolve_on(found, link, default=not vpc_domain)
        return await _row(cloud, found, link)

    show_one(call(run()), output)


@resolve_app.command("off")
def resolve_off(
    instance: InstanceArgument,
    *,
    vpc: VpcOption = "",
    vpc_domain: VpcDomainOption = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Let the registry's domain lead to its public address again.

    Example: towline link resolve off demo
    """

    async def run() -> dict[str, Any]:
        cloud = registries()
        found = await cloud.instance(instance)
        link = await _only(cloud, found, vpc)
        await cloud.resolve_off(found, link, default=not vpc_domain)
        return await _row(cloud, found, link)

    show_one(call(run()), output)


async def _place(vpc: str, subnet: str) -> SubnetView:
    cloud = networks()
    return await cloud.subnet(await cloud.vpc(vpc), subnet)


async def _is_linked(
    cloud: Registries, instance: InstanceView, place: SubnetView, subnet: str
) -> bool:
    """Whether the VPC has its link: in the subnet, where one is named, else in any."""
    places = {link.vpc_id: link.subnet_id for link in await cloud.links(instance)}
    found = places.get(place.vpc_id)
    return found == place.subnet_id if subnet else found is not None


async def _only(cloud: Registries, instance: InstanceView, vpc: str) -> LinkView:
    """The link of an instance to a VPC, or its only link when no VPC is named."""
    links = await cloud.links(instance)
    if vpc and not any(link.vpc_id == vpc for link in links):
        vpc = (await networks().vpc(vpc)).vpc_id
    found = [link for link in links if not vpc or link.vpc_id == vpc]
    if len(found) == 1:
        return found[0]
    raise _no_link(instance, links, vpc)


def _no_link(instance: InstanceView, links: list[LinkView], vpc: str) -> Problem:
    known = ", ".join(link.vpc_id for link in links) or "none"
    option = f" --vpc {vpc}" if vpc else ""
    create = f"`towline link create {instance.registry_name}{option}`"
    if vpc:
        cause, remedy = f"has no link to {vpc}; it has: {known}", f"create it: {create}"
    elif links:
        cause, remedy = f"has several links: {known}", "name the VPC with --vpc"
    else:
        cause, remedy = "has no link", create
    return Problem("no-such-link", cause=f"{instance.registry_name} {cause}", remedy=remedy)


async def _row(cloud: Registries, instance: InstanceView, link: LinkView) -> dict[str, Any]:
    default, private = await cloud.resolved(instance, link)
    return {
        "instance": instance.registry_name,
        "vpc": link.vpc_id,
        "subnet": link.subnet_id,
        "status": link.status,
        "accessIp": link.access_ip,
        "resolve": default,
        "resolveVpcDomain": private,
    }


def _hint(row: dict[str, Any]) -> str:
    if row["resolve"] or row["resolveVpcDomain"]:
        return ""
    if not row["accessIp"]:
        return "The link has no access IP yet; domain resolution can be switched on only then."
    return (
        "Inside the VPC the domain still leads to the public address:\n"
        f"  towline link resolve on {row['instance']}"
    )
