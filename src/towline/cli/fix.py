"""`towline fix`: a pod that cannot pull its image, mended as far as that lies in our hands."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from towline.cli.cloud_call import call
from towline.cli.render import Output, OutputOption
from towline.problem import Problem

if TYPE_CHECKING:
    from towline.client.mending_cloud import CloudMender
    from towline.client.repair import Outcome, Permission, Round

_DRY = frozenset({"declined", "runs"})

Target = Annotated[str, typer.Argument(metavar="pod/NAME|deployment/NAME", help="What shall run.")]
Namespace = Annotated[str, typer.Option("--namespace", "-n", help="Its Kubernetes namespace.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show the plan.")]
Tag = Annotated[str, typer.Option("--tag", help="Take this tag where the image's does not exist.")]
Recreate = Annotated[
    bool, typer.Option("--recreate", help="A pod that nothing makes anew may be deleted and made.")
]
AllowHttp = Annotated[
    bool, typer.Option("--allow-http", help="A registry may be spoken to over plain HTTP.")
]
AllowInsecure = Annotated[
    bool,
    typer.Option("--allow-insecure", help="A certificate with something wrong may be believed."),
]
AllowAnyAddress = Annotated[
    bool, typer.Option("--allow-any-address", help="An allowlist may be opened to 0.0.0.0/0.")
]
Kubeconfig = Annotated[
    Path | None,
    typer.Option("--kubeconfig", help="Default: the environment's, or the installation's."),
]
Timeout = Annotated[
    float, typer.Option("--timeout", help="Seconds to wait for the pod after a change.")
]


def fix_command(
    target: Target,
    *,
    namespace: Namespace = "default",
    yes: Yes = False,
    dry_run: DryRun = False,
    tag: Tag = "",
    recreate: Recreate = False,
    allow_http: AllowHttp = False,
    allow_insecure: AllowInsecure = False,
    allow_any_address: AllowAnyAddress = False,
    kubeconfig: Kubeconfig = None,
    timeout: Timeout = 330.0,
    output: OutputOption = Output.TABLE,
) -> None:
    """Say why a pod does not get its image, and mend it: shown first, undone when it fails.

    It never trusts more than before (plain HTTP, a wrong certificate, 0.0.0.0/0) unless a flag says
    so; a certificate that is merely unknown is pinned by its fingerprint. Exit code 0 when the pod
    got its image (with --dry-run: when there is a plan), otherwise 1.

    Example: towline fix pod/web-1 --yes
    """
    allowed = {
        "--allow-http": allow_http,
        "--allow-insecure": allow_insecure,
        "--allow-any-address": allow_any_address,
        "--recreate": recreate,
    }
    flags = frozenset(flag for flag, given in allowed.items() if given)
    asking = _Asking(yes=yes, dry_run=dry_run)
    fixing = _Fixing(target, namespace, _permission(flags, tag, asking), kubeconfig, timeout)
    outcome = call(fixing.run())
    _show(target, namespace, outcome, output)
    ending = outcome.ending.value
    if ending != "runs" and not (dry_run and ending in _DRY):
        raise typer.Exit(1)


@dataclass(frozen=True, slots=True)
class _Fixing:
    target: str
    namespace: str
    permission: Permission
    kubeconfig: Path | None
    seconds: float

    async def run(self) -> Outcome:
        """What came of it; raises `Problem`."""
        from towline.cluster.kubernetes import ApiError, Unreachable

        try:
            return await self._mend()
        except Unreachable as error:
            raise Problem(
                "kubernetes-unreachable",
                cause=error.message,
                remedy="see `towline status`, and whose kubeconfig it is",
            ) from error
        except ApiError as error:
            raise Problem(
                "kubernetes-unwilling",
                cause=f"the Kubernetes API refuses what mending needs: {error.message}",
                remedy="see with `kubectl auth can-i` what this kubeconfig's user may do",
            ) from error

    async def _mend(self) -> Outcome:
        from towline.cli.diagnosing import diagnoses, kubeconfig_of
        from towline.client.mending import Mender
        from towline.client.repair import Patience, Repair
        from towline.client.workload import Workload
        from towline.cluster.kubernetes_http import HttpKubernetes

        workload = Workload.parse(self.namespace, self.target)
        async with (
            HttpKubernetes.from_kubeconfig(kubeconfig_of(self.kubeconfig)) as kubernetes,
            diagnoses(self.kubeconfig) as found,
        ):
            mender = Mender(kubernetes, _cloud)
            patience = Patience(after=self.seconds)
            return await Repair(kubernetes, found, mender, self.permission, patience).run(workload)


def _cloud() -> CloudMender:
    from towline.cli.cloud_call import (
        gateways,
        networks,
        public_access,
        registries,
        routing,
        security_groups,
    )
    from towline.client.egress import Cloud
    from towline.client.mending_cloud import CloudMender

    parts = Cloud(networks(), routing(), gateways(), public_access())
    return CloudMender(registries(), parts, security_groups())


def _permission(flags: frozenset[str], tag: str, asking: _Asking) -> Permission:
    from towline.client.repair import Permission
    from towline.diagnosis.mending import Widening, Wish

    allowed = frozenset(one for one in Widening if one.value in flags)
    wish = Wish(allowed=allowed, tag=tag)
    return Permission(wish=wish, flags=flags, agree=asking.agree, told=_tell)


def _tell(text: str) -> None:
    typer.echo(f"{text} …", err=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asking:
    """How a person is asked."""

    yes: bool
    dry_run: bool

    def agree(self, round_: Round) -> bool:
        """Show a plan, and answer whether it is to be carried out; raises `Problem`."""
        for line in _plan(round_):
            typer.echo(line, err=True)
        if self.dry_run or self.yes:
            return not self.dry_run
        if not sys.stdin.isatty():
            raise Problem(
                "nobody-to-ask",
                cause="there is a plan, and no terminal at which somebody could agree to it",
                remedy="look at it with --dry-run, then repeat the command with --yes",
            )
        return typer.confirm("Do it?", err=True)


def _plan(round_: Round) -> list[str]:
    verdict = round_.verdict
    would = [f"  {number}. {text}" for number, text in enumerate(round_.steps, 1)]
    return [f"{round_.pod}: {verdict.cause} ({verdict.code})", *would]


def _show(target: str, namespace: str, outcome: Outcome, output: Output) -> None:
    if output is Output.JSON:
        shown = {
            "target": target,
            "namespace": namespace,
            "ending": outcome.ending.value,
            "runs": outcome.ending.value == "runs",
            "rounds": [_row(one) for one in outcome.rounds],
        }
        typer.echo(json.dumps(shown, indent=2))
        return
    for line in _words(target, outcome):
        typer.echo(line)


def _row(round_: Round) -> Mapping[str, Any]:
    return {
        "pod": round_.pod,
        "verdict": round_.verdict.to_json(),
        "steps": list(round_.steps),
        "needs": sorted(round_.needs),
    }


def _words(target: str, outcome: Outcome) -> list[str]:
    last = outcome.rounds[-1] if outcome.rounds else None
    match outcome.ending.value:
        case "runs" if last is None:
            return [f"{target} has its image: there is nothing to mend."]
        case "runs":
            return [f"{target} has its image now."]
        case "unknown" if last is None:
            return [f"Nothing is found that would stop {target}; see `kubectl describe`."]
        case "declined":
            return ["Nothing was changed."]
    assert last is not None, "only a verdict can be in the way"
    lines = [] if outcome.ending.value == "still fails" else _plan(last)
    remedy = last.verdict.remedy
    if outcome.ending.value == "needs a flag":
        lines.append(f"Nothing was changed: that needs {' '.join(sorted(last.needs))}.")
    elif outcome.ending.value == "still fails":
        lines.append(f"{target} still fails: {last.verdict.cause} ({last.verdict.code})")
    lines.append(f"For the {remedy.who.value}: {remedy.text}")
    return [*lines, *(f"  {command}" for command in remedy.commands)]
