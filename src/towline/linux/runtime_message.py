"""What OCI runtimes say when they refuse, in the words that people search for.

The frame is containerd's, the core runc's. crun says the same with other words, which are
translated where we know them and passed on where we do not.
"""

from __future__ import annotations

import re

_RUNC_LINE = re.compile(r'level=error msg="((?:[^"\\]|\\.)*)"')
_NOT_FOUND = re.compile(r"executable file `(?P<file>.*)` not found in \$PATH")
_NO_WORKING_DIR = re.compile(r"^(?:cannot )?chdir(?: to)? `(?P<dir>.*)`: (?P<why>.*)$")
_TASK = "failed to create containerd task"
_FRAME = f"{_TASK}: failed to create shim task: OCI runtime create failed"
_REFUSED = frozenset({"Permission denied", "Operation not permitted"})
TIMED_OUT = "context deadline exceeded"


def refusal(runtime: str, said: str, program: str) -> str:
    """The text of a container's failed start. `program` is the first word of what it was to run."""
    return f"{_FRAME}: {runtime} create failed: {_core(runtime, said, program)}: unknown"


def exec_refusal(runtime: str, said: str, program: str) -> str:
    """The text when a command cannot be run in a container that runs."""
    core = _core(runtime, said, program).removeprefix("exec failed: ")
    return f"failed to exec in container: OCI runtime exec failed: exec failed: {core}: unknown"


def spec_refusal(container: str, reason: str) -> str:
    """The text when no config can be made for a container."""
    return f'failed to generate container "{container}" spec: failed to generate spec: {reason}'


def root_refusal(reason: str) -> str:
    """The text when a container's files cannot be made."""
    return f"{_TASK}: failed to mount rootfs component: {reason}"


def sub_path_refusal(path: str) -> str:
    """The kubelet's text when a volume does not have what a mount's `subPath` names."""
    return f'failed to prepare subPath for volumeMount "{path}"'


def _core(runtime: str, said: str, program: str) -> str:
    if runtime == "runc":
        match = _RUNC_LINE.search(said)
        text = re.sub(r"\\(.)", r"\1", match[1]) if match else said.strip()
        return text.removeprefix("runc create failed: ")
    text = said.strip().splitlines()[-1] if said.strip() else "no reason given"
    return f"unable to start container process: {_translated(text, program)}"


def _translated(text: str, program: str) -> str:
    if match := _NOT_FOUND.search(text):
        file = match["file"]
        if "/" in file:
            return f'exec: "{file}": stat {file}: no such file or directory'
        return f'exec: "{file}": executable file not found in $PATH'
    reason = text.rpartition(": ")[2]
    if text.startswith("open executable") and reason in _REFUSED:
        return f'exec: "{program}": permission denied'
    if text.startswith("exec") and reason == "Exec format error":
        return f"exec {program}: exec format error"
    return text
