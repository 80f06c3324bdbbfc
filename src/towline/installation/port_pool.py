"""Ports for the APIs of the clusters beside the installation's own.

The cluster's record remembers its port; the pool sees to it that of two clusters which are started
at the same moment neither is given the other's, before anybody listens there.
"""

from __future__ import annotations

from collections.abc import Iterable

from towline.installation.door import free_port


class PortPool:
    """The ports that one process has given out."""

    def __init__(self, first: int, taken: Iterable[int]) -> None:
        """Ports from `first` on; none of the `taken`, which belong to others."""
        self._first = first
        self._taken = frozenset(taken)
        self._given: dict[str, int] = {}

    def take(self, owner: str, before: int) -> int:
        """A port for somebody: the one that they had before, if it is free."""
        others = {port for one, port in self._given.items() if one != owner}
        port = free_port(before or self._first, self._taken | others)
        self._given[owner] = port
        return port

    def give_back(self, owner: str) -> None:
        """Nobody listens there any more."""
        self._given.pop(owner, None)
