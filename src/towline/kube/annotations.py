"""The annotations that change how a pod is made, and where they have to stand to work.

They are read from the pod, once, when it is created. On a workload they do nothing: they belong in
its pod template.
"""

from __future__ import annotations

from collections.abc import Mapping

PREFIX = "eks.tke.cloud.tencent.com/"
REGISTRY_INSECURE_SKIP_VERIFY = f"{PREFIX}registry-insecure-skip-verify"
REGISTRY_HTTP_ENDPOINT = f"{PREFIX}registry-http-endpoint"
SECURITY_GROUP_ID = f"{PREFIX}security-group-id"
EIP_ATTRIBUTES = f"{PREFIX}eip-attributes"
EIP_ID_LIST = f"{PREFIX}eip-id-list"
EIP_INJECTION = f"{PREFIX}eip-injection"
EIP_CLAIM_DELETE_POLICY = f"{PREFIX}eip-claim-delete-policy"
RESOLV_CONF = f"{PREFIX}resolv-conf"
REGISTRY_CERTIFICATE = "towline.dev/registry-certificate-sha256"
"""The only certificate that a registry may show: `HOST=<SHA-256 in hex>[,…]`. Ours, not the cloud's."""
REGISTRY_PROXY = "towline.dev/registry-proxy"
"""The HTTP proxy through which a pod's images are pulled: `http[s]://[user:password@]host[:port]`."""
REGISTRY_NO_PROXY = "towline.dev/registry-no-proxy"
"""Who is reached without it, as in the variable NO_PROXY."""
IMAGE_GC_HIGH_THRESHOLD = f"{PREFIX}image-gc-high-threshold"
"""Percent of the disk in use at which layers that no pod uses are removed."""
IMAGE_GC_LOW_THRESHOLD = f"{PREFIX}image-gc-low-threshold"
"""Percent of the disk in use below which that ends."""
IMAGE_GC_PERIOD = f"{PREFIX}image-gc-period"
"""How often that is looked at, as in `3m`."""
USE_IMAGE_CACHE = f"{PREFIX}use-image-cache"
"""Which image cache a pod wants: `auto`, or the id of one."""
LAZY = "towline.dev/lazy"
"""Whether a pod may start before its images are whole: `auto`, which is the default, or `off`. Ours."""
LAZY_OFF = "off"
LAZY_WORDS = frozenset({"auto", LAZY_OFF})
AVAILABLE_IP_COUNT = f"{PREFIX}available-ip-count"
"""A label of a node: how many pods its subnet has addresses for."""
RELEASE_CREDENTIAL = "towline.dev/release-credential"
"""On a Namespace: the instance whose pull credential is released into it."""

REGISTRY_ANNOTATIONS = frozenset(
    {REGISTRY_INSECURE_SKIP_VERIFY, REGISTRY_HTTP_ENDPOINT, REGISTRY_CERTIFICATE}
)
PROXY_ANNOTATIONS = frozenset({REGISTRY_PROXY, REGISTRY_NO_PROXY})
NETWORK_ANNOTATIONS = frozenset(
    {
        SECURITY_GROUP_ID,
        EIP_ATTRIBUTES,
        EIP_ID_LIST,
        EIP_INJECTION,
        EIP_CLAIM_DELETE_POLICY,
        RESOLV_CONF,
    }
)
STORAGE_ANNOTATIONS = frozenset(
    {IMAGE_GC_HIGH_THRESHOLD, IMAGE_GC_LOW_THRESHOLD, IMAGE_GC_PERIOD, USE_IMAGE_CACHE, LAZY}
)
POD_ANNOTATIONS = (
    REGISTRY_ANNOTATIONS | PROXY_ANNOTATIONS | NETWORK_ANNOTATIONS | STORAGE_ANNOTATIONS
)


def may_be_lazy(annotations: Mapping[str, str]) -> bool:
    """Whether a pod may start before its images are whole; what makes no sense is as if unsaid."""
    return annotations.get(LAZY, "").strip() != LAZY_OFF


def misplaced(workload: Mapping[str, str], template: Mapping[str, str]) -> tuple[str, ...]:
    """Pod annotations that stand on a workload and not on its pod template, in order."""
    return tuple(sorted(POD_ANNOTATIONS & workload.keys() - template.keys()))


def misplaced_warning(name: str) -> str:
    """What `kubectl apply` prints of one misplaced annotation."""
    return (
        f"metadata.annotations[{name}]: has no effect here; "
        f"set it in spec.template.metadata.annotations, where the pods get it from"
    )
