"""The revisions of a Deployment: annotations of its ReplicaSets that `kubectl rollout` reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from towline.cluster.controllers.deployment_wish import DeploymentWish
from towline.cluster.kubernetes import Object

REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MOST = "deployment.kubernetes.io/max-replicas"
_NOT_COPIED = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        "deprecated.deployment.rollback.to",
        REVISION,
        HISTORY,
        DESIRED,
        MOST,
    }
)
_HISTORY_LENGTH = 2000  # characters; older revisions are forgotten first

Annotations = Mapping[str, str]


def annotations_of(thing: Object) -> Annotations:
    """The annotations of an object."""
    return thing["metadata"].get("annotations") or {}


def revision_of(replica_set: Object) -> int:
    """The revision that a ReplicaSet is of; 0 if it does not say."""
    return _number(annotations_of(replica_set).get(REVISION)) or 0


def latest_revision(replica_sets: Iterable[Object]) -> int:
    """The highest revision of them; 0 if there are none."""
    return max(map(revision_of, replica_sets), default=0)


def desired_before(replica_set: Object) -> int | None:
    """How many replicas the Deployment asked for when this set was last sized."""
    return _number(annotations_of(replica_set).get(DESIRED))


def most_before(replica_set: Object) -> int | None:
    """How many pods the Deployment was allowed when this set was last sized."""
    return _number(annotations_of(replica_set).get(MOST))


def size_annotations(wish: DeploymentWish) -> Annotations:
    """What a ReplicaSet remembers of its Deployment's size."""
    return {DESIRED: str(wish.replicas), MOST: str(wish.most)}


def set_annotations(deployment: Object, held: Annotations, revision: int) -> Annotations:
    """The annotations of the newest ReplicaSet: its Deployment's, and its revision.

    A set that becomes the newest again keeps the revisions that it was before.
    """
    copied = {
        name: value for name, value in annotations_of(deployment).items() if name not in _NOT_COPIED
    }
    wanted = {**held, **copied}
    before = _number(held.get(REVISION)) or 0
    if before < revision:
        wanted[REVISION] = str(revision)
        if REVISION in held:
            wanted[HISTORY] = _longer(held.get(HISTORY, ""), held[REVISION])
    return wanted


def _longer(history: str, revision: str) -> str:
    revisions = [one for one in history.split(",") if one] + [revision]
    while len(",".join(revisions)) > _HISTORY_LENGTH:
        del revisions[0]
    return ",".join(revisions)


def _number(text: str | None) -> int | None:
    try:
        return int(text or "")
    except ValueError:
        return None
