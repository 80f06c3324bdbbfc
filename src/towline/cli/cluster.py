"""`towline cluster …`: serverless clusters."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from towline.cli.cloud_call import call, clusters, networks
from towline.cli.instance import TimeoutOption
from towline.cli.render import Output, OutputOption, done, show_one, show_rows, waiting
from towline.problem import Problem

if TYPE_CHECKING:
    from towline.client.cloud_view import SubnetView
    from towline.client.cluster_view import ClusterView, ReachView

cluster_app = typer.Typer(
    name="cluster",
    help="Serverless clusters, each with a Kubernetes API of its own.",
    no_args_is_help=True,
)

ClusterArgument = Annotated[
    str, typer.Argument(metavar="CLUSTER", help="The name or id of a cluster.")
]


@cluster_app.command("create")
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it.")],
    *,
    vpc: Annotated[str, typer.Option("--vpc", help="Its VPC; default: the only one.")] = "",
    subnet: Annotated[
        list[str] | None,
        typer.Option("--subnet", help="Where its pods may be; default: the VPC's first."),
    ] = None,
    timeout: TimeoutOption = 60.0,
    output: OutputOption = Output.TABLE,
) -> None:
    """Create a cluster whose pods live in subnets of one VPC, and wait until its API answers.

    Example: towline cluster create shop --vpc office --subnet office-a --subnet office-b
    """

    async def run() -> tuple[ClusterView, ReachView]:
        cloud, places = clusters(), await _places(vpc, subnet or [""])
        made = await cloud.create(name, places)
        cluster = await cloud.until_running(made, timeout)
        return cluster, await cloud.reach(cluster)

    with waiting(f"starting the cluster {name}"):
        cluster, reach = call(run())
    show_one(_row(cluster, reach), output, hint=_HINT.format(name=name))


_HINT = "Go on with:  towline cluster credential {name} > {name}.kubeconfig"


async def _places(vpc: str, names: list[str]) -> list[SubnetView]:
    cloud = networks()
    where = await cloud.vpc(vpc)
    return [await cloud.subnet(where, one) for one in names]


@cluster_app.command("list")
def list_(*, output: OutputOption = Output.TABLE) -> None:
    """Show all clusters and where their APIs are.

    Example: towline cluster list
    """

    async def run() -> list[tuple[ClusterView, ReachView | None]]:
        cloud = clusters()
        return [(one, await cloud.reach_if_running(one)) for one in await cloud.clusters()]

    rows = [_row(cluster, reach) for cluster, reach in call(run())]
    show_rows(rows, output, empty="There are no clusters: towline cluster create NAME")


@cluster_app.command("show")
def show(cluster: ClusterArgument, *, output: OutputOption = Output.TABLE) -> None:
    """Show one cluster: its API, its virtual nodes, its add-ons.

    Example: towline cluster show default
    """

    async def run() -> dict[str, Any]:
        cloud = clusters()
        found = await cloud.cluster(cluster)
        nodes, addons = await cloud.nodes(found), await cloud.addons(found)
        return {
            **_row(found, await cloud.reach_if_running(found)),
            "version": found.version,
            "subnets": found.subnet_ids,
            "nodes": [f"{one.name} ({one.phase})" for one in nodes],
            "addons": [f"{one.addon_name} ({one.phase})" for one in addons],
        }

    show_one(call(run()), output)


@cluster_app.command("delete")
def delete(
    cluster: ClusterArgument,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    wait: Annotated[bool, typer.Option(help="Wait until it is gone.")] = True,
    timeout: TimeoutOption = 60.0,
    output: OutputOption = Output.TABLE,
) -> None:
    """Delete a cluster with every pod and object in it. Asks first.

    Example: towline cluster delete shop --yes
    """
    gone = call(clusters().cluster(cluster))
    if not yes:
        _ask(gone)

    async def run() -> None:
        cloud = clusters()
        await cloud.delete(gone)
        if wait:
            await cloud.until_gone(gone.cluster_id, timeout)

    with waiting(f"deleting the cluster {gone.cluster_name}"):
        call(run())
    done(f"cluster {gone.cluster_name} deleted", output, id=gone.cluster_id, deleted=True)


@cluster_app.command("credential")
def credential(
    cluster: ClusterArgument,
    *,
    merge: Annotated[
        Path | None,
        typer.Option(
            "--merge",
            metavar="FILE",
            help="Add it to a kubeconfig, as its current context, instead of printing it.",
        ),
    ] = None,
) -> None:
    """Print a kubeconfig with which kubectl speaks to a cluster.

    Example: towline cluster credential shop --merge ~/.kube/config
    """

    async def run() -> ReachView:
        cloud = clusters()
        return await cloud.reach(await cloud.cluster(cluster))

    kubeconfig = call(run()).kubeconfig
    if merge is None:
        typer.echo(kubeconfig, nl=False)
        return
    from towline.client.kubeconfig_merge import merge as merge_into

    name = merge_into(merge.expanduser(), kubeconfig)
    typer.echo(f"{merge} has the context {name} now, as its current one")


def _ask(cluster: ClusterView) -> None:
    """Raise `Problem` unless somebody at a terminal agrees."""
    name = cluster.cluster_name
    try:
        agreed = sys.stdin.isatty() and typer.confirm(
            f"Delete the cluster {name} and everything in it?", err=True
        )
    except typer.Abort:
        agreed = False
    if not agreed:
        raise Problem(
            "deletion-not-confirmed",
            cause=f"nobody agreed to delete the cluster {name} and what runs in it",
            remedy="answer `y`, or give --yes where nobody can be asked",
        )


def _row(cluster: ClusterView, reach: ReachView | None) -> dict[str, Any]:
    return {
        "name": cluster.cluster_name,
        "id": cluster.cluster_id,
        "status": cluster.status,
        "vpc": cluster.vpc_id,
        "kubernetes": reach.server if reach else "",
        "created": cluster.created_time,
    }
