"""Tencent's own clients, from PyPI, pointed at a cloud of the tests: what their users write works here.

Python's SDK warns of fields that it does not know, and this suite fails on warnings; tccli is run
as a process, as its users run it.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tencentcloud.common.credential import Credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tests.clouds import SECRET_ID, SECRET_KEY, ServedCloud

REGION = "ap-guangzhou"
TCCLI = Path(sys.executable).parent / "tccli"


class RefusedError(Exception):
    """The client's own error, with the code of the API."""


Send = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]


@dataclass(frozen=True)
class Client:
    """A client of the API, and the actions that it was used for."""

    send: Send
    used: set[str] = field(default_factory=set)

    async def __call__(self, action: str, **parameters: Any) -> dict[str, Any]:
        """The answer; raises `RefusedError`."""
        self.used.add(action)
        return await self.send(action, parameters)

    async def until(
        self, action: str, done: Callable[[dict[str, Any]], object], **asked: Any
    ) -> dict[str, Any]:
        """Poll, as users do; the answer that was waited for."""
        async with asyncio.timeout(60):
            while True:
                answer = await self(action, **asked)
                if done(answer):
                    return answer
                await asyncio.sleep(0.02)


def by_sdk(cloud: ServedCloud, product: str, version: str) -> Send:
    """Python's SDK for a product, such as `tcr` `v20190924`."""
    package = f"tencentcloud.{product}.{version}"
    models = importlib.import_module(f"{package}.models")
    module = importlib.import_module(f"{package}.{product}_client")
    settings = ClientProfile(httpProfile=HttpProfile(endpoint=cloud.endpoint))
    client = getattr(module, f"{product.capitalize()}Client")(
        Credential(SECRET_ID, SECRET_KEY), REGION, settings
    )

    async def send(action: str, parameters: dict[str, Any]) -> dict[str, Any]:
        request = getattr(models, f"{action}Request")()
        request.from_json_string(json.dumps(parameters))
        try:
            answer = await asyncio.to_thread(getattr(client, action), request)
        except TencentCloudSDKException as error:
            raise RefusedError(f"{error.get_code()} {error.get_message()}") from error
        return dict(json.loads(answer.to_json_string()))

    return send


def by_tccli(cloud: ServedCloud, product: str, home: Path) -> Send:
    """The command line of the cloud, each call a process."""
    environment = {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "TENCENTCLOUD_SECRET_ID": SECRET_ID,
        "TENCENTCLOUD_SECRET_KEY": SECRET_KEY,
    }

    async def send(action: str, parameters: dict[str, Any]) -> dict[str, Any]:
        words = [product, action, "--endpoint", cloud.endpoint, "--region", REGION]
        for name, value in parameters.items():
            words += [f"--{name}", value if isinstance(value, str) else json.dumps(value)]
        process = await asyncio.create_subprocess_exec(
            TCCLI,
            *words,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        if process.returncode != 0:
            raise RefusedError(err.decode() + out.decode())
        return dict(json.loads(out))

    return send
