"""How each served kind is printed, pods apart: they have a module of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from towline.kube.selector import from_object
from towline.kube.table import (
    AGE,
    NAME,
    NONE,
    UNKNOWN,
    Cell,
    Column,
    Layout,
    age,
    containers_of,
    name_of,
    since,
)
from towline.kube.table_pod import PODS

Object = Mapping[str, Any]
_ROLE = "node-role.kubernetes.io/"
_CONTAINERS = (
    Column("Containers", "Names of each container in the template.", wide=True),
    Column("Images", "Images referenced by each container in the template.", wide=True),
    Column("Selector", "The pods that belong to it, by their labels.", wide=True),
)


def _deployment(item: Object, now: float) -> list[Cell]:
    spec, status = item["spec"], item.get("status") or {}
    return [
        name_of(item),
        f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 1)}",
        status.get("updatedReplicas", 0),
        status.get("availableReplicas", 0),
        age(item, now),
        *containers_of(spec["template"]),
        _selector(spec),
    ]


def _replica_set(item: Object, now: float) -> list[Cell]:
    spec, status = item["spec"], item.get("status") or {}
    return [
        name_of(item),
        spec.get("replicas", 1),
        status.get("replicas", 0),
        status.get("readyReplicas", 0),
        age(item, now),
        *containers_of(spec["template"]),
        _selector(spec),
    ]


def _selector(spec: Object) -> str:
    selector = spec.get("selector")
    return "<unset>" if selector is None else str(from_object(selector)) or NONE


def _namespace(item: Object, now: float) -> list[Cell]:
    return [name_of(item), (item.get("status") or {}).get("phase", ""), age(item, now)]


def _secret(item: Object, now: float) -> list[Cell]:
    return [name_of(item), item.get("type", ""), len(item.get("data") or ()), age(item, now)]


def _config_map(item: Object, now: float) -> list[Cell]:
    held = len(item.get("data") or ()) + len(item.get("binaryData") or ())
    return [name_of(item), held, age(item, now)]


def _service_account(item: Object, now: float) -> list[Cell]:
    return [name_of(item), len(item.get("secrets") or ()), age(item, now)]


def _lease(item: Object, now: float) -> list[Cell]:
    holder = (item.get("spec") or {}).get("holderIdentity") or ""
    return [name_of(item), holder, age(item, now)]


def _named(item: Object, now: float) -> list[Cell]:
    return [name_of(item), age(item, now)]


def _node(item: Object, now: float) -> list[Cell]:
    status = item.get("status") or {}
    info = status.get("nodeInfo") or {}
    addresses = {one["type"]: one["address"] for one in reversed(status.get("addresses") or ())}
    return [
        name_of(item),
        _readiness(item),
        ",".join(sorted(_roles(item["metadata"].get("labels") or {}))) or NONE,
        age(item, now),
        info.get("kubeletVersion", ""),
        addresses.get("InternalIP") or NONE,
        addresses.get("ExternalIP") or NONE,
        info.get("osImage") or UNKNOWN,
        info.get("kernelVersion") or UNKNOWN,
        info.get("containerRuntimeVersion") or UNKNOWN,
    ]


def _readiness(node: Object) -> str:
    conditions = (node.get("status") or {}).get("conditions") or ()
    ready = [one["status"] for one in conditions if one["type"] == "Ready"]
    words = ["Unknown" if not ready else "Ready" if ready[-1] == "True" else "NotReady"]
    if (node.get("spec") or {}).get("unschedulable"):
        words.append("SchedulingDisabled")
    return ",".join(words)


def _roles(labels: Mapping[str, str]) -> set[str]:
    roles = {label.removeprefix(_ROLE) for label in labels if label.startswith(_ROLE)}
    return {role for role in (*roles, labels.get("kubernetes.io/role", "")) if role}


def _event(item: Object, now: float) -> list[Cell]:
    about = item.get("involvedObject") or {}
    series = item.get("series") or {}
    first = since(item.get("firstTimestamp") or item.get("eventTime"), now)
    last = since(item["lastTimestamp"], now) if item.get("lastTimestamp") else first
    kind = str(about.get("kind", "")).lower()
    return [
        since(series.get("lastObservedTime"), now) if series else last,
        item.get("type", ""),
        item.get("reason", ""),
        f"{kind}/{about['name']}" if about.get("name") else kind,
        about.get("fieldPath", ""),
        _source(item),
        str(item.get("message", "")).strip(),
        first,
        (series or item).get("count") or 1,
        name_of(item),
    ]


def _source(event: Object) -> str:
    source = event.get("source") or {}
    component = source.get("component") or event.get("reportingComponent") or ""
    host = source.get("host") or event.get("reportingInstance") or ""
    return f"{component}, {host}" if host else str(component)


_LAYOUTS: Mapping[str, Layout] = {
    "Pod": PODS,
    "Deployment": Layout(
        (
            NAME,
            Column("Ready", "Number of the pod with ready state"),
            Column("Up-to-date", "How many pods are of the present template."),
            Column("Available", "How many pods have been ready for long enough."),
            AGE,
            *_CONTAINERS,
        ),
        _deployment,
    ),
    "ReplicaSet": Layout(
        (
            NAME,
            Column("Desired", "How many pods there should be.", "integer"),
            Column("Current", "How many pods there are.", "integer"),
            Column("Ready", "How many of them are ready.", "integer"),
            AGE,
            *_CONTAINERS,
        ),
        _replica_set,
    ),
    "Namespace": Layout((NAME, Column("Status", "The status of the namespace"), AGE), _namespace),
    "Secret": Layout(
        (
            NAME,
            Column("Type", "Used to facilitate programmatic handling of secret data."),
            Column("Data", "How many values it holds."),
            AGE,
        ),
        _secret,
    ),
    "ConfigMap": Layout((NAME, Column("Data", "How many values it holds."), AGE), _config_map),
    "ServiceAccount": Layout(
        (NAME, Column("Secrets", "How many Secrets it may use."), AGE), _service_account
    ),
    "Lease": Layout((NAME, Column("Holder", "Who holds the lease."), AGE), _lease),
    "Service": Layout(
        (
            NAME,
            Column("Type", "How the Service is exposed."),
            Column("Cluster-IP", "Its address inside the cluster."),
            Column("External-IP", "Its addresses outside the cluster."),
            Column("Port(s)", "The ports that it exposes."),
            AGE,
            Column("Selector", "The pods that it sends traffic to.", wide=True),
        ),
        _named,
    ),
    "Node": Layout(
        (
            NAME,
            Column("Status", "The status of the node"),
            Column("Roles", "The roles of the node"),
            AGE,
            Column("Version", "Kubelet Version reported by the node."),
            Column("Internal-IP", "Its address inside the cluster.", wide=True),
            Column("External-IP", "Its address outside the cluster.", wide=True),
            Column("OS-Image", "The operating system that it reports.", wide=True),
            Column("Kernel-Version", "The kernel that it reports.", wide=True),
            Column("Container-Runtime", "What runs its containers.", wide=True),
        ),
        _node,
    ),
    "Event": Layout(
        (
            Column("Last Seen", "When it happened last."),
            Column("Type", "Normal or Warning."),
            Column("Reason", "What happened, in one word for machines."),
            Column("Object", "The object that this event is about."),
            Column("Subobject", "The part of the object, such as one container.", wide=True),
            Column("Source", "The component reporting this event.", wide=True),
            Column("Message", "What happened, in a sentence for people."),
            Column("First Seen", "When it happened first.", wide=True),
            Column("Count", "How often it has happened.", wide=True),
            Column("Name", NAME.description, wide=True),
        ),
        _event,
    ),
}
_OTHER = Layout(
    (NAME, Column("Created At", "When the object was created, by the server's clock.", "date")),
    lambda item, _: [name_of(item), item["metadata"].get("creationTimestamp", "")],
)


def layout_of(kind: str) -> Layout:
    """How a kind is printed; one that nobody described shows its name and its date."""
    return _LAYOUTS.get(kind, _OTHER)
