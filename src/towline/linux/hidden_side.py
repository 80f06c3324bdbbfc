"""A program that does not see one mount: a script that hides it from itself and then becomes the program.

The script stands on the path of every start, so it should be one process: Perl can make system
calls, starts in two milliseconds, and belongs to every Debian. Where there is no Perl, or the numbers
of the calls are not known here, a shell has `unshare` and `umount` do it, four processes in a row.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

_SHELL = """#!/bin/sh
exec unshare --mount --propagation private /bin/sh -c 'umount {hidden}; exec {program} "$@"' {name} "$@"
"""
_PERL = """#!{perl}
my ($none, $root, $hidden) = ("none", "/", "{hidden}");
syscall({unshare}, 0x20000) == 0 or die "unshare: $!\n";
syscall({mount}, $none, $root, $none, 0x44000, 0) == 0 or die "make mounts private: $!\n";
syscall({umount2}, $hidden, 0) == 0 or die "unmount $hidden: $!\n";
exec {{"{program}"}} "{program}", @ARGV or die "exec {program}: $!\n";
"""
_CALLS = {
    "x86_64": {"unshare": 272, "mount": 165, "umount2": 166},
    "aarch64": {"unshare": 97, "mount": 40, "umount2": 39},
}
"""By machine, from the kernel's tables; the flags are CLONE_NEWNS, and MS_REC with MS_PRIVATE."""


def write_script(path: Path, program: Path, hidden: Path) -> Path:
    """Leave a script at `path` that runs `program` without the mount `hidden`; the path."""
    content = _script(program, hidden)
    if not path.exists() or path.read_text() != content:
        beside = path.with_name(f".{path.name}")
        beside.write_text(content)
        beside.chmod(0o755)
        beside.rename(path)
    return path


def _script(program: Path, hidden: Path) -> str:
    perl, calls = shutil.which("perl"), _CALLS.get(os.uname().machine)
    if perl is None or calls is None:
        return _SHELL.format(hidden=hidden, program=program, name=program.name)
    return _PERL.format(perl=perl, hidden=hidden, program=program, **calls)
