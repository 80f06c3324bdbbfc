"""The file with which kubectl, and our own client, find the cluster and prove who they are."""

from __future__ import annotations

import base64
import json

NAME = "towline"


def render(server: str, authority: bytes, token: str, user: str, name: str = NAME) -> bytes:
    """A kubeconfig for one user of the API at `server` (`https://host:port`).

    `name` is what cluster and context are called in it: where several are merged, they differ.

    It is JSON, which every YAML reader takes. Credentials work over TLS alone: clientcmd drops
    them otherwise (client-go, tools/clientcmd/client_config.go).
    """
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [
            {
                "name": name,
                "cluster": {
                    "server": server,
                    "certificate-authority-data": base64.b64encode(authority).decode(),
                },
            }
        ],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": user}}],
    }
    return json.dumps(config, indent=2).encode() + b"\n"
