"""How much of each node is taken by the pods on it, and by those that are about to be."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

from towline.cluster.controllers.node_fit import Amounts, demand_of
from towline.cluster.kubernetes import Object
from towline.cluster.reflector import Reflector

_NOTHING: Mapping[str, Decimal] = MappingProxyType({})


class Occupancy:
    """Follows a copy of the pods. What is about to be bound is counted from the decision on."""

    def __init__(self, pods: Reflector) -> None:
        self._on: dict[str, tuple[str, Amounts]] = {}  # uid → node, demand
        self._used: dict[str, dict[str, Decimal]] = {}
        pods.listen(self._changed)

    def used(self, node: str) -> Amounts:
        """What is taken of a node."""
        return self._used.get(node, _NOTHING)

    def take(self, pod: Object, node: str) -> None:
        """Count a pod that is being bound."""
        self.leave(pod)
        demand = demand_of(pod)
        self._on[pod["metadata"]["uid"]] = node, demand
        self._add(node, demand, 1)

    def leave(self, pod: Object) -> None:
        """Count a pod no more."""
        held = self._on.pop(pod["metadata"]["uid"], None)
        if held:
            self._add(*held, -1)

    def _add(self, node: str, demand: Amounts, sign: int) -> None:
        used = self._used.setdefault(node, {})
        for name, amount in demand.items():
            used[name] = used.get(name, Decimal()) + sign * amount
        if not used.get("pods"):
            del self._used[node]

    def _changed(self, before: Object | None, after: Object | None) -> None:
        if before and (after is None or after["metadata"]["uid"] != before["metadata"]["uid"]):
            self.leave(before)
        if after is None:
            return
        node = after["spec"].get("nodeName")
        if (after.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
            self.leave(after)
        elif node and self._on.get(after["metadata"]["uid"], ("",))[0] != node:
            self.take(after, node)
