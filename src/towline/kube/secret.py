"""Secrets as the API carries them: values in base64, and the one that opens registries."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any


def secret_data(secret: Mapping[str, Any]) -> dict[str, bytes]:
    """The values of a Secret."""
    return {name: base64.b64decode(text) for name, text in (secret.get("data") or {}).items()}


def config_map_data(config_map: Mapping[str, Any]) -> dict[str, bytes]:
    """The values of a ConfigMap, text and binary."""
    texts = {name: text.encode() for name, text in (config_map.get("data") or {}).items()}
    binary = config_map.get("binaryData") or {}
    return texts | {name: base64.b64decode(text) for name, text in binary.items()}


def docker_config_json(servers: Sequence[str], username: str, password: str) -> str:
    """The base64 value of `.dockerconfigjson` that logs in to all of the servers."""
    auth = base64.b64encode(f"{username}:{password}".encode()).decode()
    login = {"username": username, "password": password, "auth": auth}
    document = json.dumps({"auths": dict.fromkeys(servers, login)})
    return base64.b64encode(document.encode()).decode()
