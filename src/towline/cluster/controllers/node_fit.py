"""Whether a pod may run on a node, and if not, why: kube-scheduler's filters, as pure functions.

The reasons are kube-scheduler's words (1.33): people search for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from towline.cluster.kubernetes import Object
from towline.kube.quantity import value
from towline.kube.selector import LabelSelector, Requirement, from_object

NOT_READY, UNREACHABLE = "node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"
NO_SCHEDULE, NO_EXECUTE = "NoSchedule", "NoExecute"

Amounts = Mapping[str, Decimal]
"""How much of each resource: `cpu`, `memory`, …, and `pods`."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why a pod cannot run on a node."""

    reasons: tuple[str, ...]
    is_full: bool = False
    """Whether it could if less ran there."""


def misfit(pod: Object, node: Object, used: Amounts) -> Misfit | None:
    """What keeps a pod off a node; None if nothing does. The first filter that objects speaks."""
    tolerations = pod["spec"].get("tolerations") or ()
    if (node.get("spec") or {}).get("unschedulable"):
        cordon = {"key": "node.kubernetes.io/unschedulable", "effect": NO_SCHEDULE}
        if not _tolerates(tolerations, cordon):
            return Misfit(("node(s) were unschedulable",))
    for taint in taints_of(node):
        if taint.get("effect") in (NO_SCHEDULE, NO_EXECUTE) and not _tolerates(tolerations, taint):
            told = f"{taint.get('key', '')}: {taint.get('value', '')}"
            return Misfit((f"node(s) had untolerated taint {{{told}}}",))
    if not _is_chosen(pod, node):
        return Misfit(("node(s) didn't match Pod's node affinity/selector",))
    lacking = tuple(_lacking(demand_of(pod), node, used))
    return Misfit(lacking, is_full=True) if lacking else None


def taints_of(node: Object) -> tuple[Object, ...]:
    """A node's taints, and the one that follows from its not being ready before anyone set it."""
    held = tuple((node.get("spec") or {}).get("taints") or ())
    implied = taint_by_readiness(node)
    if implied is None or any(one.get("key") == implied["key"] for one in held):
        return held
    return (*held, implied)


def taint_by_readiness(node: Object) -> Object | None:
    """The taint that keeps new pods off a node that is not ready, or not heard of."""
    status = next(
        (one.get("status") for one in _conditions(node) if one.get("type") == "Ready"),
        "False",
    )
    if status == "True":
        return None
    return {"key": UNREACHABLE if status == "Unknown" else NOT_READY, "effect": NO_SCHEDULE}


def demand_of(pod: Object) -> Amounts:
    """What a pod asks of its node: all containers together, or its greediest init container."""
    spec = pod["spec"]
    total = _sum(_requests(one) for one in spec.get("containers") or ())
    for container in spec.get("initContainers") or ():
        for name, amount in _requests(container).items():
            total[name] = max(total.get(name, Decimal()), amount)
    total["pods"] = Decimal(1)
    return total


def no_fit_message(misfits: Sequence[Misfit]) -> str:
    """Why a pod fits nowhere, as kube-scheduler puts it."""
    if not misfits:
        return "no nodes available to schedule pods"
    nodes = len(misfits)
    reasons = _histogram(reason for one in misfits for reason in one.reasons)
    preemption = _histogram(
        "No preemption victims found for incoming pod"
        if one.is_full
        else "Preemption is not helpful for scheduling"
        for one in misfits
    )
    none = f"0/{nodes} nodes are available"
    return f"{none}: {reasons}. preemption: {none}: {preemption}."


def _histogram(reasons: Iterable[str]) -> str:
    counts: dict[str, int] = {}
    for reason in reasons:
        counts[reason] = counts.get(reason, 0) + 1
    return ", ".join(sorted(f"{number} {reason}" for reason, number in counts.items()))


def _tolerates(tolerations: Sequence[Object], taint: Object) -> bool:
    return any(_tolerates_one(one, taint) for one in tolerations)


def _tolerates_one(toleration: Object, taint: Object) -> bool:
    if toleration.get("effect") and toleration["effect"] != taint.get("effect"):
        return False
    if toleration.get("key") and toleration["key"] != taint.get("key"):
        return False
    if toleration.get("operator") == "Exists":
        return True
    same_value = (toleration.get("value") or "") == (taint.get("value") or "")
    return bool(toleration.get("key")) and same_value


def _is_chosen(pod: Object, node: Object) -> bool:
    spec, labels = pod["spec"], node["metadata"].get("labels") or {}
    if not from_object({"matchLabels": spec.get("nodeSelector")}).matches(labels):
        return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if not required:
        return True
    fields = {"metadata.name": node["metadata"]["name"]}
    return any(
        _requires(term.get("matchExpressions")).matches(labels)
        and _requires(term.get("matchFields")).matches(fields)
        for term in required["nodeSelectorTerms"]
        if term.get("matchExpressions") or term.get("matchFields")
    )


def _requires(expressions: Iterable[Object] | None) -> LabelSelector:
    return LabelSelector(
        tuple(
            Requirement(one["key"], one["operator"], tuple(one.get("values") or ()))
            for one in expressions or ()
        )
    )


def _lacking(demand: Amounts, node: Object, used: Amounts) -> Iterator[str]:
    allocatable = (node.get("status") or {}).get("allocatable") or {}
    for name, amount in demand.items():
        if name not in allocatable and name in ("cpu", "memory", "pods", "ephemeral-storage"):
            continue  # a virtual node that does not say how much it has, has enough
        there = value(str(allocatable.get(name, "0")))
        if amount and used.get(name, Decimal()) + amount > there:
            yield "Too many pods" if name == "pods" else f"Insufficient {name}"


def _requests(container: Object) -> dict[str, Decimal]:
    requests = (container.get("resources") or {}).get("requests") or {}
    return {name: value(str(amount)) for name, amount in requests.items()}


def _sum(amounts: Iterable[Amounts]) -> dict[str, Decimal]:
    total: dict[str, Decimal] = {}
    for one in amounts:
        for name, amount in one.items():
            total[name] = total.get(name, Decimal()) + amount
    return total


def _conditions(node: Object) -> list[dict[str, Any]]:
    return list((node.get("status") or {}).get("conditions") or ())
