"""Where everything is, told to a person who has just started it and to programs."""

from __future__ import annotations

import json
import shlex

import typer

from towline.cli.render import Output
from towline.installation import door, run_state
from towline.installation.data_directory import DataDirectory

WITHOUT_AGENT = (
    "Without root the agent does not run: pods stay Pending and links Creating.\n"
    "For those:  towline down; sudo TOWLINE_DATA={data} {program} up --detach"
)


def doors_of(data: DataDirectory) -> dict[str, str]:
    """Every door and file that a user of the installation needs."""
    doors = door.remembered(data.doors)
    return {
        "kubernetes": doors.get("cluster", ""),
        "kubeconfig": str(data.kubeconfig),
        "cloud": doors.get("cloud", ""),
        "accessKey": str(data.access_key),
        "authority": str(data.authority),
        "registryAuthority": str(data.registry_authority),
        "data": str(data.root),
        "logs": str(data.logs),
    }


def show_doors(data: DataDirectory, program: str, output: Output) -> None:
    """Print the doors and what to do next; `program` is how this program was called."""
    shown = doors_of(data)
    if output is Output.JSON:
        typer.echo(json.dumps(shown, indent=2))
        return
    state = run_state.running(data.lock, data.state)
    names = [role.name for role in state.roles] if state else []
    typer.echo(
        f"""Towline is up: {", ".join(names)}

  Kubernetes API  {shown["kubernetes"]}
  cloud API       {shown["cloud"]}   (key in {shown["accessKey"]})
  authority       {shown["authority"]}
  data and logs   {shown["data"]}

Go on with
  export KUBECONFIG={shlex.quote(shown["kubeconfig"])}
  kubectl get nodes
  towline instance create demo         # a private registry, demo.tencentcloudcr.com
  towline status                       # and `towline down` to end it"""
    )
    if "agent" not in names:
        typer.echo("\n" + _without_agent(data, program), err=True)


def _without_agent(data: DataDirectory, program: str) -> str:
    return WITHOUT_AGENT.format(data=shlex.quote(str(data.root)), program=shlex.quote(program))
