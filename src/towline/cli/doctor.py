"""`towline doctor`: all that is amiss, of the installation and of every pod's pulls."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from towline.cli.cloud_call import call
from towline.cli.render import Output, OutputOption
from towline.problem import Problem

if TYPE_CHECKING:
    from towline.client.finding import Report

Namespace = Annotated[
    str, typer.Option("--namespace", "-n", help="Only pods of this one; default: of all.")
]
Kubeconfig = Annotated[
    Path | None,
    typer.Option(
        "--kubeconfig", help="Another cluster, of which only the pods are looked at; it may be any."
    ),
]


def doctor_command(
    *,
    namespace: Namespace = "",
    kubeconfig: Kubeconfig = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Look at roles, disks, registries, links, ways out, credentials and every pod's pulls.

    Nothing is changed. Exit code 0 when all is well, 1 when something was found, 2 when something
    could not be looked at.

    Example: towline doctor -o json
    """
    report = call(_Examination(namespace, kubeconfig).run())
    if output is Output.JSON:
        shown = {
            "healthy": report.is_healthy and not report.unseen,
            "findings": [one.to_json() for one in report.findings],
            "unseen": list(report.unseen),
        }
        typer.echo(json.dumps(shown, indent=2))
    else:
        for line in _lines(report):
            typer.echo(line)
    raise typer.Exit(report.exit_code)


@dataclass(frozen=True, slots=True)
class _Examination:
    namespace: str
    kubeconfig: Path | None

    async def run(self) -> Report:
        """All parts at the same time; one that cannot be looked at does not keep the others back."""
        from towline.client.finding import Report

        parts: dict[str, Awaitable[Report]] = {"the cluster": self._pods()}
        if self.kubeconfig is None:
            parts |= {"the installation": self._host(), "the cloud": _cloud()}
        async with asyncio.TaskGroup() as tasks:
            looking = [tasks.create_task(_seen(name, part)) for name, part in parts.items()]
        return sum((one.result() for one in looking), Report())

    async def _pods(self) -> Report:
        from towline.cli.diagnosing import diagnoses, kubeconfig_of
        from towline.client.doctor_pods import PodDoctor
        from towline.cluster.kubernetes_http import HttpKubernetes

        async with (
            HttpKubernetes.from_kubeconfig(kubeconfig_of(self.kubeconfig)) as kubernetes,
            diagnoses(self.kubeconfig) as found,
        ):
            return await PodDoctor(kubernetes, found, self.namespace).report()

    async def _host(self) -> Report:
        from towline.client.doctor_host import HostDoctor
        from towline.installation.data_directory import chosen

        return HostDoctor(chosen(os.environ), os.uname().release).report()


async def _cloud() -> Report:
    from towline.cli.cloud_call import gateways, networks, public_access, registries, routing
    from towline.client.doctor_cloud import CloudDoctor
    from towline.client.doctor_host import DoorDoctor
    from towline.client.egress import Cloud

    known = registries()
    parts = Cloud(networks(), routing(), gateways(), public_access())
    doors = await DoorDoctor(known).report()
    return doors + await CloudDoctor(known, parts, int(time.time() * 1000)).report()


async def _seen(name: str, part: Awaitable[Report]) -> Report:
    """The report of one part, or that it could not be looked at."""
    from towline.client.finding import Report
    from towline.cluster.kubernetes import ApiError

    try:
        return await part
    except Problem as problem:
        reason = f"{problem.cause}; {problem.remedy}"
    except ApiError as error:
        reason = error.message
    return Report((), (f"{name}: {reason}",))


def _lines(report: Report) -> list[str]:
    lines = list[str]()
    for one in report.findings:
        lines.append(f"{one.severity.value}: {one.about}: {one.cause} ({one.code})")
        lines.append(f"  {one.remedy}")
        lines += [f"    {command}" for command in one.commands]
    lines += [f"not looked at: {one}" for one in report.unseen]
    if not lines:
        lines.append("All is well.")
    return lines
