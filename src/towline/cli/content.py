"""`towline content …`: the layers of images that are kept on this machine."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from towline.cli.render import Output, OutputOption, done, show_rows
from towline.problem import Problem

if TYPE_CHECKING:
    from towline.content.garbage import KeptLayer

content_app = typer.Typer(
    name="content", help="Layers of images that are kept on this machine.", no_args_is_help=True
)

StoreOption = Annotated[
    Path | None,
    typer.Option(
        "--store",
        metavar="DIR",
        help="Where the layers are; default: the installation's, else those that `pull` keeps.",
    ),
]
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}
_SIZE = re.compile(r"(\d{1,15})([kmg]?i?)b?", re.IGNORECASE)
_EMPTY = "There are no layers."


@content_app.command("list")
def list_layers(*, store: StoreOption = None, output: OutputOption = Output.TABLE) -> None:
    """List the layers that are kept, those wanted last at the end.

    Example: towline content list -o json
    """
    from towline.content.shelf import layers_in

    show_rows([_row(layer) for layer in layers_in(_chosen(store))], output, empty=_EMPTY)


@content_app.command("verify")
def verify(
    *,
    store: StoreOption = None,
    remove: Annotated[
        bool, typer.Option("--remove", help="Remove damaged layers; the next pull fetches them.")
    ] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Hash every layer again and say which are not what they should be; fails if there are any.

    It only reads, so pods and pulls may go on meanwhile.

    Example: towline content verify --remove
    """
    from towline.content.shelf import examine, place

    root = _chosen(store)
    examined = list(examine(root))
    rows = [{**_row(one.layer), "damage": one.damage or "none"} for one in examined]
    show_rows(rows, output, empty=_EMPTY)
    damaged = [one.layer.diff_id for one in examined if one.damage]
    if damaged and remove:
        for diff_id in damaged:
            place(root, diff_id).unlink(missing_ok=True)
    elif damaged:
        raise Problem(
            "layers-damaged",
            cause=f"of {len(examined)} layers in {root}, {len(damaged)} are damaged",
            remedy="Remove them with towline content verify --remove, and look at the disk.",
        )


@content_app.command("reclaim")
def reclaim(
    *,
    store: StoreOption = None,
    keep: Annotated[
        str, typer.Option("--keep", metavar="SIZE", help="Leave so much, as in 500MB or 10GiB.")
    ] = "0",
    output: OutputOption = Output.TABLE,
) -> None:
    """Remove downloads that were cut, and then the layers that were not wanted for longest.

    An agent that runs does so by itself, and then its layers are not to be had from outside.

    Example: towline content reclaim --keep 10GiB
    """
    from towline.content.layers import LayerStore

    at_most, root = _bytes(keep), _chosen(store)
    layers = LayerStore(root)
    try:
        sizes = {layer.diff_id: layer.size for layer in layers.kept()}
        gone = layers.reclaim((), at_most)
    finally:
        layers.close()
    freed = sum(sizes[diff_id] for diff_id in gone)
    text = f"Removed {len(gone)} of {len(sizes)} layers, {freed} bytes."
    done(text, output, removed=list(map(str, gone)), bytes=freed)


def _chosen(store: Path | None) -> Path:
    from towline.cli.pull import cached_layers
    from towline.installation.data_directory import chosen

    if store is not None:
        return store
    installed = chosen(os.environ).layers
    return installed if installed.is_dir() else cached_layers()


def _row(layer: KeptLayer) -> dict[str, Any]:
    wanted = datetime.fromtimestamp(layer.wanted_at / 1e9, UTC)
    return {
        "layer": str(layer.diff_id),
        "bytes": layer.size,
        "wantedAt": f"{wanted:%Y-%m-%dT%H:%M:%SZ}",
    }


def _bytes(text: str) -> int:
    found = _SIZE.fullmatch(text.strip())
    unit = found[2].lower() if found else "?"
    if found is None or unit not in _UNITS:
        raise Problem(
            "size-malformed",
            cause=f"{text[:100]!r} is not a size",
            remedy="Write bytes, or a number with a unit: 500MB, 10GiB.",
        )
    return int(found[1]) * _UNITS[unit]
