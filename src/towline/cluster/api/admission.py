"""What is checked and filled in between understanding a new object and validating it."""

from __future__ import annotations

from typing import Any

from towline.cluster.api import codec, stamp
from towline.cluster.api.address import Address
from towline.kube import resource_type
from towline.kube.defaults import SYSTEM_TOLERATIONS
from towline.kube.refusal import FieldError, forbidden, not_found
from towline.store.store import Store

Object = dict[str, Any]
ROOT_CA = "kube-root-ca.crt"
"""The ConfigMap with the cluster's CA that every namespace has."""
ACCOUNT_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"


def admit(store: Store, address: Address, item: Object) -> None:
    """Let a new object in, or raise a refusal; fills in what depends on other objects."""
    if address.resource.namespaced:
        _namespace_lives(store, address)
    if address.resource is resource_type.PODS:
        account = _give_service_account(store, address, item)
        if _wants_token(item["spec"], account):
            _project_token(item["spec"])
        _tolerate_for_a_while(item["spec"])
        item["spec"].setdefault("priority", 0)
        item["spec"].setdefault("preemptionPolicy", "PreemptLowerPriority")


def _namespace_lives(store: Store, address: Address) -> None:
    record = store.get(codec.key(resource_type.NAMESPACES, "", address.namespace))
    if record is None:
        raise not_found(resource_type.NAMESPACES, address.namespace)
    if codec.decode(record)["metadata"].get("deletionTimestamp"):
        because = (
            f"unable to create new content in namespace {address.namespace} "
            "because it is being terminated"
        )
        message = f"namespace {address.namespace} is being terminated"
        cause = FieldError("NamespaceTerminating", "metadata.namespace", message)
        raise forbidden(address.resource, address.name, because, (cause,))


def _give_service_account(store: Store, address: Address, pod: Object) -> Object:
    """Make the pod's account explicit; answers with the account."""
    spec = pod["spec"]
    account_name = spec.get("serviceAccountName") or "default"
    spec["serviceAccountName"] = spec["serviceAccount"] = account_name
    record = store.get(codec.key(resource_type.SERVICE_ACCOUNTS, address.namespace, account_name))
    if record is None:
        because = (
            f"error looking up service account {address.namespace}/{account_name}: "
            f'serviceaccount "{account_name}" not found'
        )
        raise forbidden(address.resource, address.name, because)
    account = codec.decode(record)
    if not spec.get("imagePullSecrets"):  # never merged: a pod's own list stands alone
        secrets = account.get("imagePullSecrets")
        if secrets:
            spec["imagePullSecrets"] = secrets
    return account


def _wants_token(spec: Object, account: Object) -> bool:
    wish = spec.get("automountServiceAccountToken")
    if wish is None:
        wish = account.get("automountServiceAccountToken")
    return wish is not False


def _project_token(spec: Object) -> None:
    """Give every container the account's token, the cluster's CA and the namespace's name.

    As plugin/pkg/admission/serviceaccount does it; a container that mounts something there keeps that.
    """
    name = f"kube-api-access-{stamp.random_suffix()}"
    mount = {"name": name, "readOnly": True, "mountPath": ACCOUNT_FOLDER}
    mounted = False
    for container in (*(spec.get("initContainers") or ()), *(spec.get("containers") or ())):
        held = container.setdefault("volumeMounts", [])
        if all(one.get("mountPath") != ACCOUNT_FOLDER for one in held):
            held.append(dict(mount))
            mounted = True
    if mounted:
        spec.setdefault("volumes", []).append({"name": name, "projected": _access()})


def _access() -> Object:
    token = {"expirationSeconds": 3607, "path": "token"}
    authority = {"name": ROOT_CA, "items": [{"key": "ca.crt", "path": "ca.crt"}]}
    field = {"apiVersion": "v1", "fieldPath": "metadata.namespace"}
    return {
        "sources": [
            {"serviceAccountToken": token},
            {"configMap": authority},
            {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": field}]}},
        ],
        "defaultMode": 420,
    }


def _tolerate_for_a_while(spec: Object) -> None:
    """DefaultTolerationSeconds: five minutes on a node that stops answering."""
    held = spec.setdefault("tolerations", [])
    for toleration in SYSTEM_TOLERATIONS:
        if not any(_covers(one, toleration) for one in held):
            held.append(dict(toleration))


def _covers(one: Object, toleration: Object) -> bool:
    keys, effects = (toleration["key"], "", None), (toleration["effect"], "", None)
    return one.get("key") in keys and one.get("effect") in effects
