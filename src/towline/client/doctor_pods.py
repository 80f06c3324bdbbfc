"""Which pods of a cluster do not get their images, and why, as far as one may see."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from towline.client.finding import Finding, Report, Severity
from towline.client.pod_state import PodState, PullTrouble, state_of, troubles
from towline.client.repair import Diagnoses
from towline.client.workload import owner_of
from towline.cluster.kubernetes import ApiError, Kubernetes, Object, Resource
from towline.cluster.resources import EVENTS, PODS, SECRETS
from towline.diagnosis.facts import Facts
from towline.diagnosis.verdict import Confidence, Verdict
from towline.probe.here import HERE
from towline.problem import Problem

_AT_ONCE = 4  # pods that are probed at the same time
_SCHEDULED = "PodScheduled"
_NEEDED: Mapping[Resource, str] = {
    EVENTS: "what the runtimes said of failed pulls stands in events",
    SECRETS: "whether a pull Secret is there and fits stands in Secrets",
}
_FORBIDDEN = frozenset({401, 403})


@dataclass(frozen=True, slots=True)
class _Seen:
    pod: Object
    owner: str
    verdict: Verdict | None
    trouble: PullTrouble | None
    from_outside: bool
    """Its registry was looked at from elsewhere than the pod's own network."""


@dataclass(frozen=True, slots=True)
class PodDoctor:
    """Looks at all pods, or at those of one namespace."""

    kubernetes: Kubernetes
    diagnoses: Diagnoses
    namespace: str = ""

    async def report(self) -> Report:
        """The findings; raises `ApiError` when there is no seeing any pod."""
        pods = (await self.kubernetes.list(PODS, self.namespace)).items
        waiting = [pod for pod in pods if _is_waiting_for_images(pod)]
        gate = asyncio.Semaphore(_AT_ONCE)
        async with asyncio.TaskGroup() as tasks:
            looking = [tasks.create_task(self._look(pod, gate)) for pod in waiting]
        seen = [one.result() for one in looking]
        return Report(tuple(_grouped(seen)), (*_outside(seen), *await self._unseen()))

    async def _look(self, pod: Object, gate: asyncio.Semaphore) -> _Seen:
        metadata = pod["metadata"]
        async with gate:
            try:
                found = await self.diagnoses.of_pod(metadata["namespace"], metadata["name"])
                verdict, facts = found
            except (Problem, ApiError):
                verdict, facts = None, Facts()
            owner = await self._owner(pod)
        outside = facts.seen is not None and facts.seen.vantage == HERE
        return _Seen(pod, owner, verdict, next(iter(troubles(pod)), None), outside)

    async def _owner(self, pod: Object) -> str:
        """What made the pod, as far as one may see; else the pod."""
        try:
            owner = await owner_of(self.kubernetes, pod)
        except ApiError:
            owner = None
        return str(owner) if owner is not None else f"pod/{pod['metadata']['name']}"

    async def _unseen(self) -> list[str]:
        found = list[str]()
        for resource, why in _NEEDED.items():
            try:
                await self.kubernetes.list(
                    resource, self.namespace, selectors={"fieldSelector": "metadata.name=none"}
                )
            except ApiError as error:
                if error.code not in _FORBIDDEN:
                    raise
                where = f"in {self.namespace}" if self.namespace else "in all namespaces"
                found.append(f"{resource.plural} may not be read {where}: {why}")
        return found


def _outside(seen: Iterable[_Seen]) -> list[str]:
    """That some pods could not be looked at from where they are."""
    names = sorted(one.pod["metadata"]["name"] for one in seen if one.from_outside)
    if not names:
        return []
    why = "no node answers for them, so that their registries were looked at from here"
    return [f"the networks of the pods {', '.join(names)}: {why}"]


def _is_waiting_for_images(pod: Object) -> bool:
    if state_of(pod) is PodState.FAILING:
        return True
    conditions = (pod.get("status") or {}).get("conditions") or ()
    scheduled = any(one["type"] == _SCHEDULED and one["status"] == "True" for one in conditions)
    return state_of(pod) is PodState.WAITING and scheduled


def _grouped(seen: Iterable[_Seen]) -> list[Finding]:
    """One finding for all pods of a workload that fail alike."""
    groups = dict[tuple[str, str, str], list[_Seen]]()
    for one in seen:
        if one.verdict is not None or one.trouble is not None:
            code = one.verdict.code if one.verdict else ""
            key = one.pod["metadata"]["namespace"], one.owner, code
            groups.setdefault(key, []).append(one)
    return [_finding(*key[:2], same) for key, same in groups.items()]


def _finding(namespace: str, owner: str, same: list[_Seen]) -> Finding:
    verdict, trouble = same[0].verdict, same[0].trouble
    about = f"{owner} in {namespace}"
    about += f" ({len(same)} pods)" if len(same) > 1 else ""
    if verdict is None:
        assert trouble is not None, "one of the two is why it is here"
        return Finding(
            severity=Severity.CRITICAL,
            code="pull-failing",
            about=about,
            cause=f"the container {trouble.container} waits for its image: {trouble.reason}",
            evidence=(trouble.message,) if trouble.message else (),
            remedy="see what its events say",
            commands=(f"kubectl -n {namespace} describe {owner.replace('/', ' ')}",),
        )
    remedy, sure = verdict.remedy, verdict.confidence is not Confidence.ONE_OF
    others = "" if sure else f" (or: {', '.join(verdict.alternatives)})"
    return Finding(
        severity=Severity.CRITICAL,
        code=verdict.code,
        about=about,
        cause=f"{verdict.cause}{others}",
        evidence=verdict.evidence,
        remedy=f"{remedy.text} ({remedy.who.value})",
        commands=(*remedy.commands, f"towline fix {owner} -n {namespace}"),
    )
