"""`towline domain …`: further names under which registries are served."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from towline.cli.cloud_call import call, registries
from towline.cli.instance import InstanceArgument, TimeoutOption
from towline.cli.render import Output, OutputOption, done, show_one, show_rows, waiting

if TYPE_CHECKING:
    from towline.client.cloud_domain import Domains, DomainView
    from towline.client.cloud_view import InstanceView

domain_app = typer.Typer(
    name="domain", help="Names of your own for registries.", no_args_is_help=True
)

DomainArgument = Annotated[str, typer.Argument(metavar="DOMAIN", help="Like registry.example.com.")]


@domain_app.command("create")
def create(
    instance: InstanceArgument,
    domain: DomainArgument,
    *,
    wait: Annotated[bool, typer.Option(help="Wait until the registry answers to it.")] = True,
    timeout: TimeoutOption = 60.0,
    output: OutputOption = Output.TABLE,
) -> None:
    """Serve a registry under one more name, with a certificate of the installation's authority.

    Example: towline domain create demo registry.example.com
    """

    async def run() -> tuple[InstanceView, DomainView]:
        from towline.client.cloud_domain import until_served

        found, cloud = await registries().instance(instance), domains()
        await cloud.create(found, domain)
        if wait:
            return found, await until_served(cloud, found, domain, timeout)
        return found, await cloud.domain(found, domain)

    with waiting(f"having {instance} answer to {domain}"):
        owner, made = call(run())
    hint = (
        f"In a VPC the name is yours to point at the registry:\n"
        f"  towline private-zone create ZONE\n"
        f"  towline private-zone add-record ZONE NAME CNAME {owner.public_domain}"
    )
    show_one(_row(made), output, hint=hint)


@domain_app.command("list")
def list_(instance: InstanceArgument, *, output: OutputOption = Output.TABLE) -> None:
    """Show the further names of a registry.

    Example: towline domain list demo
    """

    async def run() -> list[DomainView]:
        return await domains().domains(await registries().instance(instance))

    rows = [_row(one) for one in call(run())]
    show_rows(rows, output, empty="There are none: towline domain create INSTANCE DOMAIN")


@domain_app.command("delete")
def delete(
    instance: InstanceArgument,
    domain: DomainArgument,
    *,
    wait: Annotated[bool, typer.Option(help="Wait until it is gone.")] = True,
    timeout: TimeoutOption = 60.0,
    output: OutputOption = Output.TABLE,
) -> None:
    """Serve a registry under a name no more; its default domain stays.

    Example: towline domain delete demo registry.example.com
    """

    async def run() -> DomainView:
        from towline.client.cloud_domain import until_forgotten

        found, cloud = await registries().instance(instance), domains()
        gone = await cloud.domain(found, domain)
        await cloud.delete(found, gone)
        if wait:
            await until_forgotten(cloud, found, gone.domain_name, timeout)
        return gone

    with waiting(f"having {instance} forget {domain}"):
        gone = call(run())
    done(f"domain {gone.domain_name} deleted", output, domain=gone.domain_name)


def domains() -> Domains:
    """The customized domains."""
    from towline.client.cloud_access import open_cloud
    from towline.client.cloud_domain import Domains

    return Domains(open_cloud())


def _row(domain: DomainView) -> dict[str, Any]:
    return {
        "domain": domain.domain_name,
        "instance": domain.registry_id,
        "certificate": domain.cert_id,
        "status": domain.status,
    }
