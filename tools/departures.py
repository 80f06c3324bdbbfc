"""Where others unpack layers by rules of their own: each named, with whose it is, and applied
exactly.

- *The header of a hard link.* containerd (`createTarFile` in its `pkg/archive/tar.go`; Docker has
  the same function) gives a file the owner, mode, time and attributes of every entry that links to
  it, and chown(2) takes the file's capabilities away. GNU tar, umoci and we keep those of the entry
  that has the content.
- *Folders that no entry names.* GNU tar and containerd make them with the time at which they unpack;
  containerd gives them the owner, mode and attributes that the next lower layer has at that path, also
  where a layer between hides it (`mkparent`); we those that a container sees below, and the time; and
  both of us 0755 where there is nothing, containerd's with the group of a folder above that is setgid.
- *Folders below what is no folder.* Where a layer implies a folder and a lower one has something else
  on the way to it, containerd refuses the image ("not a directory", `mkparent` again). For us the
  upper layer's folder takes its place.
- *Whiteouts of nothing.* In a folder that no other layer has, overlayfs lists them as names that lead
  nowhere: so with containerd's folders. We mark such folders (`content/overlay_marks`).
- *Whiteouts in the lowest layer.* They hide nothing; containerd leaves them out, we keep them.
- *Whiteouts.* In overlayfs' form their owner and time mean nothing, and everybody writes others.
  GNU tar does not know them: to it they are files with such names.
"""

from __future__ import annotations

import os
import stat
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from tests.layer_files import GHOST, Facts

from towline.content.tar_index import Kind, Member, TarIndex

Fact = tuple[object, ...]
_TIME, _LINKS, _XATTRS = 4, 7, 8  # where they stand in facts
_HIDING = ("a whiteout",)
_NOTHING: Fact = (stat.S_IFDIR | 0o755, 0, 0, 0, 0, 0, b"", "", ())
_UNNAMED = ("a folder that no entry names",)
_CAPABILITY = "security.capability"
_OPAQUE = "trusted.overlay.opaque"
_ORIGIN = "trusted.overlay.origin"  # ours, on folders with whiteouts; see `content/overlay_marks`


def as_overlay(facts: Facts) -> Facts:
    """What an unpacker without overlayfs' form has, in that form."""
    shown = dict(facts)
    for path in facts:
        folder, slash, name = path.rpartition("/")
        if not name.startswith(".wh."):
            continue
        del shown[path]
        if name != ".wh..wh..opq":
            shown[f"{folder}{slash}{name[4:]}"] = _HIDING
        elif folder:
            fact = shown[folder]
            shown[folder] = (*fact[:_XATTRS], _with(fact[_XATTRS], {_OPAQUE: b"y"}))
    return shown


def takes(data: bytes, lower: Iterable[bytes]) -> bool:
    """Whether containerd takes a layer over these: where in doubt, not."""
    wanted = _Paths.of(data)
    on_the_way = {above for path in wanted.implied for above in _above(path)}
    return all(on_the_way.isdisjoint(_Paths.of(each).no_folders) for each in lower)


@dataclass(frozen=True, slots=True)
class _Paths:
    """What a layer has where."""

    implied: frozenset[str]
    no_folders: frozenset[str]

    @classmethod
    @cache
    def of(cls, data: bytes) -> _Paths:
        """Read it in a tar; a name that is hidden is no folder either."""
        members = _members(data)
        kinds = {_clean(member.path): member.kind for member in members}
        named = {path for path, kind in kinds.items() if kind is Kind.DIRECTORY}
        return cls(
            frozenset(_parents(members) - named),
            frozenset(path.replace(".wh.", "") for path in kinds.keys() - named),
        )


def of_lowest(facts: Facts) -> Facts:
    """A layer with nothing below, as containerd has it: without what hides."""
    return {path: _shown(fact) for path, fact in facts.items() if fact != _HIDING}


def _shown(fact: Fact) -> Fact:
    if fact[0] == _UNNAMED[0]:
        return (*_UNNAMED, "")
    return (*fact[:_XATTRS], _without(fact[_XATTRS], _OPAQUE))


class Departures:
    """Counts where others are different."""

    def __init__(self) -> None:
        self.seen = Counter[str]()

    def of_layer(self, data: bytes) -> LayerRules:
        """What is different in a layer with this tar."""
        return LayerRules(_members(data), self.seen)

    def of_image(self) -> ImageRules:
        """What is different in an image."""
        return ImageRules(self.seen)


class LayerRules:
    """What is different in one layer."""

    def __init__(self, members: Sequence[Member], seen: Counter[str]) -> None:
        self._seen = seen
        self.unnamed = _parents(members) - {
            _clean(member.path) for member in members if member.kind is Kind.DIRECTORY
        }
        self._links = _links(members)

    def settled(self, facts: Facts) -> Facts:
        """Without what nobody promises."""
        return {path: self._settled(path, fact) for path, fact in facts.items()}

    def _settled(self, path: str, fact: Fact) -> Fact:
        if _is_whiteout(fact):
            return _HIDING
        if path in self.unnamed and stat.S_ISDIR(_mode(fact)):
            self._seen["folders that no entry names"] += 1
            return (*_UNNAMED, "opaque" if _OPAQUE in dict(_pairs(fact[_XATTRS])) else "")
        return (*fact[:_XATTRS], _without(fact[_XATTRS], _ORIGIN)) if len(fact) > _XATTRS else fact

    def of_containerd(self, facts: Facts) -> Facts:
        """With the headers of hard links."""
        return facts | dict(self._relinked(facts))

    def _relinked(self, facts: Facts) -> Iterator[tuple[str, Fact]]:
        for path, links in self._links.items():
            fact = before = facts.get(path, _HIDING)
            for link in links:
                fact = _described(fact, link) if len(fact) > _XATTRS else fact
            if fact != before:
                self._seen["headers of hard links"] += 1
                yield path, fact


class ImageRules:
    """What is different in layers over each other, which are added lowest first."""

    def __init__(self, seen: Counter[str]) -> None:
        self._seen = seen
        self._theirs = list[Facts]()
        self._unnamed = dict[str, Fact]()
        self._other = dict[str, tuple[Fact, Fact]]()

    def add(self, rules: LayerRules, facts: Facts, theirs: Facts) -> None:
        """One layer more, with our facts of it, settled, and containerd's."""
        for path, fact in facts.items():
            self._unnamed.pop(path, None)
            self._other.pop(path, None)
            if fact[0] == _UNNAMED[0]:
                self._unnamed[path] = theirs[path]
                if _shape(theirs[path]) != self._copied(path, theirs):
                    sys.exit(f"{path}: {theirs[path]} is not the folder of the next lower layer")
        for path, fact in rules.of_containerd(facts).items():
            if fact != facts[path]:
                self._other[path] = facts[path], fact
        self._theirs.append(theirs)

    def _copied(self, path: str, theirs: Facts) -> Fact:
        """What containerd makes of a folder that is only implied."""
        below = next((facts[path] for facts in reversed(self._theirs) if path in facts), _NOTHING)
        if below is not _NOTHING and stat.S_ISDIR(_mode(below)):
            return _shape(below)
        above = theirs.get(path.rpartition("/")[0], _NOTHING)
        group = above[2] if _mode(above) & stat.S_ISGID else 0
        return (_NOTHING[0], 0, group, ())

    def settled(self, facts: Facts) -> Facts:
        """Without the times of folders that no entry names, and without whiteouts of nothing."""
        shown = {path: fact for path, fact in facts.items() if fact != GHOST}
        self._seen["whiteouts of nothing"] += len(facts) - len(shown)
        return {
            path: (*fact[:_TIME], 0, *fact[_TIME + 1 :]) if path in self._unnamed else fact
            for path, fact in shown.items()
        }

    def of_containerd(self, facts: Facts) -> Facts:
        """With the headers of hard links, and what implied folders were copied from."""
        changed = dict(facts)
        for path, (ours, theirs) in self._other.items():
            fact = facts.get(path)
            if fact is not None and fact[:_LINKS] == ours[:_LINKS]:
                changed[path] = (*theirs[:_LINKS], fact[_LINKS], theirs[_XATTRS])
        for path in self._unnamed.keys() & facts.keys():
            mode, user, group, xattrs = _shape(self._unnamed[path])
            changed[path] = (mode, user, group, *facts[path][3:_XATTRS], xattrs)
            self._seen["folders copied from what is hidden"] += changed[path] != facts[path]
        return changed


def _shape(fact: Fact) -> Fact:
    """A folder's mode, owner and attributes."""
    pairs = _pairs(fact[_XATTRS])
    xattrs = tuple(pair for pair in pairs if not pair[0].startswith("trusted.overlay."))
    return (*fact[:3], xattrs)


def _members(data: bytes) -> Sequence[Member]:
    index = TarIndex()
    index.feed(data)
    index.finish()
    return index.members


def _parents(members: Iterable[Member]) -> set[str]:
    return {above for member in members for above in _above(_clean(member.path))}


def _above(path: str) -> Iterator[str]:
    """The folders that a path leads through."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def _links(members: Iterable[Member]) -> dict[str, list[Member]]:
    """The entries that link to the file at each path, in order."""
    inodes = dict[str, list[Member]]()
    for member in members:
        path = _clean(member.path)
        if member.kind is Kind.HARD_LINK:
            inodes[path] = inodes.get(_clean(member.link), [])
            inodes[path].append(member)
        else:
            inodes[path] = []
    return inodes


def _described(fact: Fact, link: Member) -> Fact:
    """A file's facts after an entry that links to it."""
    mode = _mode(fact)
    if not stat.S_ISLNK(mode):
        mode = stat.S_IFMT(mode) | link.mode
    kept = dict(_pairs(fact[_XATTRS]))
    kept.pop(_CAPABILITY, None)
    kept |= {os.fsdecode(name): value for name, value in (link.xattrs or {}).items()}
    xattrs = tuple(sorted(kept.items()))
    return (mode, link.uid, link.gid, fact[3], link.mtime_ns, *fact[5:_XATTRS], xattrs)


def _with(xattrs: object, more: Mapping[str, bytes]) -> tuple[tuple[str, bytes], ...]:
    return tuple(sorted({**dict(_pairs(xattrs)), **more}.items()))


def _without(xattrs: object, name: str) -> tuple[tuple[str, bytes], ...]:
    return tuple(pair for pair in _pairs(xattrs) if pair[0] != name)


def _pairs(xattrs: object) -> tuple[tuple[str, bytes], ...]:
    assert isinstance(xattrs, tuple)
    return xattrs


def _mode(fact: Fact) -> int:
    mode = fact[0]
    assert isinstance(mode, int)
    return mode


def _is_whiteout(fact: Fact) -> bool:
    return fact == _HIDING or (stat.S_ISCHR(_mode(fact)) and fact[5] == 0)


def _clean(path: bytes) -> str:
    return os.fsdecode(b"/".join(part for part in path.split(b"/") if part not in {b"", b"."}))
