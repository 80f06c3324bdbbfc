"""What the control plane knows of a pull, through the cloud's API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from towline.client.cloud import CloudClient
from towline.client.cloud_view import view
from towline.diagnosis.plane import Plane
from towline.pull.keyring import Login
from towline.resource.credential import digest_of_secret

_DRAWN = 43  # characters of a secret of ours; what somebody has chosen is not even told as a digest


@dataclass(frozen=True, slots=True, kw_only=True)
class PullQuestion:
    """Which pull."""

    image: str
    source: str = ""
    """A pod (`<namespace>/<name>`), a private address or a subnet; empty for no network at all."""
    resolver: str = ""
    plain_http: bool = False
    login: Login | None = None


class PullPlanes:
    """The part of our own product that knows of pulls."""

    def __init__(self, client: CloudClient) -> None:
        self._client = client

    async def plane(self, asked: PullQuestion) -> Plane:
        """The facts; raises `Problem`."""
        params = {
            "Image": asked.image,
            "Source": asked.source,
            "Resolver": asked.resolver,
            "PlainHttp": asked.plain_http,
            **_shown(asked.login),
        }
        answer = await self._client.call("towline", "2026-08-01", "DescribePullPlane", params)
        return view(answer["Plane"], Plane)


def _shown(login: Login | None) -> Mapping[str, str]:
    if login is None:
        return {}
    drawn = len(login.password) == _DRAWN
    return {
        "Username": login.username,
        "SecretSha256": digest_of_secret(login.password) if drawn else "",
    }
