"""Where the cloud is and with which key to speak to it.

A user's commands ask the environment first, then the data directory; a role is given its data
directory and nothing else.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from towline.client.cloud import CloudClient
from towline.installation.data_directory import REGION, DataDirectory, chosen_root, unusable
from towline.problem import Problem


def open_cloud() -> CloudClient:
    """The client of this user's installation; raises `Problem` when there is none.

    TOWLINE_ENDPOINT and TENCENTCLOUD_SECRET_ID, _SECRET_KEY, _REGION go before what `towline up`
    wrote.
    """
    data = DataDirectory(chosen_root(os.environ))
    endpoint = os.environ.get("TOWLINE_ENDPOINT") or _read(data.doors, "cloud")
    secret_id, secret_key = _key(data)
    return CloudClient(
        endpoint, secret_id, secret_key, os.environ.get("TENCENTCLOUD_REGION") or REGION
    )


def own_cloud(data: DataDirectory) -> CloudClient:
    """The client of an installation's own cloud, whatever the environment says; raises `Problem`.

    The environment of whoever starts a role may hold keys of another cloud, even of the real one.
    """
    return CloudClient(_read(data.doors, "cloud"), *_own_key(data), REGION)


def _key(data: DataDirectory) -> tuple[str, str]:
    secret_id = os.environ.get("TENCENTCLOUD_SECRET_ID", "")
    secret_key = os.environ.get("TENCENTCLOUD_SECRET_KEY", "")
    if secret_id and secret_key:
        return secret_id, secret_key
    return _own_key(data)


def _own_key(data: DataDirectory) -> tuple[str, str]:
    return _read(data.access_key, "SecretId"), _read(data.access_key, "SecretKey")


def _read(path: Path, field: str) -> str:
    try:
        content: dict[str, Any] = json.loads(path.read_bytes())
        return str(content[field])
    except (PermissionError, NotADirectoryError):
        raise unusable(path) from None
    except FileNotFoundError:
        cause, remedy = f"there is no installation in {path.parent}", "start one: `towline up`"
    except (OSError, ValueError, KeyError, TypeError) as error:
        cause = f"{path} does not say {field}: {error!r}"
        remedy = "restart the installation: `towline down`, then `towline up`"
    raise Problem("no-installation", cause=cause, remedy=f"{remedy}; or set TOWLINE_DATA")
