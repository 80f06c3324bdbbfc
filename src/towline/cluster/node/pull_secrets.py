"""The credentials of a pod for its images: its pull Secrets, read anew at each attempt.

The kubelet's `getPullSecretsForPod`: in the order in which the pod names them, from the pod's own
namespace. A Secret that is missing is reported, and the pull is tried nevertheless.
"""

from __future__ import annotations

from dataclasses import dataclass

from towline.cluster.kubernetes import ApiError, Kubernetes
from towline.cluster.resources import SECRETS
from towline.kube.pod import Pod
from towline.kube.secret import secret_data
from towline.pull.keyring import Keyring


@dataclass(frozen=True, slots=True)
class PullSecrets:
    """What the Secrets gave, and the names of those that could not be read."""

    keyring: Keyring
    missing: tuple[str, ...]


async def pull_secrets(kubernetes: Kubernetes, pod: Pod) -> PullSecrets:
    """Read them; raises `InvalidDockerConfig` when one is broken, which fails every pull."""
    keyring, missing = Keyring(), []
    for reference in pod.spec.image_pull_secrets:
        if not reference.name:
            continue
        try:
            secret = await kubernetes.get(SECRETS, pod.metadata.namespace, reference.name)
        except ApiError:
            missing.append(reference.name)
            continue
        found = Keyring.from_secret(secret.get("type", ""), secret_data(secret))
        keyring = keyring.joined(found)
    return PullSecrets(keyring, tuple(missing))
