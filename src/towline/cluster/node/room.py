"""What a node says of the addresses that are left in its subnet.

A pod needs an address of its own, so a node whose subnet is exhausted takes no more. Tencent's super
nodes say so by a condition with a reason of their own, and by the taint that Kubernetes has for nodes
whose network is not there, which keeps new pods waiting at the scheduler.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from towline.kube.annotations import AVAILABLE_IP_COUNT

Object = dict[str, Any]

NETWORK_UNAVAILABLE = "node.kubernetes.io/network-unavailable"
_TAINT = {"key": NETWORK_UNAVAILABLE, "effect": "NoSchedule"}


def network_condition(subnet_id: str, free: int) -> tuple[str, str, str, str]:
    """Type, status, reason and message of the condition, in the words of the super nodes' manual;
    those of a subnet that has room are ours.
    """
    has_room = free > 0
    word = "sufficient" if has_room else "insufficient"
    return (
        "NetworkUnavailable",
        "False" if has_room else "True",
        f"EKLetHas{word.capitalize()}SubnetIP",
        f"eklet node has {word} IP available of subnet {subnet_id}",
    )


def marking(node: Mapping[str, Any], free: int) -> Object:
    """What is to be written into a node so that it shows how many addresses are left; empty if it
    does. Taints are replaced whole, so the write names the version that was read.
    """
    metadata, held = node["metadata"], list((node.get("spec") or {}).get("taints") or ())
    others = [one for one in held if one.get("key") != NETWORK_UNAVAILABLE]
    taints = others if free > 0 else [*others, _TAINT]
    had = len(others) < len(held)
    counted = (metadata.get("labels") or {}).get(AVAILABLE_IP_COUNT) == str(free)
    if counted and had == (free <= 0):
        return {}
    body: Object = {
        "metadata": {
            "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"],
            "labels": {AVAILABLE_IP_COUNT: str(free)},
        }
    }
    return body if had == (free <= 0) else {**body, "spec": {"taints": taints}}
