"""Registries of which nothing is wrong, each of another kind: nobody may be alarmed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.laboratory import picture
from tests.laboratory.certificate_kind import Certificate
from tests.laboratory.faulty_registry import Auth, Fault, Registry, said
from tests.laboratory.http_service import Reply
from tests.laboratory.real_registry import RealRegistry
from tests.laboratory.situation import HEALTHY, KEY, WRONG_KEY, Host, Situation

_TO_STORE = Reply(307, b"", (("Location", "https://{blobs}/store/{layer}?signature=secret"),))


def _well(name: str, registry: Registry, host: Host | None = None, **more: Any) -> Situation:
    situation = Situation(name=f"healthy.{name}", code=HEALTHY, registry=host or Host(registry))
    return replace(situation, **more)


SITUATIONS = (
    _well("open", Registry()),
    _well("public-token", Registry(auth=Auth.PUBLIC)),
    _well("token", Registry(auth=Auth.TOKEN), login=KEY),
    _well("basic", Registry(auth=Auth.BASIC), login=KEY),
    _well("open-with-a-key", Registry(), login=WRONG_KEY),
    _well(
        "token-host", Registry(auth=Auth.TOKEN), token=Host(Registry(auth=Auth.TOKEN)), login=KEY
    ),
    _well("public-address", Registry(), Host(Registry(), public=True)),
    _well("index", Registry(picture.index("linux/amd64", "linux/arm64"))),
    _well("docker-types", Registry(picture.docker)),
    _well("zstd", Registry(picture.zstd)),
    _well(
        "redirecting",
        Registry(faults=(Fault("GET */blobs/{layer}", _TO_STORE),)),
        blobs=Host(Registry()),
    ),
    _well("chain", Registry(), Host(Registry(), certificate=Certificate.INTERMEDIATE)),
    _well(
        "plain-http",
        Registry(),
        Host(Registry(), certificate=None, port=5000),
        plain_http="{here}",
    ),
    _well(
        "skip-verify",
        Registry(),
        Host(Registry(), certificate=Certificate.SELF_SIGNED),
        unverified="{here}",
    ),
    _well(
        "skip-verify-expired",
        Registry(),
        Host(Registry(), certificate=Certificate.EXPIRED),
        unverified="all",
    ),
    _well("by-hosts-file", Registry(), hosts="{address} {here}"),
    _well(
        "no-tag-list",
        Registry(faults=(Fault("GET */tags/list", said(404, "NAME_UNKNOWN", "no")),)),
    ),
    _well("other-platform", Registry(picture.single("linux/arm64")), platform="linux/arm64"),
    _well("no-ranges", Registry(ranges=False)),
    _well("docker-registry", Registry(), Host(RealRegistry())),
    _well(
        "docker-registry-http",
        Registry(),
        Host(RealRegistry(), certificate=None, port=5000),
        plain_http="{here}",
    ),
    _well("no-head", Registry(faults=(Fault("HEAD */manifests/*", Reply(405)),))),
)
