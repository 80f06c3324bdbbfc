"""The client of the cloud's API: signs, sends, and tells an error from an answer.

`http.client` in a thread rather than aiohttp: a command of the CLI makes a handful of small calls,
and aiohttp alone takes longer to import than all of them together.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from towline.client.cloud_remedy import remedy_for
from towline.problem import Problem
from towline.resource.signature import Signable, authorize

_DEADLINE = 30.0  # seconds for one call
_CONTENT_TYPE = "application/json"


class CloudRefused(Problem):
    """An error that the API answered; `api_code` is its code, like `ResourceNotFound`."""

    def __init__(self, api_code: str, message: str, request_id: str) -> None:
        super().__init__(
            "cloud-refused",
            cause=f"{message} ({api_code}, request {request_id})",
            remedy=remedy_for(api_code),
        )
        self.api_code = api_code


class CloudClient:
    """Calls actions at one endpoint with one key."""

    def __init__(self, endpoint: str, secret_id: str, secret_key: str, region: str) -> None:
        self.endpoint = endpoint
        self.region = region
        self._secret_id = secret_id
        self._secret_key = secret_key

    async def call(
        self, service: str, version: str, action: str, params: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The fields of the response; raises `CloudRefused`, or `Problem` when there is none."""
        body = json.dumps(params).encode()
        headers = self._headers(service, version, action, body)
        status, answer = await asyncio.to_thread(self._exchange, headers, body)
        try:
            response = json.loads(answer)["Response"]
            error = response.get("Error")
        except (ValueError, KeyError, TypeError, AttributeError):
            raise self._no_api(f"it answered {status} without a Response") from None
        if error is not None:
            raise CloudRefused(error["Code"], error["Message"], response.get("RequestId", ""))
        return dict(response)

    def _headers(self, service: str, version: str, action: str, body: bytes) -> dict[str, str]:
        now, host = int(time.time()), urlsplit(self.endpoint).netloc
        signed = (("content-type", _CONTENT_TYPE), ("host", host))
        signable = Signable("POST", "", signed, body, now, service)
        return {
            "Authorization": authorize(signable, self._secret_id, self._secret_key),
            "Content-Type": _CONTENT_TYPE,
            "Host": host,
            "X-TC-Action": action,
            "X-TC-Region": self.region,
            "X-TC-Timestamp": str(now),
            "X-TC-Version": version,
        }

    def _exchange(self, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        connection = self._connection()
        try:
            connection.request("POST", "/", body, dict(headers))
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise self._no_api(str(error)) from error
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.endpoint)
        match parts.scheme:
            case "http":
                return http.client.HTTPConnection(parts.netloc, timeout=_DEADLINE)
            case "https":
                return http.client.HTTPSConnection(parts.netloc, timeout=_DEADLINE)
            case _:
                raise Problem(
                    "cloud-endpoint-malformed",
                    cause=f"{self.endpoint!r} is not an endpoint",
                    remedy="give one like http://127.0.0.1:8020",
                )

    def _no_api(self, reason: str) -> Problem:
        return Problem(
            "cloud-unreachable",
            cause=f"the cloud API at {self.endpoint} gave no answer: {reason}",
            remedy="see `towline status`; start the installation with `towline up`",
        )
