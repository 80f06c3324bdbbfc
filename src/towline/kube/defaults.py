"""What the API server fills in, as Go's `SetDefaults_*` functions do.

Fields that Go keeps without `omitempty` (`resources`, `securityContext`, `status`) appear even when empty, so
that kubectl's three-way merges see what they would see of the real server.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from towline.kube.quantity import value

Object = dict[str, Any]

SYSTEM_TOLERATIONS = tuple(
    {
        "key": f"node.kubernetes.io/{condition}",
        "operator": "Exists",
        "effect": "NoExecute",
        "tolerationSeconds": 300,
    }
    for condition in ("not-ready", "unreachable")
)


def apply(kind: str, item: Object) -> None:
    """Fill in the defaults of a kind, in place."""
    filler = _FILLERS.get(kind)
    if filler is not None:
        filler(item)


def _fill(held: Object, **defaults: Any) -> None:
    """Set what is absent or, in Go's eyes, unset."""
    for key, default in defaults.items():
        if held.get(key) is None or held[key] == "":
            held[key] = default


def _pod(pod: Object) -> None:
    spec = pod.setdefault("spec", {})
    pod_spec(spec)
    _fill(spec, enableServiceLinks=True)
    for container in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ())):
        _request_what_is_allowed(container["resources"])
    _fill(pod.setdefault("status", {}), phase="Pending", qosClass=quality(spec))


def pod_spec(spec: Object) -> None:
    """What a pod and a pod template have in common."""
    for group in ("initContainers", "containers", "ephemeralContainers"):
        for container in spec.get(group) or ():
            _container(container)
    for volume in spec.get("volumes") or ():
        _volume(volume)
    _fill(
        spec,
        restartPolicy="Always",
        terminationGracePeriodSeconds=30,
        dnsPolicy="ClusterFirst",
        securityContext={},
        schedulerName="default-scheduler",
    )
    if spec.get("serviceAccountName"):
        spec["serviceAccount"] = spec["serviceAccountName"]
    elif spec.get("serviceAccount"):
        spec["serviceAccountName"] = spec["serviceAccount"]


def pull_policy(image: str) -> str:
    """`Always` for what may move: no tag, or `latest`, and no digest."""
    if "@" in image:
        return "IfNotPresent"
    tag = image.rpartition("/")[2].partition(":")[2]
    return "Always" if tag in ("", "latest") else "IfNotPresent"


def _container(container: Object) -> None:
    _fill(
        container,
        resources={},
        terminationMessagePath="/dev/termination-log",
        terminationMessagePolicy="File",
        imagePullPolicy=pull_policy(container.get("image", "")),
    )
    for port in container.get("ports") or ():
        _fill(port, protocol="TCP")
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if container.get(name):
            _probe(container[name])
    for variable in container.get("env") or ():
        field = (variable.get("valueFrom") or {}).get("fieldRef")
        if field is not None:
            _fill(field, apiVersion="v1")


def _request_what_is_allowed(resources: Object) -> None:
    """A limit without a request is one; of a pod alone, not of a template (`SetDefaults_Pod`)."""
    limits = resources.get("limits") or {}
    if limits:
        resources["requests"] = {**limits, **(resources.get("requests") or {})}


def _probe(probe: Object) -> None:
    for name in ("timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"):
        if not probe.get(name):
            probe[name] = {
                "timeoutSeconds": 1,
                "periodSeconds": 10,
                "successThreshold": 1,
                "failureThreshold": 3,
            }[name]
    if probe.get("httpGet"):
        _fill(probe["httpGet"], path="/", scheme="HTTP")
    if probe.get("grpc"):
        probe["grpc"].setdefault("service", "")


def _volume(volume: Object) -> None:
    for source in ("secret", "configMap", "projected", "downwardAPI"):
        if volume.get(source) is not None:
            _fill(volume[source], defaultMode=0o644)
    if volume.get("hostPath") is not None:
        volume["hostPath"].setdefault("type", "")
    if volume.keys() == {"name"}:
        volume["emptyDir"] = {}


def quality(spec: Mapping[str, Any]) -> str:
    """The quality-of-service class that follows from requests and limits (`ComputePodQOS`)."""
    containers = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    asked = [_computing(one.get("resources") or {}) for one in containers]
    if not any(limits or requests for limits, requests in asked):
        return "BestEffort"
    if all(len(limits) == 2 and requests == limits for limits, requests in asked):
        return "Guaranteed"
    return "Burstable"


def _computing(resources: Mapping[str, Any]) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
    """Limits and requests of processor and memory, as far as they are more than nothing."""
    limits, requests = (
        {
            name: amount
            for name in ("cpu", "memory")
            if (amount := value(str((resources.get(part) or {}).get(name, 0)))) > 0
        }
        for part in ("limits", "requests")
    )
    return limits, requests


def _template(workload: Object) -> Object:
    spec: Object = workload.setdefault("spec", {})
    template = spec.setdefault("template", {})
    template.setdefault("metadata", {})
    pod_spec(template.setdefault("spec", {}))
    workload.setdefault("status", {})
    return spec


def _deployment(deployment: Object) -> None:
    spec = _template(deployment)
    _fill(
        spec,
        replicas=1,
        strategy={},
        revisionHistoryLimit=10,
        progressDeadlineSeconds=600,
    )
    strategy = spec["strategy"]
    _fill(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        _fill(strategy, rollingUpdate={})
        _fill(strategy["rollingUpdate"], maxUnavailable="25%", maxSurge="25%")


def _replica_set(replica_set: Object) -> None:
    _fill(_template(replica_set), replicas=1)
    _fill(replica_set["status"], replicas=0)


def _secret(secret: Object) -> None:
    _fill(secret, type="Opaque")
    plain = secret.pop("stringData", None)
    if plain:
        data = secret.setdefault("data", {})
        for key, text in plain.items():
            data[key] = b64encode(text.encode()).decode()


def _namespace(namespace: Object) -> None:
    metadata = namespace.setdefault("metadata", {})
    if metadata.get("name"):
        labels = metadata.setdefault("labels", {})
        labels["kubernetes.io/metadata.name"] = metadata["name"]
    namespace.setdefault("spec", {})
    _fill(namespace.setdefault("status", {}), phase="Active")


def _node(node: Object) -> None:
    node.setdefault("spec", {})
    status = node.setdefault("status", {})
    if "allocatable" not in status and "capacity" in status:
        status["allocatable"] = dict(status["capacity"])


def _event(event: Object) -> None:
    event.setdefault("source", {})
    for absent in ("firstTimestamp", "lastTimestamp", "eventTime"):
        event.setdefault(absent, None)
    event.setdefault("reportingComponent", "")
    event.setdefault("reportingInstance", "")


def _lease(lease: Object) -> None:
    lease.setdefault("spec", {})


_FILLERS: Mapping[str, Callable[[Object], None]] = {
    "Pod": _pod,
    "Deployment": _deployment,
    "ReplicaSet": _replica_set,
    "Secret": _secret,
    "Namespace": _namespace,
    "Node": _node,
    "Event": _event,
    "Lease": _lease,
}
