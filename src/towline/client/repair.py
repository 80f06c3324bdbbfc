"""Making a workload's pods get their images: diagnose, plan, ask, do, and look whether it helped.

A pull stops at the first thing that is wrong, so mending one may bring up the next: there are
rounds, and each shows its own plan. A plan that has been carried out already is not shown again: the
kubelet is given time to try, and when that time is over it still fails.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from towline.client.mending import Mender
from towline.client.pod_state import PodState, state_of
from towline.client.step import Step, Tell, make_all
from towline.client.workload import RESOURCES, Workload, found, owner_of, pods_of
from towline.cluster.kubernetes import ApiError, Kubernetes, Object
from towline.cluster.resources import PODS
from towline.diagnosis.facts import Facts
from towline.diagnosis.mend import mend
from towline.diagnosis.mending import FOR_NEW_PODS, Mending, SetImage, Wish
from towline.diagnosis.verdict import Confidence, Verdict
from towline.problem import Problem

_ROUNDS = 6
RECREATE, TAG = "--recreate", "--tag"
GONE = "no-such-pod"
"""How diagnoses say that a pod has been replaced meanwhile."""


class Diagnoses(Protocol):
    """Who knows why a pod does not get its image."""

    async def of_pod(self, namespace: str, name: str) -> tuple[Verdict | None, Facts]:
        """The verdict, None when nothing fails or nothing is known; and what it was made of."""
        ...


class Ending(StrEnum):
    """How an attempt at mending ended."""

    RUNS = "runs"
    """The pod has its images: now, or it had them before."""
    DECLINED = "declined"
    """The plan was shown, and not agreed to."""
    NOT_IN_OUR_HANDS = "not in our hands"
    NEEDS_FLAG = "needs a flag"
    UNKNOWN = "unknown"
    """Nobody can say why it fails."""
    STILL_FAILS = "still fails"


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One verdict, and the steps that were planned for it."""

    pod: str
    verdict: Verdict
    steps: tuple[str, ...] = ()
    needs: frozenset[str] = frozenset()
    """The flags without which nothing of it is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of it all."""

    ending: Ending
    rounds: tuple[Round, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """What may be done, and how that is asked and told."""

    wish: Wish
    flags: frozenset[str] = frozenset()
    """Holds `--recreate` where a pod that nobody makes anew may be deleted and created again."""
    agree: Callable[[Round], bool]
    told: Tell


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to wait, in seconds."""

    first: float = 8.0
    """For a pod that may just have been made to fail or to run."""
    after: float = 330.0
    """For it to run after a change: the kubelet's longest back-off is five minutes."""
    thought: float = 5.0
    """Between two diagnoses meanwhile."""
    pause: float = 0.2
    """Between two looks at the pods."""


@dataclass(frozen=True, slots=True)
class _Judged:
    round: Round | None
    mending: Mending | None
    steps: tuple[Step, ...]


@dataclass(slots=True)
class Repair:
    """Workloads that are to run."""

    kubernetes: Kubernetes
    diagnoses: Diagnoses
    mender: Mender
    permission: Permission
    patience: Patience = Patience()
    _rounds: list[Round] = field(default_factory=list)

    async def run(self, workload: Workload) -> Outcome:
        """Mend what can be mended; raises `Problem` when a step fails, and then undoes its round."""
        workload = await self._made_by(workload)
        judged = await self._watch(workload, self.patience.first, at_once=PodState.FAILING)
        while judged is not None:
            ending = self._hindrance(judged)
            if judged.round is not None:
                self._rounds.append(judged.round)
                if ending is None and not self.permission.agree(judged.round):
                    ending = Ending.DECLINED
            if ending is not None:
                return Outcome(ending=ending, rounds=tuple(self._rounds))
            await make_all(judged.steps, self.permission.told)
            await self._hurry(workload, judged.mending)
            self.permission.told(f"wait for {workload}")
            judged = await self._watch(workload, self.patience.after)
        return Outcome(ending=Ending.RUNS, rounds=tuple(self._rounds))

    async def _made_by(self, workload: Workload) -> Workload:
        """What makes the pod anew, for a pod that something makes; else the workload itself."""
        if not workload.is_bare_pod:
            return workload
        owner = await owner_of(self.kubernetes, await found(self.kubernetes, workload))
        return owner if owner is not None and owner.kind in RESOURCES else workload

    def _hindrance(self, judged: _Judged) -> Ending | None:
        """Why nothing is done."""
        round_ = judged.round
        if round_ is None:
            return Ending.UNKNOWN
        if round_.needs:
            return Ending.NEEDS_FLAG
        if round_.steps and (self._is_tried(round_) or len(self._rounds) == _ROUNDS):
            return Ending.STILL_FAILS
        if not round_.steps:
            return Ending.STILL_FAILS if self._rounds else Ending.NOT_IN_OUR_HANDS
        return None

    def _is_tried(self, round_: Round) -> bool:
        return any(one.steps == round_.steps for one in self._rounds)

    async def _watch(
        self, workload: Workload, seconds: float, at_once: PodState | None = None
    ) -> _Judged | None:
        """What is to be done next; None once the youngest pod has its images."""
        loop = asyncio.get_running_loop()
        end, thought = loop.time() + seconds, loop.time() + self.patience.thought
        beyond_us = ""
        while True:
            pod = await self._youngest(workload)
            state = state_of(pod) if pod is not None else PodState.WAITING
            if state is PodState.HAS_IMAGES:
                return None
            now = loop.time()
            if pod is not None and (now >= min(end, thought) or state is at_once):
                judged = await self._judge(pod)
                if now >= end or state is at_once or self._is_new(judged):
                    return judged
                before, beyond_us = beyond_us, self._beyond_us(judged)
                if beyond_us and beyond_us == before:
                    return judged
                thought = loop.time() + self.patience.thought
            elif now >= end:
                raise _no_pod(workload)
            await asyncio.sleep(self.patience.pause)

    def _is_new(self, judged: _Judged) -> bool:
        """Whether there is something to do that has not been done."""
        round_ = judged.round
        return round_ is not None and bool(round_.steps) and not self._is_tried(round_)

    def _beyond_us(self, judged: _Judged) -> str:
        """The code of another cause than those we mended, which is proved and which nothing of ours
        mends; empty where there is none. Seen twice, there is nothing to wait for.
        """
        round_ = judged.round
        if round_ is None or round_.steps or round_.verdict.confidence is not Confidence.PROVED:
            return ""
        code = round_.verdict.code
        is_mended = any(one.verdict.code == code for one in self._rounds)
        return "" if is_mended or round_.verdict.remedy.retry_helps else code

    async def _judge(self, pod: Object) -> _Judged:
        namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
        verdict, facts = await self._verdict(namespace, name)
        if verdict is None:
            return _Judged(None, None, ())
        mending = mend(verdict, facts, self.permission.wish)
        steps = tuple(await self.mender.steps(mending)) if mending is not None else ()
        round_ = Round(
            pod=f"{namespace}/{name}",
            verdict=verdict,
            steps=tuple(step.text for step in steps),
            needs=self._needs(verdict, mending),
        )
        return _Judged(round_, mending, steps)

    async def _verdict(self, namespace: str, name: str) -> tuple[Verdict | None, Facts]:
        try:
            return await self.diagnoses.of_pod(namespace, name)
        except Problem as problem:
            if problem.code != GONE:
                raise
            return None, Facts()

    def _needs(self, verdict: Verdict, mending: Mending | None) -> frozenset[str]:
        if mending is None:
            lacks_tag = verdict.code == "manifest.tag-unknown" and not self.permission.wish.tag
            return frozenset({TAG} if lacks_tag else ())
        bare = any(
            isinstance(change, FOR_NEW_PODS) and change.owner.startswith("pod/")
            for change in mending.changes
        )
        recreation = frozenset({RECREATE} if bare else ())
        return frozenset(map(str, mending.needs)) | (recreation - self.permission.flags)

    async def _youngest(self, workload: Workload) -> Object | None:
        try:
            pods = await pods_of(self.kubernetes, workload)
        except Problem:
            if self._rounds:  # it is being created anew
                return None
            raise
        failing = [pod for pod in pods if state_of(pod) is not PodState.HAS_IMAGES]
        return next(iter(failing or pods), None)

    async def _hurry(self, workload: Workload, mending: Mending | None) -> None:
        """Pods that others make are made anew at once, instead of at the end of their back-off.

        A Deployment whose template has changed does that by itself.
        """
        changes = mending.changes if mending is not None else ()
        rolls = any(isinstance(change, (*FOR_NEW_PODS, SetImage)) for change in changes)
        for pod in await pods_of(self.kubernetes, workload):
            owner = await owner_of(self.kubernetes, pod)
            if owner is None or (rolls and owner.kind == "deployment"):
                continue
            if state_of(pod) is not PodState.HAS_IMAGES:
                await self._delete(pod)

    async def _delete(self, pod: Object) -> None:
        metadata = pod["metadata"]
        try:
            await self.kubernetes.delete(PODS, metadata["namespace"], metadata["name"])
        except ApiError as error:
            if error.code != 404:
                raise


def _no_pod(workload: Workload) -> Problem:
    return Problem(
        "no-pods",
        cause=f"{workload} in the namespace {workload.namespace} has no pod",
        remedy=f"see why: kubectl -n {workload.namespace} describe {workload.kind} {workload.name}",
    )
