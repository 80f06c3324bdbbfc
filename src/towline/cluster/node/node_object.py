"""A virtual node as the API shows it, with the labels of Tencent's super nodes.

Tencent also taints its super nodes (`eks.tke.cloud.tencent.com/eklet`) to keep pods off that belong on
the machines of the same cluster. A serverless cluster has no other nodes, so there is no taint.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from towline.kube.annotations import PREFIX
from towline.kube.timestamp import to_microsecond, to_second

Object = dict[str, Any]

OWNED_LABEL = "towline.dev/virtual-node"
SUBNET_ANNOTATION = f"{PREFIX}subnet-id"
LEASE_NAMESPACE = "kube-node-lease"
LEASE_SECONDS = 40  # the kubelet's nodeLeaseDurationSeconds
MAX_PODS = 500  # Tencent's quota for the pods of one node

# pkg/kubelet/nodestatus/setters.go
_CONDITIONS = (
    (
        "MemoryPressure",
        "False",
        "KubeletHasSufficientMemory",
        "kubelet has sufficient memory available",
    ),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
)


@dataclass(frozen=True, slots=True)
class Machine:
    """What the node's machine is."""

    architecture: str
    """As Go names it: `amd64`, `arm64`."""
    kernel: str
    system: str
    id: str
    boot_id: str
    cpus: int
    memory_bytes: int
    version: str
    """Of Towline."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the node's kubelet answers."""

    address: str
    port: int


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the conditions of a node follow from."""

    held: Sequence[Mapping[str, Any]]
    """Those that the API has."""
    now: float
    more: Sequence[tuple[str, str, str, str]] = ()
    """Type, status, reason and message of what is true of this node beside what is of all."""


def node_name(subnet_id: str) -> str:
    """`eklet-subnet-q21rasu6`."""
    return f"eklet-{subnet_id}"


def node_object(subnet_id: str, machine: Machine) -> Object:
    """The node as it is created."""
    name = node_name(subnet_id)
    labels = {
        "kubernetes.io/arch": machine.architecture,
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": "eklet",
        OWNED_LABEL: "true",
    }
    metadata = {"name": name, "labels": labels, "annotations": {SUBNET_ANNOTATION: subnet_id}}
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": {}}


def node_status(machine: Machine, endpoint: Endpoint, conditions: Conditions) -> Object:
    """The status."""
    size = {
        "cpu": str(machine.cpus),
        "memory": f"{machine.memory_bytes // 1024}Ki",
        "pods": str(MAX_PODS),
    }
    return {
        "capacity": size,
        "allocatable": dict(size),
        "conditions": _conditions(conditions),
        "addresses": [{"type": "InternalIP", "address": endpoint.address}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": endpoint.port}},
        "nodeInfo": {
            "architecture": machine.architecture,
            "bootID": machine.boot_id,
            "containerRuntimeVersion": f"towline://{machine.version}",
            "kernelVersion": machine.kernel,
            "kubeProxyVersion": "",
            "kubeletVersion": f"v1.33.0-towline.{machine.version}",
            "machineID": machine.id,
            "operatingSystem": "linux",
            "osImage": machine.system,
            "systemUUID": machine.id,
        },
    }


def is_current(wanted: Mapping[str, Any], held: Mapping[str, Any]) -> bool:
    """Whether the API's status says the same, heartbeats aside."""
    return all(_settled(held.get(key)) == _settled(value) for key, value in wanted.items())


def lease_object(name: str, node_uid: str, now: float) -> Object:
    """The lease whose renewal says that the node is alive; it goes with its node."""
    owner = {"apiVersion": "v1", "kind": "Node", "name": name, "uid": node_uid}
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": name, "namespace": LEASE_NAMESPACE, "ownerReferences": [owner]},
        "spec": {
            "holderIdentity": name,
            "leaseDurationSeconds": LEASE_SECONDS,
            "renewTime": to_microsecond(now),
        },
    }


def _conditions(told: Conditions) -> list[Object]:
    by_type, now = {one["type"]: one for one in told.held}, told.now
    ours = []
    for kind, status, reason, message in (*_CONDITIONS, *told.more):
        before = by_type.pop(kind, None)
        same = before is not None and before.get("status") == status
        since = before.get("lastTransitionTime") if before and same else to_second(now)
        ours.append(
            {
                "type": kind,
                "status": status,
                "reason": reason,
                "message": message,
                "lastHeartbeatTime": to_second(now),
                "lastTransitionTime": since,
            }
        )
    return [*(dict(one) for one in by_type.values()), *ours]


def _settled(value: Any) -> Any:
    """Without heartbeats, and without what is empty, which an API may leave out."""
    if isinstance(value, dict):
        parts = ((key, _settled(part)) for key, part in value.items() if key != "lastHeartbeatTime")
        return {key: part for key, part in parts if part not in ("", None)}
    if isinstance(value, list | tuple):
        return [_settled(part) for part in value]
    return value
