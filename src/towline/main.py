"""The only place that wires: which parts make up each role.

A role is one process. It is given a data directory and nothing else; what it needs of the others it
asks over their public doors, or reads in the records that the roles of one machine share.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from towline.cli.app import build, run
from towline.cli.cluster import cluster_app
from towline.cli.command_table import CLIENT_COMMANDS, ROLES, Place
from towline.cli.database_option import DatabaseOption, choose_database, records
from towline.installation.data_directory import (
    DOMAIN_SUFFIX,
    REGION,
    DataDirectory,
    chosen_root,
)
from towline.problem import Problem

if TYPE_CHECKING:
    from pathlib import Path

    from towline.cluster.api.foresight import Preflight
    from towline.cluster.api.settings import Settings as ApiSettings
    from towline.cluster.kubernetes import Kubernetes
    from towline.cluster.node.settings import NodeSettings
    from towline.linux.host_wire import HostWire
    from towline.linux.ledger import Ledger
    from towline.resource.cluster import Cluster
    from towline.sandbox.network.serve import Network
    from towline.sandbox.provider import Sandbox
    from towline.sandbox.settings import SandboxSettings

ROLE_COMMANDS = {
    "registry": Place("towline.main", "registry_app", "The registry's role.", ROLES),
    "cloud": Place("towline.main", "cloud_app", "The cloud API's role.", ROLES),
    "cluster": replace(CLIENT_COMMANDS["cluster"], module="towline.main"),
    "agent": Place(
        "towline.main",
        "serve_agent",
        "Run pods and their networks until interrupted; needs root.",
        ROLES,
    ),
}

_LOOPBACK = "127.0.0.1"

Ready = Callable[[], None]
Role = Callable[[DataDirectory, Ready], Coroutine[Any, Any, None]]
"""Serves until it is cancelled, and says once that it is ready."""

PortOption = Annotated[
    int | None, typer.Option(min=1, max=65535, help="On which port; default: as before.")
]


def main() -> None:
    """Run `towline`."""
    sys.exit(run(build(CLIENT_COMMANDS | ROLE_COMMANDS), sys.argv[1:]))


registry_app = typer.Typer(help="The registry's role.", no_args_is_help=True)
cloud_app = typer.Typer(help="The cloud API's role.", no_args_is_help=True)


@registry_app.callback()
@cloud_app.callback()
def _group() -> None:
    """Keep `serve` a word of its own: a Typer with one command would drop it."""


@registry_app.command("serve")
def serve_registry(*, database: DatabaseOption = "") -> None:
    """Serve every registry instance until interrupted.

    Each has a door on this machine, which `towline instance show` names.

    Example: towline registry serve
    """
    _run("registry", _registry, database)


@cloud_app.command("serve")
def serve_cloud(*, port: PortOption = None, database: DatabaseOption = "") -> None:
    """Serve Tencent Cloud API 3.0 (tcr, vpc) until interrupted.

    Clients find it by the data directory: `towline instance list` in another terminal.

    Example: towline cloud serve --port 8070
    """

    async def role(data: DataDirectory, ready: Ready) -> None:
        await _cloud(data, _port(data, "cloud", port), ready)

    _run("cloud", role, database)


@cluster_app.command("serve")
def serve_cluster(*, port: PortOption = None, database: DatabaseOption = "") -> None:
    """Serve the Kubernetes API of every cluster, and run their controllers, until interrupted.

    The port is that of the installation's own cluster; each other one has a port of its own.

    Example: towline cluster serve --port 6443
    """

    async def role(data: DataDirectory, ready: Ready) -> None:
        await _cluster(data, _port(data, "cluster", port), ready)

    _run("cluster", role, database)


def serve_agent(*, database: DatabaseOption = "") -> None:
    """Run pods and their networks until interrupted; needs root.

    TOWLINE_DIAL_TIMEOUT says after how many seconds a pull gives up dialling; it is 30 otherwise.

    Example: sudo towline agent
    """
    if os.geteuid() != 0:
        raise Problem(
            "agent-needs-root",
            cause="the agent makes network namespaces and mounts, which only root may",
            remedy=f"run it as root: sudo TOWLINE_DATA={chosen_root(os.environ)} towline agent",
        )
    _run("agent", _agent, database)


async def _registry(data: DataDirectory, ready: Ready) -> None:
    from towline.registry.serve import serve
    from towline.registry.settings import Settings
    from towline.store.store import Store

    settings = Settings(
        root=data.registry,
        certificate=data.certificate_of("registry"),
        key=data.key_of("registry"),
        authority=data.registry_authority,
        authority_key=data.key_of("registry-ca"),
        token_key=data.key_of("registry-token"),
        doors_socket=data.doors_socket,
        layer_indexes=os.environ.get("TOWLINE_LAYER_INDEXES") != "0",
    )
    async with Store.open(records(data)) as store:
        await serve(store, settings, ready)


async def _cloud(data: DataDirectory, port: int, ready: Ready) -> None:
    from towline.cloud.context import Resources
    from towline.cloud.founding import found
    from towline.cloud.serve import serve
    from towline.cloud.settings import Settings
    from towline.store.store import Store

    settings = Settings(_LOOPBACK, port, data.access_key, data.clusters, DOMAIN_SUFFIX, REGION)
    async with Store.open(records(data)) as store:
        await found(Resources(store), REGION, lambda: datetime.now(UTC))
        await serve(store, settings, ready)


async def _cluster(data: DataDirectory, port: int, ready: Ready) -> None:
    import asyncio

    from towline.client.cloud_access import own_cloud
    from towline.client.credential_issuer import CloudCredentialIssuer
    from towline.cluster.host.hosting import Ground, Hosting, Registers
    from towline.cluster.host.roster import Roster
    from towline.installation import door
    from towline.installation.cluster_folder import ClusterFolder
    from towline.installation.credentials import tokens, write_kubeconfigs
    from towline.installation.port_pool import PortPool
    from towline.store.store import Store

    server, known = f"https://{_LOOPBACK}:{port}", tokens(data)
    write_kubeconfigs(data, server)
    ports = PortPool(port, {port, *map(door.port_of, door.remembered(data.doors).values())})
    own = _api_settings(data, port, known, data.key_of("service-account"))
    async with Store.open(records(data)) as store:
        registers = Registers.of(store)
        issuer = CloudCredentialIssuer(own_cloud(data), time.time)
        hosting = Hosting(registers, issuer, time.time, _foresight(data))

        def settled(cluster_id: str) -> None:
            ClusterFolder(data, cluster_id).show(server, known["admin"])

        async def host(cluster: Cluster) -> None:
            folder = ClusterFolder(data, cluster.id)
            its_port = ports.take(cluster.id, cluster.port)
            folder.provide(f"https://{_LOOPBACK}:{its_port}")
            key = folder.service_account_key
            settings = _api_settings(data, its_port, folder.tokens(), key)
            await hosting.live(cluster, Ground(folder.objects, settings), folder.delete)
            ports.give_back(cluster.id)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(hosting.keep(Ground(data.objects, own), ready, settled))
            tasks.create_task(Roster(registers.clusters).employ(lambda _: True, host))


def _foresight(data: DataDirectory) -> Callable[[Kubernetes], Preflight]:
    """What looks at the images of a cluster's pods before they run."""
    from towline.client.cloud_access import own_cloud
    from towline.client.image_examiner import ImageExaminer
    from towline.client.lookout import from_inside
    from towline.client.preflight import ImagePreflight
    from towline.client.pull_planes import PullPlanes
    from towline.oci.platform import Platform

    examiner = ImageExaminer(
        PullPlanes(own_cloud(data)),
        from_inside(os.environ, data.pull_authorities, data.ledger),
        Platform.of_machine(os.uname().machine),
    )
    return lambda kubernetes: ImagePreflight(kubernetes, examiner)


def _api_settings(
    data: DataDirectory, port: int, tokens: Mapping[str, str], service_account_key: Path
) -> ApiSettings:
    from towline.cluster.api.settings import MASTERS, Settings, User

    users = {
        "admin": User("admin", (MASTERS,)),
        "agent": User("system:node:agent", ("system:nodes",)),
        "controllers": User("system:kube-controller-manager"),
    }
    return Settings(
        address=_LOOPBACK,
        port=port,
        certificate=data.certificate_of("apiserver"),
        key=data.key_of("apiserver"),
        ca_certificate=data.authority,
        tokens={token: users[name] for name, token in tokens.items()},
        service_account_key=service_account_key,
        kubelet_certificate=data.certificate_of("apiserver-kubelet-client"),
        kubelet_key=data.key_of("apiserver-kubelet-client"),
    )


async def _agent(data: DataDirectory, ready: Ready) -> None:
    import asyncio

    from towline.cluster.host.roster import Roster, port_when_served
    from towline.linux.ledger import Ledger
    from towline.sandbox.image_cache import ImageCaches
    from towline.sandbox.image_cache_keeper import ImageCacheKeeper
    from towline.sandbox.network.naming import Naming
    from towline.sandbox.network.serve import Network
    from towline.sandbox.provider import Sandbox
    from towline.sandbox.pull_records import PullRecords
    from towline.store.store import Store

    ledger = Ledger.open(data.ledger, data.sandboxes)
    naming = Naming(data.queries, uplink=os.environ.get("TOWLINE_UPLINK_RESOLVER", ""))
    async with Store.open(records(data)) as store:
        caches, known = ImageCaches(store, lambda: datetime.now(UTC)), PullRecords(store).read
        async with (
            Network(store, ledger, data.doors_socket, naming, _uplink(ledger)) as network,
            Sandbox(network.pods, _sandbox_settings(data, ledger), known, caches) as sandbox,
            asyncio.TaskGroup() as tasks,
        ):
            tasks.create_task(sandbox.keep_tidy())
            tasks.create_task(ImageCacheKeeper(caches, sandbox, network.pods).run())
            run_nodes = partial(_run_nodes, data, network, sandbox, ready)
            tasks.create_task(run_nodes(None))
            tasks.create_task(Roster.of(store).employ(port_when_served, run_nodes))


async def _run_nodes(
    data: DataDirectory, network: Network, sandbox: Sandbox, ready: Ready, cluster: Cluster | None
) -> None:
    """The nodes of one cluster; of the installation's own when none is given."""
    from towline.cluster.kubernetes_http import HttpKubernetes
    from towline.cluster.node.serve import serve
    from towline.installation.cluster_folder import ClusterFolder

    id_ = cluster.id if cluster else ""
    access = ClusterFolder(data, id_).agent_kubeconfig if id_ else data.agent_kubeconfig
    async with HttpKubernetes.from_kubeconfig(access) as kubernetes:
        subnets, settings = network.subnets_of(id_), _node_settings(data, id_)
        said = (lambda: None) if id_ else ready
        await serve(kubernetes, sandbox, subnets, settings, said)


def _uplink(ledger: Ledger) -> HostWire | None:
    """The wire to the host's own network, when TOWLINE_UPLINK=1 asks for one; else none is left."""
    from towline.linux.host_wire import HostWire

    wire = HostWire(ledger.names)
    if os.environ.get("TOWLINE_UPLINK") == "1":
        return wire
    wire.remove()
    return None


def _sandbox_settings(data: DataDirectory, ledger: Ledger) -> SandboxSettings:
    from towline.sandbox.settings import SandboxSettings

    return SandboxSettings(
        folder=ledger.folder,
        layers=data.layers,
        cgroup=ledger.cgroup,
        ropes_cgroup=ledger.ropes_cgroup,
        ca_file=data.pull_authorities,
        dial_timeout=dial_timeout(os.environ.get("TOWLINE_DIAL_TIMEOUT", "30")),
    )


def _node_settings(data: DataDirectory, cluster_id: str) -> NodeSettings:
    from towline.cluster.node.settings import NodeSettings

    return NodeSettings(
        address=_LOOPBACK,
        port=0 if cluster_id else _port(data, "kubelet", None),
        certificate=data.certificate_of("kubelet"),
        key=data.key_of("kubelet"),
        client_authority=data.authority,
        cluster_id=cluster_id,
    )


def dial_timeout(text: str) -> float:
    """The seconds that TOWLINE_DIAL_TIMEOUT gives; raises `Problem`."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 3600:
        raise Problem(
            "dial-timeout-malformed",
            cause=f"TOWLINE_DIAL_TIMEOUT={text!r} is not a number of seconds",
            remedy="leave it out for containerd's 30, or give a number like 3",
        )
    return seconds


def _port(data: DataDirectory, role: str, port: int | None) -> int:
    """The port of a role: the one asked for, which is remembered, or the remembered."""
    from towline.installation import door
    from towline.installation.lock import in_turn

    with in_turn(data.setup):
        return door.settle(data.doors, role, port)


def _run(name: str, role: Role, database: str = "") -> None:
    """Run one role on the data directory that the environment names, until it is told to end."""
    from towline.installation.credentials import provide
    from towline.installation.lock import held
    from towline.installation.log import write_log
    from towline.installation.role_process import (
        announce_ready,
        die_with_supervisor,
        run_until_told,
    )

    die_with_supervisor()
    write_log(name)
    data = DataDirectory(chosen_root(os.environ))
    data.create()
    choose_database(data, database)
    with held(data.lock_of(name), f"the {name} role", "end that process first"):
        provide(data, DOMAIN_SUFFIX, datetime.now(UTC))
        run_until_told(role(data, announce_ready))
