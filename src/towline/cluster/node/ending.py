"""Why and until when a pod is being ended."""

from __future__ import annotations

from towline.cluster.node import texts
from towline.cluster.node.pod_status import FINAL, Verdict
from towline.kube.pod import Pod
from towline.kube.timestamp import seconds_of

SHORTEST_GRACE = 2.0  # seconds, pkg/kubelet/kuberuntime: minimumGracePeriodInSeconds


class Ending:
    """The end of one pod, once it has been decided on."""

    def __init__(self, pod: Pod, now: float) -> None:
        self._vanished = False
        self._since: float | None = None
        self.verdict = _told_verdict(pod)
        self.is_final = pod.status.get("phase") in FINAL
        """Whether the pod had come to its end before, so that nothing of it may run."""
        self.consider(pod, now)

    @property
    def has_vanished(self) -> bool:
        """Whether the API has the pod no more."""
        return self._vanished

    @property
    def has_begun(self) -> bool:
        """Whether everything of the pod has to end."""
        return self._since is not None

    def consider(self, pod: Pod, now: float) -> bool:
        """See whether the end has come; true when its deadline passed just now."""
        overdue = self.verdict is None and not self.is_final and _deadline(pod, now) <= now
        if overdue:
            self.verdict = Verdict(texts.DEADLINE_EXCEEDED, texts.DEADLINE_MESSAGE)
        is_deleted = pod.metadata.deletion_timestamp is not None
        if self._since is None and (
            is_deleted or self._vanished or self.verdict is not None or self.is_final
        ):
            self._since = now
        return overdue

    def vanish(self, now: float) -> None:
        """The API has the pod no more."""
        self._vanished = True
        if self._since is None:
            self._since = now

    def deadline(self, pod: Pod) -> float | None:
        """When the pod's time is up, as long as that is not decided."""
        if self.has_begun or pod.spec.active_deadline_seconds is None:
            return None
        return _deadline(pod, 0.0)

    def grace(self, pod: Pod, now: float) -> float:
        """Seconds that a container still has to end by itself."""
        given = pod.metadata.deletion_grace_period_seconds
        if given is None:
            given = pod.spec.termination_grace_period_seconds
        since = now if self._since is None else self._since
        return max(since + given - now, SHORTEST_GRACE)


def _deadline(pod: Pod, now: float) -> float:
    """A pod's time counts from when its node first saw it."""
    seconds, began = pod.spec.active_deadline_seconds, pod.status.get("startTime")
    if seconds is None:
        return float("inf")
    return (seconds_of(began) if began else now) + seconds


def _told_verdict(pod: Pod) -> Verdict | None:
    """What an earlier process had decided."""
    if pod.status.get("reason") == texts.DEADLINE_EXCEEDED:
        return Verdict(texts.DEADLINE_EXCEEDED, pod.status.get("message", ""))
    return None
