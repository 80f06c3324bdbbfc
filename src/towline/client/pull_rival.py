"""The programs of this machine that pull images, each as it is called to begin with nothing.

All that they keep is in a folder that is given to them, but for `ctr`: it only asks the containerd
that runs here, which is given a namespace of its own, emptied and removed afterwards.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import secrets
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from towline.client.registry_access import RegistryAccess, is_loopback
from towline.oci.reference import Reference
from towline.pull.keyring import Login

LOGIN_FILE = "config.json"
_DEFAULT_SOCKET = "/run/containerd/containerd.sock"
_ANSWER_TIME = 10.0


class Rival(Protocol):
    """Somebody who pulls."""

    @property
    def note(self) -> str:
        """What is different about it; empty where nothing is."""
        ...

    @property
    def server(self) -> int | None:
        """The process that works for it, if its own does not."""
        ...

    def command(self, folder: Path) -> Sequence[str]:
        """Pull the image, and keep everything in this folder."""
        ...

    def clean(self) -> None:
        """Remove what is not in the folder."""
        ...


@dataclass(frozen=True, slots=True)
class Program:
    """One that does all by itself; `{folder}` in its arguments is where it works."""

    arguments: tuple[str, ...]
    note: str = ""
    server: int | None = None

    def command(self, folder: Path) -> Sequence[str]:
        """See `Rival`."""
        return [each.replace("{folder}", str(folder)) for each in self.arguments]

    def clean(self) -> None:
        """See `Rival`."""


@dataclass(frozen=True, slots=True)
class Containerd:
    """The containerd of this machine, asked by `ctr`."""

    ctr: str
    image: str
    options: tuple[str, ...]
    server: int | None
    note: str = "containerd's time and memory counted"
    _namespace: str = field(default_factory=lambda: f"towline-bench-{secrets.token_hex(4)}")

    def command(self, folder: Path) -> Sequence[str]:
        """See `Rival`."""
        del folder
        return [self.ctr, "-n", self._namespace, "images", "pull", *self.options, self.image]

    def clean(self) -> None:
        """See `Rival`. The images go first, at once; a namespace with something in it stays."""
        self._said("images", "rm", "--sync", self.image)
        leases = self._said("leases", "ls", "-q").split()
        if leases:
            self._said("leases", "rm", "--sync", *leases)
        for kind in ("snapshots", "content"):
            for line in self._said(kind, "ls").splitlines()[1:]:
                self._said(kind, "rm", line.split()[0])
        self._said("namespaces", "rm", self._namespace)

    def _said(self, *words: str) -> str:
        command = [self.ctr, "-n", self._namespace, *words]
        # In a session of its own: whoever interrupts us wants this to be done all the same.
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, start_new_session=True
        )
        return done.stdout


def rivals(
    reference: Reference, access: RegistryAccess
) -> tuple[Mapping[str, Rival], Mapping[str, str]]:
    """Who can pull this image here, by name; and why the others cannot."""
    image, anyway = str(reference), access.plain_http or access.skip_verify
    loose = anyway or is_loopback(reference.domain)
    found: dict[str, Rival] = {"towline": Program(_own(image, access))}
    absent = dict[str, str]()
    quick = "only downloads: unpacks nothing"
    login = ("--authfile", f"{{folder}}/{LOGIN_FILE}") if access.login else ()
    store = ("--root", "{folder}/root", "--runroot", "{folder}/run")
    flag = f"tls-verify={str(not loose).lower()}"
    for name, arguments, note in (
        ("podman", (*store, "pull", "-q", f"--{flag}", *login, image), ""),
        ("skopeo", ("copy", "-q", f"--src-{flag}", *login, f"docker://{image}",
                    "dir:{folder}/image"), quick),
        ("crane", ("pull", *(("--insecure",) if loose else ()), image, "{folder}/image.tar"), quick),
    ):  # fmt: skip
        path = shutil.which(name)
        if path:
            found[name] = Program((path, *arguments), note)
        else:
            absent[name] = "it is not installed"
    _add_containerd(image, access, found, absent)
    return found, absent


def write_login(login: Login | None, reference: Reference, folder: Path) -> None:
    """Give podman, skopeo and crane the login in a file: what stands on a command line, everybody
    sees.
    """
    if login is None:
        return
    pair = base64.b64encode(f"{login.username}:{login.password}".encode()).decode()
    content = {"auths": {reference.domain: {"auth": pair}}}
    file = os.open(folder / LOGIN_FILE, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(file, "w") as out:
        json.dump(content, out)


def _own(image: str, access: RegistryAccess) -> tuple[str, ...]:
    options = [
        *(["--plain-http"] if access.plain_http else []),
        *(["--insecure-skip-verify"] if access.skip_verify else []),
        *(["--username", access.login.username, "--password-stdin"] if access.login else []),
    ]
    return (sys.executable, "-m", "towline", "pull", *options, image)


def _add_containerd(
    image: str, access: RegistryAccess, found: dict[str, Rival], absent: dict[str, str]
) -> None:
    path, address = shutil.which("ctr"), os.environ.get("CONTAINERD_ADDRESS", _DEFAULT_SOCKET)
    if path is None:
        absent["ctr"] = "it is not installed"
    elif access.login:
        absent["ctr"] = "it takes a password only on its command line, where everybody sees it"
    elif (server := _listener(address)) is None:
        absent["ctr"] = f"no containerd answers at {address}, or not to this user"
    else:
        flags = (("--plain-http", access.plain_http), ("--skip-verify", access.skip_verify))
        options = tuple(name for name, wanted in flags if wanted)
        found["ctr"] = Containerd(path, image, options, server)


def _listener(address: str) -> int | None:
    """The process behind a socket; None when nobody lets us in."""
    with socket.socket(socket.AF_UNIX) as line, contextlib.suppress(OSError):
        line.settimeout(_ANSWER_TIME)
        line.connect(address)
        who = line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        pid: int = struct.unpack("3i", who)[0]
        return pid
    return None
