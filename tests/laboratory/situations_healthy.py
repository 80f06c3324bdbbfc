"""Registries of which nothing is wrong, each of another kind: nobody may be alarmed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.laboratory import picture
from tests.laboratory.certificate_kind import Certificate
from tests.laboratory.faulty_registry import Auth, Fault, Registry, Wrong, said
from tests.laboratory.http_service import Reply
from tests.laboratory.landscape import ROUTER
from tests.laboratory.name_service import Resolver
from tests.laboratory.real_registry import RealRegistry
from tests.laboratory.situation import (
    HEALTHY,
    KEY,
    WRONG_KEY,
    Host,
    Named,
    ProxyHost,
    Situation,
)

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
    _well("large-layer", Registry(picture.large)),
    _well("large-layer-no-ranges", Registry(picture.large, ranges=False)),
    _well("several-layers", Registry(picture.several)),
    _well("old-config", Registry(picture.old_config)),
    _well("no-digest-header", Registry(digest_header="")),
    _well("attested", Registry(picture.attested)),
    _well("wildcard", Registry(), Host(Registry(), certificate=Certificate.WILDCARD)),
    _well("opaque-token", Registry(auth=Auth.TOKEN, opaque_tokens=True), login=KEY),
    _well("wrong-key-lenient", Registry(auth=Auth.PUBLIC, wrong=Wrong.EMPTY), login=KEY),
    _well("polite", Registry(auth=Auth.POLITE)),
    _well(
        "polite-dead-token-host",
        Registry(auth=Auth.POLITE),
        token=Host(None, named=Named.NOT),
    ),
    _well("basic-open-ping", Registry(auth=Auth.BASIC, open_ping=True), login=KEY),
    _well(
        "second-key",
        Registry(auth=Auth.TOKEN),
        login=KEY,
        more_logins=(("{here}/team", WRONG_KEY),),
    ),
    _well("key-of-the-path", Registry(auth=Auth.TOKEN), login=KEY, login_for="{here}/team"),
    _well("by-digest", Registry(), image="{here}/team/app@{digest}"),
    _well("by-tag-and-digest", Registry(), image="{here}/team/app:1.0@{digest}"),
    _well("port", Registry(), Host(Registry(), port=5000)),
    _well("two-addresses", Registry(), Host(Registry(), also=(ROUTER,))),
    _well("two-families", Registry(), Host(Registry(), also=("2001:db8::5",))),
    _well("second-name-server", Registry(), before=Resolver.ABSENT),
    _well("first-name-server-refuses", Registry(), before=Resolver.REFUSING),
    _well("through-a-proxy", Registry(), proxy=ProxyHost(200)),
    _well("past-a-proxy", Registry(), proxy=ProxyHost(403), no_proxy="{here}"),
)
