"""One kubeconfig laid into another, as `kubectl config` would have it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from towline.problem import Problem

_LISTS = ("clusters", "users", "contexts")


def merge(path: Path, kubeconfig: str) -> str:
    """Add what a kubeconfig names to the file, and make its context the current one; answers the
    context's name. Entries of the same names are replaced, others stay. Raises `Problem`.
    """
    ours: dict[str, Any] = yaml.safe_load(kubeconfig)
    held = _read(path)
    for section in _LISTS:
        names = {one["name"] for one in ours[section]}
        kept = [one for one in held.get(section) or [] if one.get("name") not in names]
        held[section] = [*kept, *ours[section]]
    held |= {key: ours[key] for key in ("apiVersion", "kind", "current-context")}
    _write(path, yaml.safe_dump(held, sort_keys=False))
    return str(ours["current-context"])


def _read(path: Path) -> dict[str, Any]:
    try:
        held = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise _unusable(path, str(error)) from error
    if not isinstance(held, dict) and held is not None:
        raise _unusable(path, "it is not a mapping")
    return dict(held or {})


def _write(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.towline")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.unlink(missing_ok=True)
        beside.touch(mode=0o600)
        beside.write_text(text)
        beside.replace(path)
    except OSError as error:
        raise _unusable(path, str(error)) from error


def _unusable(path: Path, because: str) -> Problem:
    return Problem(
        "kubeconfig-unusable",
        cause=f"{path} cannot be merged into: {because}",
        remedy="name another file, or leave --merge out to have the kubeconfig printed",
    )
