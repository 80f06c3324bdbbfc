"""The root's commands as a table: where each lives and what the root's help says of it.

Nothing is imported until a command is used, so that `towline --help` and the completion of a shell
are instant. A test proves that the table says what the commands say of themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, cast

import typer
from typer.core import TyperGroup
from typer.main import get_command_from_info, get_group_from_info
from typer.models import CommandInfo, TyperInfo


@dataclass(frozen=True, slots=True)
class Place:
    """Where a command is defined: a `Typer` of its own, or a single function."""

    module: str
    attribute: str
    summary: str
    section: str
    """Under which heading the root's help lists it."""


INSTALLATION = "The installation"
IMAGES = "Images"
CLOUD = "The cloud: registries and networks"
ROLES = "Single roles, for running them apart"

_WALK = """
A first walk, as root on a machine of your own:

  towline up --detach
  towline instance create demo             # demo.tencentcloudcr.com, private
  towline namespace create demo team
  towline credential create demo           # says USER, PASSWORD and the loopback's PORT
  docker save app -o app.tar               # some image that keeps running
  towline push app.tar 127.0.0.1:PORT/team/app:1 -u USER -p PASSWORD
  towline link create demo --resolve       # the way from the VPC to it
  export KUBECONFIG=~/.local/state/towline/kubeconfig
  kubectl annotate namespace default towline.dev/release-credential=demo
  kubectl create deployment app --image demo.tencentcloudcr.com/team/app:1
"""

CLIENT_COMMANDS: dict[str, Place] = {
    "up": Place(
        "towline.cli.up",
        "up_command",
        "Start every role of the installation and keep them running.",
        INSTALLATION,
    ),
    "status": Place(
        "towline.cli.status",
        "status_command",
        "Show every role, the doors, the clusters, and how much there is.",
        INSTALLATION,
    ),
    "doctor": Place(
        "towline.cli.doctor",
        "doctor_command",
        "Look at roles, disks, registries, links, ways out, credentials and every pod's pulls.",
        INSTALLATION,
    ),
    "why": Place(
        "towline.cli.why",
        "why_command",
        "Say why a pull failed, how sure that is, and what mends it.",
        INSTALLATION,
    ),
    "fix": Place(
        "towline.cli.fix",
        "fix_command",
        "Say why a pod does not get its image, and mend it: shown first, undone when it fails.",
        INSTALLATION,
    ),
    "down": Place(
        "towline.cli.down",
        "down_command",
        "Stop every role and every pod, and remove all that was made in the kernel.",
        INSTALLATION,
    ),
    "reset": Place(
        "towline.cli.reset",
        "reset_command",
        "Stop everything and delete all data: registries, images, objects, keys.",
        INSTALLATION,
    ),
    "pull": Place(
        "towline.cli.pull",
        "pull_command",
        "Fetch an image and verify it; needs neither a cluster nor root.",
        IMAGES,
    ),
    "push": Place(
        "towline.cli.push",
        "push_command",
        "Send an image to a registry: an OCI layout (folder or tar), or what `docker save` wrote.",
        IMAGES,
    ),
    "bench": Place("towline.cli.bench", "bench_app", "Measurements, on this machine.", IMAGES),
    "content": Place(
        "towline.cli.content",
        "content_app",
        "Layers of images that are kept on this machine.",
        IMAGES,
    ),
    "instance": Place(
        "towline.cli.instance",
        "instance_app",
        "Private registries, each with a domain of its own.",
        CLOUD,
    ),
    "namespace": Place(
        "towline.cli.namespace",
        "namespace_app",
        "Namespaces of a registry: the first part of every repository's name.",
        CLOUD,
    ),
    "credential": Place(
        "towline.cli.credential", "credential_app", "User names and passwords of a registry.", CLOUD
    ),
    "link": Place(
        "towline.cli.link", "link_app", "Private links: the way from a VPC to a registry.", CLOUD
    ),
    "cluster": Place(
        "towline.cli.cluster",
        "cluster_app",
        "Serverless clusters, each with a Kubernetes API of its own.",
        CLOUD,
    ),
    "image-cache": Place(
        "towline.cli.image_cache",
        "image_cache_app",
        "Images that are fetched before any pod wants them.",
        CLOUD,
    ),
    "vpc": Place("towline.cli.vpc", "vpc_app", "Private networks (VPCs).", CLOUD),
    "subnet": Place("towline.cli.subnet", "subnet_app", "Subnets of VPCs.", CLOUD),
    "trace": Place(
        "towline.cli.trace",
        "trace_command",
        "Say where a packet goes, and which rule or omission stops it.",
        CLOUD,
    ),
    "access-key": Place(
        "towline.cli.access_key",
        "access_key_app",
        "Keys for the cloud's API, and whose they are.",
        CLOUD,
    ),
    "audit": Place(
        "towline.cli.audit",
        "audit_command",
        "Show who asked the cloud for changes, the newest first.",
        CLOUD,
    ),
    "egress": Place(
        "towline.cli.egress",
        "egress_app",
        "The way out of a subnet: elastic IP, NAT gateway, route and allowlist.",
        CLOUD,
    ),
    "public-access": Place(
        "towline.cli.public_access",
        "public_access_app",
        "Registries' public endpoints and who may come to them.",
        CLOUD,
    ),
    "route-table": Place(
        "towline.cli.route_table", "route_table_app", "Where packets from subnets go.", CLOUD
    ),
    "nat-gateway": Place(
        "towline.cli.nat_gateway",
        "nat_gateway_app",
        "Ways out of VPCs, shared by all who have no public address.",
        CLOUD,
    ),
    "eip": Place(
        "towline.cli.eip", "eip_app", "Public addresses, for NAT gateways and pods.", CLOUD
    ),
    "security-group": Place(
        "towline.cli.security_group",
        "security_group_app",
        "Which connections pods may begin, and which may reach them.",
        CLOUD,
    ),
    "domain": Place("towline.cli.domain", "domain_app", "Names of your own for registries.", CLOUD),
    "private-zone": Place(
        "towline.cli.private_zone",
        "private_zone_app",
        "Names that mean something only inside VPCs.",
        CLOUD,
    ),
    "dns": Place("towline.cli.dns", "dns_app", "What pods ask the resolvers of their VPCs.", CLOUD),
}


class _Commands(Mapping[str, Any]):
    """The commands by name, each imported when it is looked up."""

    def __init__(self, places: Mapping[str, Place]) -> None:
        self._places = places

    def __getitem__(self, name: str) -> Any:
        return load(name, self._places[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


class CommandTable(TyperGroup):
    """A group whose commands are imported when they are asked for."""

    places: Mapping[str, Place]

    def take(self, places: Mapping[str, Place]) -> None:
        """Offer the commands of a table."""
        self.places = places
        self.commands = cast("MutableMapping[str, Any]", _Commands(places))

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the help's lists of commands, without importing any of them."""
        del ctx
        for section in dict.fromkeys(place.section for place in self.places.values()):
            listed = [
                (name, place.summary)
                for name, place in self.places.items()
                if place.section == section
            ]
            with formatter.section(section):
                formatter.write_dl(listed)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write how to begin."""
        del ctx
        formatter.write(_WALK)


def load(name: str, place: Place) -> Any:
    """Import the command that a place names."""
    found = getattr(import_module(place.module), place.attribute)
    if isinstance(found, typer.Typer):
        info = TyperInfo(found, name=name, no_args_is_help=True)
        group = get_group_from_info(
            info, pretty_exceptions_short=False, suggest_commands=True, rich_markup_mode=None
        )
        _summarize(group)
        return group
    return get_command_from_info(
        CommandInfo(name=name, callback=found), pretty_exceptions_short=False, rich_markup_mode=None
    )


def _summarize(group: TyperGroup) -> None:
    """Have a group's help say the whole first sentence of each command, where click cuts it."""
    for command in group.commands.values():
        command.short_help = " ".join((command.help or "").split("\n\n")[0].split())
        if isinstance(command, TyperGroup):
            _summarize(command)
