"""`towline push`: an OCI layout or docker archive sent to a registry."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from towline.cli.pull import (
    CaFile,
    Output,
    OutputFormat,
    Password,
    PasswordStdin,
    PlainHttp,
    SkipVerify,
    Username,
    login_from,
)
from towline.cli.pull_remedy import remedy
from towline.cli.transfer_progress import TransferProgress
from towline.problem import Problem

if TYPE_CHECKING:
    from towline.client.push import PushFailed


def push_command(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", exists=True, help="An OCI layout or docker archive.")
    ],
    image: Annotated[str, typer.Argument(metavar="REF", help="[host[:port]/]name[:tag]")],
    *,
    mount_from: Annotated[
        list[str] | None,
        typer.Option("--mount-from", help="A repository that may have the layers already."),
    ] = None,
    username: Username = "",
    password: Password = "",
    password_stdin: PasswordStdin = False,
    skip_verify: SkipVerify = False,
    plain_http: PlainHttp = False,
    ca_file: CaFile = None,
    output: OutputFormat = Output.TEXT,
) -> None:
    """Send an image to a registry: an OCI layout (folder or tar), or what `docker save` wrote.

    Only what the registry does not have is sent. Plain HTTP is spoken to registries on this
    machine's loopback, and to others with --plain-http.

    Example: towline push ./layout 127.0.0.1:5000/team/app:2
    """
    from towline.client.push import PushFailed, PushWish, push_image
    from towline.client.registry_access import RegistryAccess
    from towline.oci.reference import Reference
    from towline.pull.proxy import Proxies

    login = login_from(username, password, from_stdin=password_stdin)
    proxies = Proxies.from_environment(os.environ)
    access = RegistryAccess(login, skip_verify, plain_http, ca_file, proxies)
    wish = PushWish(path, Reference.parse(image), access, tuple(mount_from or ()))
    try:
        with TransferProgress() as progress:
            pushed = push_image(wish, progress)
    except PushFailed as failed:
        helps = _remedy(failed, wish.reference.repository)
        raise Problem("push-failed", cause=str(failed), remedy=helps) from failed
    result = {
        "reference": str(pushed.reference),
        "digest": str(pushed.digest),
        "uploaded": pushed.uploaded,
        "mounted": pushed.mounted,
        "present": pushed.present,
    }
    typer.echo(json.dumps(result) if output is Output.JSON else _text(result))


def _remedy(failed: PushFailed, repository: str) -> str:
    """What helps; pushing makes repositories, but not the namespaces that they are in."""
    if not failed.is_place_unknown:
        return remedy(failed.cause)
    namespace, slash, _ = repository.partition("/")
    if slash:
        return f"create the namespace first: `towline namespace create INSTANCE {namespace}`"
    return f"push into a namespace, like NAMESPACE/{repository}: `towline namespace list INSTANCE`"


def _text(result: dict[str, object]) -> str:
    counts = f"{result['uploaded']} sent, {result['mounted']} mounted, {result['present']} there"
    return f"{result['reference']}\n  digest {result['digest']}\n  blobs  {counts}"
