"""What containerd makes of an image's layers: one folder for each, in overlayfs' form."""

from __future__ import annotations

import contextlib
import hashlib
import json
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from tools.containerd_daemon import Daemon

_NAME = "bench/trees"
_VIEW = "looked-at"


@contextlib.contextmanager
def unpacked(daemon: Daemon, layout: Path, diff_ids: Sequence[str]) -> Iterator[list[Path]]:
    """The layers of an image in an OCI image layout, lowest first; containerd has forgotten them
    afterwards.
    """
    images = (*daemon.ctr, "images")
    with subprocess.Popen(["tar", "-c", "-C", layout, "."], stdout=subprocess.PIPE) as packing:
        importing = [*images, "import", "--base-name", _NAME, "-"]
        _said(importing, stdin=packing.stdout)
    try:
        snapshots = (*daemon.ctr, "snapshots")
        view = [*snapshots, "view", "--mounts", _VIEW, _chain_id(diff_ids)]
        folders = _folders(json.loads(_said(view)))
        # A view belongs to nobody: containerd may have removed it already.
        subprocess.run([*snapshots, "remove", _VIEW], capture_output=True, check=False)
        yield folders
    finally:
        _said([*images, "remove", "--sync", f"{_NAME}:latest"])


def _chain_id(diff_ids: Sequence[str]) -> str:
    """As the OCI image specification has it, "Layer ChainID"."""
    chain = diff_ids[0]
    for diff_id in diff_ids[1:]:
        chain = f"sha256:{hashlib.sha256(f'{chain} {diff_id}'.encode()).hexdigest()}"
    return chain


def _folders(mounts: Sequence[dict[str, object]]) -> list[Path]:
    """Where the layers are: the source of a bind mount, or what an overlay has below it."""
    (only,) = mounts
    if only["Type"] == "bind":
        return [Path(str(only["Source"]))]
    options = only["Options"]
    assert isinstance(options, list)
    lowers = next(option for option in options if option.startswith("lowerdir="))
    return [Path(lower) for lower in reversed(lowers.removeprefix("lowerdir=").split(":"))]


def _said(command: Sequence[str], **more: object) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, **more)  # type: ignore[call-overload]
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr[-2000:]}")
    return str(done.stdout)
