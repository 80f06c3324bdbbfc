"""`towline bench …`: measurements that everybody can make on a machine of their own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from towline.cli.pull import (
    Output,
    OutputFormat,
    Password,
    PasswordStdin,
    PlainHttp,
    SkipVerify,
    Username,
    login_from,
)
from towline.problem import Problem

if TYPE_CHECKING:
    from towline.client.pull_contest import Contest, Spent

bench_app = typer.Typer(
    name="bench",
    help="Measurements, on this machine.",
    no_args_is_help=True,
)


@bench_app.callback()
def _bench() -> None:
    """Measurements, on this machine."""


@bench_app.command("pull")
def pull(
    image: Annotated[
        str, typer.Argument(metavar="IMAGE", help="[host[:port]/]name[:tag][@digest]")
    ],
    *,
    runs: Annotated[int, typer.Option("--runs", min=1, help="How often each one pulls.")] = 3,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--with", metavar="NAME", help="Compare with this one; default: all there are."
        ),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option("--in", metavar="DIR", help="Where they keep the image; default: $TMPDIR."),
    ] = None,
    username: Username = "",
    password: Password = "",
    password_stdin: PasswordStdin = False,
    skip_verify: SkipVerify = False,
    plain_http: PlainHttp = False,
    output: OutputFormat = Output.TEXT,
) -> None:
    """Compare `towline pull` with the ctr, podman, skopeo and crane of this machine.

    They take turns, and each begins with nothing every time: an empty folder, and for ctr a
    namespace of its own in the containerd that runs here (which keeps to its own disk, and does not
    fetch again what its other namespaces have). Nothing of it stays, also after Ctrl-C. What is
    shown are medians: seconds from start to end, seconds of CPU, and the peak of memory. skopeo and
    crane only download; the others can start a container afterwards. Put --in on the disk that you
    want to know about: /tmp is memory on some machines.

    Example: towline bench pull docker.io/library/python:3.12 --runs 5 --in /var/tmp
    """
    from towline.client.pull_contest import Contest
    from towline.client.registry_access import RegistryAccess
    from towline.oci.reference import Reference

    login = login_from(username, password, from_stdin=password_stdin)
    access = RegistryAccess(login, skip_verify, plain_http)
    result = _compared(Contest(Reference.parse(image), access, folder), only or [], runs)
    typer.echo(json.dumps(result) if output is Output.JSON else _text(result))


def _compared(contest: Contest, only: list[str], runs: int) -> dict[str, object]:
    from towline.client.pull_contest import contend, medians, ratios
    from towline.client.pull_rival import rivals

    chosen, absent = rivals(contest.reference, contest.access)
    if only:
        _require_known(only, {*chosen, *absent})
        chosen = {name: one for name, one in chosen.items() if name in {"towline", *only}}
        absent = {name: why for name, why in absent.items() if name in only}
    spent, failed = contend(contest, chosen, runs, _tell)
    if "towline" in failed:
        raise Problem(
            "bench-failed",
            cause=f"`towline pull` has not pulled the image: {failed['towline']}",
            remedy=f"See what `towline pull {contest.reference}` says, and mend that first.",
        )
    found = medians(spent)
    return {
        "image": str(contest.reference),
        "runs": runs,
        "medians": found,
        "ratios": ratios(found),
        "notes": {name: one.note for name, one in chosen.items() if one.note},
        "failed": failed,
        "absent": dict(absent),
    }


def _require_known(names: list[str], known: set[str]) -> None:
    for name in names:
        if name not in known:
            raise Problem(
                "unknown-rival",
                cause=f"{name} is not among those that are known here",
                remedy=f"Choose from {', '.join(sorted(known - {'towline'}))}.",
            )


def _tell(name: str, spent: Spent | None) -> None:
    """One run, on standard error: it can take a while."""
    typer.echo(f"{name}: {f'{spent.seconds:.2f} s' if spent else 'failed'}", err=True)


def _text(result: Mapping[str, object]) -> str:
    found, shares, notes = (_table(result[each]) for each in ("medians", "ratios", "notes"))
    head = f"{'':10}{'SECONDS':>9}{'CPU':>8}{'MEMORY':>9}   TOWLINE IS"
    lines = [f"{result['image']}, medians of {result['runs']}", "", head]
    for name, one in found.items():
        assert isinstance(one, dict)
        share = shares.get(f"towline/{name}")
        line = f"{name:10}{one['seconds']:>9.2f}{one['cpu']:>8.2f}{one['rss_mb']:>6.0f} MB"
        line += f"   {share:.2f} of it" if isinstance(share, float) else ""
        lines.append(line + (f"   ({notes[name]})" if name in notes else ""))
    for title in ("failed", "absent"):
        lines += [f"{name:10} {title}: {why}" for name, why in _table(result[title]).items()]
    return "\n".join(lines)


def _table(value: object) -> dict[str, object]:
    assert isinstance(value, dict)
    return value
