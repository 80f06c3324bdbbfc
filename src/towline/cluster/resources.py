"""The resources that controllers and nodes work with."""

from __future__ import annotations

from towline.cluster.kubernetes import Resource

NAMESPACES = Resource("", "v1", "namespaces")
PODS = Resource("", "v1", "pods")
NODES = Resource("", "v1", "nodes")
EVENTS = Resource("", "v1", "events")
SECRETS = Resource("", "v1", "secrets")
CONFIG_MAPS = Resource("", "v1", "configmaps")
SERVICE_ACCOUNTS = Resource("", "v1", "serviceaccounts")
DEPLOYMENTS = Resource("apps", "v1", "deployments")
REPLICA_SETS = Resource("apps", "v1", "replicasets")
LEASES = Resource("coordination.k8s.io", "v1", "leases")

OWNED = {
    ("v1", "Pod"): PODS,
    ("v1", "Node"): NODES,
    ("v1", "Namespace"): NAMESPACES,
    ("v1", "Secret"): SECRETS,
    ("v1", "ConfigMap"): CONFIG_MAPS,
    ("v1", "ServiceAccount"): SERVICE_ACCOUNTS,
    ("apps/v1", "Deployment"): DEPLOYMENTS,
    ("apps/v1", "ReplicaSet"): REPLICA_SETS,
    ("coordination.k8s.io/v1", "Lease"): LEASES,
}
"""The resources of which owner references may speak, by API version and kind."""

CLUSTER_WIDE = frozenset({NAMESPACES, NODES})
