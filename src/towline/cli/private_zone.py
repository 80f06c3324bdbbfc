"""`towline private-zone …`: names that mean something only inside VPCs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from towline.cli.cloud_call import call, networks, zones
from towline.cli.render import Output, OutputOption, done, show_one, show_rows
from towline.cli.subnet import VpcOption
from towline.problem import Problem

if TYPE_CHECKING:
    from towline.client.cloud_view import ZoneRecordView, ZoneView

private_zone_app = typer.Typer(
    name="private-zone", help="Names that mean something only inside VPCs.", no_args_is_help=True
)

ZoneArgument = Annotated[str, typer.Argument(metavar="ZONE", help="Its domain or id.")]
NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="Below the domain; `@` for itself, `*` for the rest.")
]
TypeArgument = Annotated[str, typer.Argument(metavar="TYPE", help="A, AAAA, CNAME, TXT, SRV, …")]


@private_zone_app.command("create")
def create(
    domain: Annotated[str, typer.Argument(metavar="DOMAIN", help="Like corp.internal.")],
    *,
    vpc: VpcOption = "",
    recursion: Annotated[
        bool, typer.Option(help="Look up publicly what has no record; else it does not exist.")
    ] = True,
    output: OutputOption = Output.TABLE,
) -> None:
    """Create a zone that a VPC sees (the only one, when none is named).

    Example: towline private-zone create corp.internal
    """

    async def run() -> ZoneView:
        return await zones().create(domain, await networks().vpc(vpc), recursion=recursion)

    show_one(_row(call(run())), output)


@private_zone_app.command("list")
def list_(*, output: OutputOption = Output.TABLE) -> None:
    """Show all private zones, those of links too.

    Example: towline private-zone list
    """
    show_rows([_row(zone) for zone in call(zones().zones())], output, empty="There are none.")


@private_zone_app.command("show")
def show(zone: ZoneArgument, *, output: OutputOption = Output.TABLE) -> None:
    """Show the records of a zone.

    Example: towline private-zone show corp.internal
    """
    show_rows(_records(call(_listed(zone))), output, empty="No records.")


@private_zone_app.command("add-record")
def add_record(
    zone: ZoneArgument,
    name: NameArgument,
    kind: TypeArgument,
    value: Annotated[str, typer.Argument(metavar="VALUE", help="What the name means.")],
    *,
    output: OutputOption = Output.TABLE,
) -> None:
    """Add a record to a zone.

    Example: towline private-zone add-record corp.internal hub A 10.0.0.9
    """

    async def run() -> list[ZoneRecordView]:
        from towline.client.cloud_view import ZoneRecordView

        found = await zones().zone(zone)
        record = ZoneRecordView(sub_domain=name, record_type=kind.upper(), record_value=value)
        await zones().add(found.zone_id, record)
        return await zones().records(found.zone_id)

    show_rows(_records(call(run())), output, empty="")


@private_zone_app.command("remove-record")
def remove_record(
    zone: ZoneArgument,
    name: NameArgument,
    kind: TypeArgument,
    *,
    output: OutputOption = Output.TABLE,
) -> None:
    """Remove the records of a name and type.

    Example: towline private-zone remove-record corp.internal hub A
    """

    async def run() -> list[ZoneRecordView]:
        found = await zones().zone(zone)
        listed = await zones().records(found.zone_id)
        wanted = [
            one for one in listed if (one.sub_domain, one.record_type) == (name, kind.upper())
        ]
        if not wanted:
            raise Problem(
                "no-such-record",
                cause=f"{found.domain} has no {kind.upper()} record {name!r}",
                remedy=f"see `towline private-zone show {zone}`",
            )
        for record in wanted:
            await zones().remove(found.zone_id, record.record_id)
        return await zones().records(found.zone_id)

    show_rows(_records(call(run())), output, empty="No records are left.")


@private_zone_app.command("delete")
def delete(zone: ZoneArgument, *, output: OutputOption = Output.TABLE) -> None:
    """Delete a zone with its records; VPCs no longer see it.

    Example: towline private-zone delete corp.internal
    """

    async def run() -> ZoneView:
        found = await zones().zone(zone)
        await zones().delete(found.zone_id)
        return found

    gone = call(run())
    done(f"private zone {gone.domain} deleted", output, id=gone.zone_id)


async def _listed(zone: str) -> list[ZoneRecordView]:
    return await zones().records((await zones().zone(zone)).zone_id)


def _row(zone: ZoneView) -> dict[str, Any]:
    return {
        "domain": zone.domain,
        "id": zone.zone_id,
        "vpcs": [vpc.uniq_vpc_id for vpc in zone.vpc_set],
        "recursion": zone.dns_forward_status == "ENABLED",
        "recordCount": zone.record_count,
    }


def _records(records: list[ZoneRecordView]) -> list[dict[str, Any]]:
    return [
        {
            "name": record.sub_domain,
            "type": record.record_type,
            "value": record.record_value,
            "ttl": record.ttl,
        }
        for record in records
    ]
