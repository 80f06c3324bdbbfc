"""Whose rights a process has: names looked up in the image's own `/etc/passwd` and `/etc/group`.

The rules are containerd's (`WithUser` and `WithAdditionalGIDs`): a number need not be listed, and
without an entry its group is 0; a name must be listed; the groups that list the user's name are
added.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from towline.linux.system_call import open_below

_LARGEST = 4 * 1024 * 1024
_MAX_ID = 2**31 - 1  # runc's


class UnknownUser(Exception):
    """An image has no such user or group; the text is containerd's."""


@dataclass(frozen=True, slots=True)
class User:
    """Numbers for the kernel."""

    uid: int = 0
    gid: int = 0
    groups: tuple[int, ...] = ()
    """All groups, the first one included."""
    home: str = "/"


@dataclass(frozen=True, slots=True)
class Accounts:
    """The users and groups of an image."""

    passwd: str = ""
    group: str = ""

    @classmethod
    def below(cls, root: Path) -> Accounts:
        """Read the two files of a root filesystem, without ever leaving it."""
        return cls(_text(root, "/etc/passwd"), _text(root, "/etc/group"))

    def find(self, wanted: str) -> User:
        """Resolve `user[:group]`, each a name or a number; raises `UnknownUser`."""
        name, _, group = wanted.partition(":")
        uid, gid, login, home = self._user(name or "0")
        if group:
            gid = self._group(group)
        groups = dict.fromkeys((gid, *self._groups_of(login)))
        return User(uid, gid, tuple(groups), home)

    def _user(self, wanted: str) -> tuple[int, int, str, str]:
        number = _number(wanted)
        for fields in _entries(self.passwd, 4):
            uid, gid = _number(fields[2]), _number(fields[3])
            matches = fields[0] == wanted if number is None else uid == number
            if matches and uid is not None and gid is not None:
                return uid, gid, fields[0], "".join(fields[5:6]) or "/"
        if number is None:
            raise UnknownUser("no users found")
        return number, 0, "", "/"

    def _group(self, wanted: str) -> int:
        number = _number(wanted)
        if number is not None:
            return number
        for fields in _entries(self.group, 3):
            gid = _number(fields[2])
            if fields[0] == wanted and gid is not None:
                return gid
        raise UnknownUser("no groups found")

    def _groups_of(self, login: str) -> Iterator[int]:
        for fields in _entries(self.group, 4):
            gid = _number(fields[2])
            if login and login in fields[3].split(",") and gid is not None:
                yield gid


def chosen_user(asked: str | None, of_image: str) -> str:
    """The words to resolve: the pod's where it has any; its group alone leaves the image's user."""
    if asked is None:
        return of_image
    if asked.startswith(":"):
        return of_image.partition(":")[0] + asked
    return asked


def _entries(text: str, fields: int) -> Iterator[list[str]]:
    for line in text.splitlines():
        entry = line.strip().split(":")
        if len(entry) >= fields and not line.startswith("#"):
            yield entry


def _number(text: str) -> int | None:
    if not text.isascii() or not text.isdigit() or len(text) > 10 or int(text) > _MAX_ID:
        return None
    return int(text)


def _text(root: Path, path: str) -> str:
    """A plain file's content; nothing for what is no plain file, for it may be a trap."""
    try:
        fd = open_below(root, path)
    except OSError:
        return ""
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return ""
        with os.fdopen(fd, "rb", closefd=False) as file:
            return file.read(_LARGEST).decode(errors="replace")
    finally:
        os.close(fd)
