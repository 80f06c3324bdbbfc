"""`towline trace`: where a packet from a pod goes, and what stops it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from towline.cli.cloud_call import call, networks
from towline.cli.render import Output, OutputOption, show_rows
from towline.problem import Problem

if TYPE_CHECKING:
    from towline.client.cloud_trace import HopView, NameView, Traces, TraceView

_ENDPOINT = re.compile(
    r"(?P<host>[^:/]+)(:(?P<port>[0-9]{1,5})(/(?P<protocol>tcp|udp|icmp))?)?", re.ASCII
)


SourceArgument = Annotated[
    str,
    typer.Argument(
        metavar="POD|ADDRESS|SUBNET",
        help="A pod (`namespace/name`), a private address, or the id of a subnet.",
    ),
]
DestinationArgument = Annotated[
    str,
    typer.Argument(
        metavar="HOST[:PORT[/PROTOCOL]]",
        help="A name or an address; the port is 443, the protocol tcp, udp or icmp.",
    ),
]


def trace_command(
    source: SourceArgument,
    destination: DestinationArgument,
    *,
    vpc: Annotated[
        str, typer.Option("--vpc", help="The VPC of the source, where several have one.")
    ] = "",
    resolver: Annotated[
        str,
        typer.Option(
            "--resolver", help="Whom to ask for names instead of those that the pod asks."
        ),
    ] = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Say where a packet goes, and which rule or omission stops it.

    It follows from what was asked of the cloud; nothing is sent.

    Example: towline trace default/web-1 demo.tencentcloudcr.com
    """
    host, port, protocol = endpoint(destination)

    async def run() -> TraceView:
        from towline.client.cloud_trace import Question

        vpc_id = (await networks().vpc(vpc)).vpc_id if vpc else ""
        asked = Question(
            source=source,
            vpc_id=vpc_id,
            host=host,
            port=port,
            protocol=protocol,
            resolver=resolver,
        )
        return await traces().follow(asked)

    found = call(run())
    if output is Output.JSON:
        typer.echo(json.dumps(_whole(found), indent=2))
    else:
        _show(found)


def traces() -> Traces:
    """The part of the cloud that follows packets."""
    from towline.client.cloud_access import open_cloud
    from towline.client.cloud_trace import Traces

    return Traces(open_cloud())


def endpoint(text: str) -> tuple[str, int, str]:
    """The host, the port and the protocol that are meant; raises `Problem`."""
    fitting = _ENDPOINT.fullmatch(text)
    if fitting is None:
        raise Problem(
            "endpoint-malformed",
            cause=f"{text!r} is not a host with a port",
            remedy="write it like demo.tencentcloudcr.com, 10.16.0.5:5000 or 10.0.0.9:53/udp",
        )
    return fitting["host"], int(fitting["port"] or 443), fitting["protocol"] or "tcp"


def _show(found: TraceView) -> None:
    if found.resolution is not None:
        typer.echo(f"{_meaning(found.resolution)}\n")
    if found.hops:
        show_rows([_row(hop) for hop in found.hops], Output.TABLE, empty="")
        typer.echo()
    match found.reach:
        case "always":
            typer.echo("It arrives.")
        case "sometimes":
            typer.echo(f"It arrives or not, by turns: {found.cause} ({found.stop}).")
        case _:
            typer.echo(f"It does not arrive ({found.symptom}): {found.cause} ({found.stop}).")
    if found.remedy:
        typer.echo(f"Remedy: {found.remedy}.")


def _meaning(name: NameView) -> str:
    """What a name means, as a sentence."""
    means = ", ".join(name.addresses) or f"no address ({name.code})"
    through = "".join(f", by way of {alias}" for alias in name.aliases)
    match name.answerer:
        case "uplink":
            return f"{name.name} is in no zone here{through}: only an uplink may know it."
        case "private-zone":
            zone = f"the private zone {name.zone} ({', '.join(name.zone_ids)})"
        case _:
            zone = f"the public zone {name.zone}"
    return f"{name.name} means {means}{through}, says {zone}."


def _row(hop: HopView) -> dict[str, Any]:
    return {
        "place": hop.place,
        "id": hop.id,
        "act": hop.act,
        "by": hop.by,
        "from": [one for one in hop.sources if one],
        "to": hop.destination,
    }


def _whole(found: TraceView) -> dict[str, Any]:
    name = found.resolution
    return {
        "source": found.source,
        "subnet": found.subnet_id,
        "destination": found.destination,
        "resolution": None
        if name is None
        else {
            "name": name.name,
            "addresses": name.addresses,
            "code": name.code,
            "answerer": name.answerer,
            "zone": name.zone,
            "zoneIds": name.zone_ids,
            "aliases": name.aliases,
        },
        "hops": [_row(hop) for hop in found.hops],
        "reach": found.reach,
        "stop": found.stop,
        "cause": found.cause,
        "remedy": found.remedy,
        "symptom": found.symptom,
    }
