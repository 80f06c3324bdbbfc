"""`towline pull`: an image fetched and verified, and with `--to` written out as files."""

from __future__ import annotations

import json
import os
import platform as machine
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from towline.cli.pull_remedy import pull_problem
from towline.cli.transfer_progress import TransferProgress
from towline.problem import Problem
from towline.pull.keyring import Login

if TYPE_CHECKING:
    from towline.pull.flow import PulledImage


class Output(StrEnum):
    """How the result is printed."""

    TEXT = "text"
    JSON = "json"


Username = Annotated[
    str, typer.Option("--username", "-u", help="The user name; default: what is stored.")
]
Password = Annotated[str, typer.Option("--password", "-p", help="The password or token.")]
PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input.")
]
SkipVerify = Annotated[
    bool, typer.Option("--insecure-skip-verify", help="Accept any certificate of the registry.")
]
PlainHttp = Annotated[bool, typer.Option("--plain-http", help="Speak HTTP instead of HTTPS.")]
CaFile = Annotated[
    Path | None, typer.Option("--ca-file", help="Trust this certificate authority as well.")
]
OutputFormat = Annotated[Output, typer.Option("--output", "-o", help="text or json.")]


def pull_command(
    image: Annotated[
        str, typer.Argument(metavar="IMAGE", help="[host[:port]/]name[:tag][@digest]")
    ],
    *,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="DIR", help="Write the image's files here.")
    ] = None,
    platform: Annotated[
        str, typer.Option("--platform", help="os/architecture[/variant]; default: this machine's.")
    ] = "",
    username: Username = "",
    password: Password = "",
    password_stdin: PasswordStdin = False,
    skip_verify: SkipVerify = False,
    plain_http: PlainHttp = False,
    ca_file: CaFile = None,
    output: OutputFormat = Output.TEXT,
) -> None:
    """Fetch an image and verify it; needs neither a cluster nor root.

    With --to its files are written into a new folder. Without, its layers are kept in the cache
    ($XDG_CACHE_HOME/towline/layers), where the next pull finds them.

    Example: towline pull --plain-http 127.0.0.1:5000/team/app:1 --to ./rootfs
    """
    from towline.client.pull import PullWish, pull_to_folder, pull_to_store
    from towline.client.registry_access import RegistryAccess
    from towline.oci.platform import Platform
    from towline.oci.reference import Reference
    from towline.pull.attempt import PullFailed
    from towline.pull.proxy import Proxies

    wanted = Platform.parse(platform) if platform else Platform.of_machine(machine.machine())
    login = login_from(username, password, from_stdin=password_stdin)
    proxies = Proxies.from_environment(os.environ)
    access = RegistryAccess(login, skip_verify, plain_http, ca_file, proxies)
    wish = PullWish(Reference.parse(image), wanted, access)
    skipped: list[str] = []
    try:
        with TransferProgress() as progress:
            if to is None:
                pulled = pull_to_store(wish, cached_layers(), progress)
            else:
                pulled, files = pull_to_folder(wish, to, progress)
                skipped = files.skipped
    except PullFailed as failed:
        raise pull_problem(failed) from failed
    result = _result(pulled, to, skipped)
    typer.echo(json.dumps(result) if output is Output.JSON else _text(result))


def _result(pulled: PulledImage, folder: Path | None, skipped: list[str]) -> dict[str, object]:
    from towline.pull.summary import summarize

    summary = summarize(pulled.attempts, pulled.receipts.values())
    return {
        "reference": str(pulled.reference),
        "digest": str(pulled.digest),
        "size": pulled.size,
        "layers": [str(diff_id) for diff_id in pulled.diff_ids],
        "fetched": summary.fetched,
        "reused": summary.reused,
        "seconds": dict(summary.seconds),
        "stages": {
            str(diff_id): {name: round(value, 3) for name, value in receipt.stages.items()}
            for diff_id, receipt in pulled.receipts.items()
        },
        "folder": str(folder) if folder else None,
        "skipped": skipped,
    }


def _text(result: dict[str, object]) -> str:
    lines = [
        f"{result['reference']}",
        f"  digest {result['digest']}",
        f"  size   {result['size']} bytes: {result['fetched']} fetched, {result['reused']} reused",
        f"  time   {_seconds(result['seconds'])}",
    ]
    if result["folder"]:
        lines.append(f"  files  {result['folder']}")
    skipped = result["skipped"]
    if isinstance(skipped, list) and skipped:
        lines.append(f"  left out, for root only: {', '.join(skipped)}")
    return "\n".join(lines)


def _seconds(seconds: object) -> str:
    assert isinstance(seconds, dict)
    waited = " + ".join(f"{name} {value:.2f}" for name, value in seconds.items() if name != "total")
    return f"{seconds['total']:.2f} s ({waited})"


def login_from(username: str, password: str, *, from_stdin: bool) -> Login | None:
    """The login of the options; None when there is none. Raises `Problem` for half a login."""
    secret = sys.stdin.readline().rstrip("\n") if from_stdin else password
    if not username and not secret:
        return None
    if not username or not secret:
        raise Problem(
            "half-a-login",
            cause="a user name needs a password, and a password a user name",
            remedy="Give --username and --password (or --password-stdin), or neither.",
        )
    return Login(username, secret)


def cached_layers() -> Path:
    """Where layers are kept between pulls."""
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "towline" / "layers"
