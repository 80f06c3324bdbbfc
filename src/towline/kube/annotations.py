"""The annotations that change how a pod is made, and where they have to stand to work.

They are read from the pod, once, when it is created. On a workload they do nothing: they belong in
its pod template.
"""

from __future__ import annotations

from collections.abc import Mapping

PREFIX = "eks.tke.cloud.tencent.com/"
REGISTRY_INSECURE_SKIP_VERIFY = f"{PREFIX}registry-insecure-skip-verify"
REGISTRY_HTTP_ENDPOINT = f"{PREFIX}registry-http-endpoint"
RELEASE_CREDENTIAL = "towline.dev/release-credential"
"""On a Namespace: the instance whose pull credential is released into it."""

POD_ANNOTATIONS = frozenset({REGISTRY_INSECURE_SKIP_VERIFY, REGISTRY_HTTP_ENDPOINT})


def misplaced(workload: Mapping[str, str], template: Mapping[str, str]) -> tuple[str, ...]:
    """Pod annotations that stand on a workload and not on its pod template, in order."""
    return tuple(sorted(POD_ANNOTATIONS & workload.keys() - template.keys()))


def misplaced_warning(name: str) -> str:
    """What `kubectl apply` prints of one misplaced annotation."""
    return (
        f"metadata.annotations[{name}]: has no effect here; "
        f"set it in spec.template.metadata.annotations, where the pods get it from"
    )
