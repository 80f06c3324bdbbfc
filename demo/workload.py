"""Pods and Deployments as their users write them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

SKIP_VERIFY = "eks.tke.cloud.tencent.com/registry-insecure-skip-verify"
PLAIN_HTTP = "eks.tke.cloud.tencent.com/registry-http-endpoint"
RELEASE = "towline.dev/release-credential"
FOREVER = ("sh", "-c", "echo hello from $HOSTNAME; exec sleep 3600")


def namespace(name: str, *, release: str = "") -> str:
    """A namespace; with `release`, one that gets a credential of that registry instance."""
    annotations = {RELEASE: release} if release else {}
    metadata = {"name": name, "annotations": annotations}
    return json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})


def config_map(name: str) -> str:
    """A small object."""
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
    return json.dumps({**body, "data": {"key": "value"}})


def pod(
    name: str,
    *images: str,
    annotations: Mapping[str, str] | None = None,
    secrets: Sequence[str] = (),
    command: Sequence[str] = FOREVER,
) -> str:
    """A pod with a container for each image."""
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "annotations": dict(annotations or {})},
            "spec": _spec(images, secrets, command),
        }
    )


def deployment(
    name: str,
    image: str,
    replicas: int,
    *,
    annotations: Mapping[str, str] | None = None,
    own_annotations: Mapping[str, str] | None = None,
) -> str:
    """A Deployment; `annotations` are its pods', `own_annotations` its own."""
    labels = {"app": name}
    return json.dumps(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "annotations": dict(own_annotations or {})},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels, "annotations": dict(annotations or {})},
                    "spec": _spec((image,), (), FOREVER),
                },
            },
        }
    )


def _spec(images: Sequence[str], secrets: Sequence[str], command: Sequence[str]) -> dict[str, Any]:
    containers = [
        {"name": f"c{number}", "image": image, "command": list(command)}
        for number, image in enumerate(images)
    ]
    spec: dict[str, Any] = {"containers": containers, "terminationGracePeriodSeconds": 1}
    if secrets:
        spec["imagePullSecrets"] = [{"name": secret} for secret in secrets]
    return spec
