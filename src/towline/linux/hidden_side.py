"""A program that does not see one mount: a script that covers it for itself and then becomes the program.

The script stands on the path of every start, so it should be one process: Perl can make system
calls, starts in a millisecond, and belongs to every Debian. Where there is no Perl, or the numbers
of the calls are not known here, a shell has `unshare` and `mount` do it, four processes in a row.

The mount is covered and not taken away: the kernel waits for all processors when a mount goes (a
grace period of RCU), and the program would write into the folder below, which is the host's.

crun makes sure that no container can write to crun's own file, through `/proc/self/exe`: it shows
the file to itself once more, read-only, takes that away again, and begins anew, 4 ms in all. It does
without when it is begun from something read-only and told so (`is_self_cloned` in its
`cloned_binary.c`). So it is begun from such a mount.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

_SHELL = """#!/bin/sh
exec unshare --mount --propagation private /bin/sh -c \\
    'mount -t tmpfs none {hidden} && exec {program} "$@"' {name} "$@"
"""
_PERL = """#!{perl}
my ($none, $root, $memory) = ("none", "/", "tmpfs");
my ($hidden, $program) = ("{hidden}", "{program}");
syscall({unshare}, 0x20000) == 0 or die "unshare: $!\\n";
syscall({mount}, $none, $root, $none, 0x44000, 0) == 0 or die "make mounts private: $!\\n";
syscall({mount}, $memory, $hidden, $memory, 0, 0) == 0 or die "cover $hidden: $!\\n";
syscall({mount}, $program, $program, $none, 0x1000, 0) == 0 or die "show $program: $!\\n";
syscall({mount}, $none, $program, $none, 0x1021, 0) == 0 or die "protect $program: $!\\n";
$ENV{{"_LIBCONTAINER_CLONED_BINARY"}} = "1";
exec {{$program}} $program, @ARGV or die "exec $program: $!\\n";
"""
_CALLS = {
    "x86_64": {"unshare": 272, "mount": 165},
    "aarch64": {"unshare": 97, "mount": 40},
}
"""By machine, from the kernel's tables. The flags are CLONE_NEWNS; MS_REC with MS_PRIVATE; MS_BIND;
and MS_BIND with MS_REMOUNT and MS_RDONLY."""


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
