"""Whether a pod brings a credential for its image at all, by the Secrets that it names."""

from __future__ import annotations

from dataclasses import replace

from towline.diagnosis.plane import CredentialSeen, CredentialState, Plane, PodSeen
from towline.pull.keyring import Keyring, Login


def with_pod(plane: Plane, pod: PodSeen) -> Plane:
    """The facts, with what the pod's Secrets say.

    Where one of them is for the image, its worth is for the registry's records to tell, and only its
    name is added.
    """
    secret = _secret_for(pod)
    if secret:
        return replace(plane, credential=replace(plane.credential, secret=secret))
    return replace(plane, credential=_lacking(pod))


def _secret_for(pod: PodSeen) -> str:
    """The Secret whose credential is tried first; empty when none is for the image."""
    names = Keyring(
        tuple((key, Login(one.name, "")) for one in pod.pull_secrets for key in one.hosts)
    )
    return next((login.username for login in names.lookup(pod.image)), "")


def _lacking(pod: PodSeen) -> CredentialSeen:
    """Why a pod has nothing to show: what is certainly a mistake goes before what may be none."""
    states = {
        CredentialState.MISSING_SECRET: [one for one in pod.pull_secrets if not one.exists],
        CredentialState.UNREADABLE: [one for one in pod.pull_secrets if one.trouble],
        CredentialState.OTHER_HOST: pod.pull_secrets,
    }
    for state, secrets in states.items():
        if secrets:
            return CredentialSeen(state=state, secret=secrets[0].name)
    return CredentialSeen(state=CredentialState.NONE)
