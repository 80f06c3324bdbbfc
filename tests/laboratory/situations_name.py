"""Situations in which the reference is wrong, or its name leads nowhere."""

from __future__ import annotations

from tests.laboratory.landscape import Way
from tests.laboratory.name_service import Resolver
from tests.laboratory.situation import Host, Named, Situation

NOBODY = Host(None, certificate=None)
_INVALID = (
    'Failed to apply default image tag "{image}": couldn\'t parse image name "{image}": '
    "invalid reference format"
)


def _invalid(name: str, image: str, words: str = _INVALID) -> Situation:
    return Situation(
        name=f"reference.{name}",
        code="reference.invalid",
        registry=NOBODY,
        image=image,
        said=words.replace("{image}", image),
    )


SITUATIONS = (
    _invalid("scheme", "https://{here}/team/app:1.0"),
    _invalid(
        "uppercase",
        "{here}/Team/App:1.0",
        f"{_INVALID}: repository name must be lowercase",
    ),
    _invalid("two-tags", "{here}/team/app:1.0:2.0"),
    _invalid("space", "{here}/team/app:1.0 "),
    _invalid("plus", "{here}/team/app:1.0.0+build7"),
    _invalid("empty-tag", "{here}/team/app:"),
    _invalid("variable", "{here}/team/app:${{TAG}}"),
    _invalid("short-digest", "{here}/team/app@sha256:abc123"),
    Situation(
        name="reference.short-name", code="reference.short-name", registry=NOBODY, image="app:1.0"
    ),
    Situation(
        name="dns.nxdomain",
        code="dns.nxdomain",
        registry=Host(None, named=Named.NOT, certificate=None),
    ),
    Situation(
        name="dns.nodata",
        code="dns.nodata",
        registry=Host(None, named=Named.EMPTY, certificate=None),
    ),
    Situation(name="dns.servfail", code="dns.servfail", resolver=Resolver.FAILING),
    Situation(name="dns.refused", code="dns.refused", resolver=Resolver.REFUSING),
    Situation(name="dns.silent", code="dns.timeout", resolver=Resolver.SILENT),
    Situation(name="dns.dropped", code="dns.timeout", resolver=Resolver.DROPPED),
    Situation(name="dns.absent", code="dns.server-refused", resolver=Resolver.ABSENT),
    Situation(name="dns.unreachable", code="dns.server-unreachable", resolver=Resolver.UNREACHABLE),
    Situation(name="dns.no-resolver", code="dns.no-resolver", resolver=Resolver.NONE),
    Situation(
        name="dns.sinkhole-loopback",
        code="dns.sinkhole",
        registry=Host(None, named=Named.LOOPBACK, certificate=None),
    ),
    Situation(
        name="dns.sinkhole-zero",
        code="dns.sinkhole",
        registry=Host(None, named=Named.ZERO, certificate=None),
    ),
    Situation(
        name="dns.sinkhole-hosts",
        code="dns.sinkhole",
        hosts="127.0.0.1 {here}",
        said='failed to resolve reference "{here}/team/app:1.0": failed to do request: Head '
        '"https://{here}/v2/team/app/manifests/1.0": dial tcp 127.0.0.1:443: connect: '
        "connection refused",
    ),
    Situation(
        name="net.ipv6-only",
        code="net.ipv6-only",
        registry=Host(None, named=Named.IPV6, certificate=None),
        said='failed to resolve reference "{here}/team/app:1.0": failed to do request: Head '
        '"https://{here}/v2/team/app/manifests/1.0": dial tcp [2001:db8::5]:443: connect: '
        "network is unreachable",
    ),
    Situation(
        name="net.timeout-public",
        code="net.timeout.public-ip",
        registry=Host(None, way=Way.DROPPED, public=True, certificate=None),
    ),
    Situation(
        name="net.timeout-private",
        code="net.timeout.private-ip",
        registry=Host(None, way=Way.DROPPED, certificate=None),
    ),
    Situation(
        name="net.own-firewall",
        code="net.local-firewall",
        registry=Host(None, way=Way.OWN_FIREWALL, certificate=None),
    ),
    Situation(name="net.refused-private", code="net.refused", registry=NOBODY),
    Situation(
        name="net.refused-public",
        code="net.refused.public-ip",
        registry=Host(None, public=True, certificate=None),
        also=("net.refused",),
    ),
    Situation(
        name="net.reject-rst", code="net.refused", registry=Host(way=Way.RESET, certificate=None)
    ),
    Situation(
        name="net.port-unreachable",
        code="net.refused",
        registry=Host(way=Way.PORT_UNREACHABLE, certificate=None),
    ),
    *(
        Situation(
            name=f"net.{way.value}",
            code="net.no-route",
            registry=Host(way=way, certificate=None),
        )
        for way in (Way.ADMIN_PROHIBITED, Way.HOST_PROHIBITED, Way.HOST_UNREACHABLE)
    ),
    *(
        Situation(
            name=f"net.{way.value}",
            code="net.unreachable",
            registry=Host(way=way, certificate=None),
        )
        for way in (Way.NET_UNREACHABLE, Way.NET_PROHIBITED)
    ),
    Situation(
        name="net.route-unreachable",
        code="net.no-route",
        registry=Host(way=Way.NO_ROUTE, certificate=None),
    ),
    Situation(
        name="net.dead-neighbour",
        code="net.no-route",
        registry=Host(way=Way.DEAD_NEIGHBOUR, certificate=None),
    ),
    Situation(
        name="net.route-prohibit",
        code="net.prohibited",
        registry=Host(way=Way.PROHIBITED, certificate=None),
    ),
    Situation(
        name="net.route-blackhole",
        code="net.blackhole",
        registry=Host(way=Way.BLACKHOLE, certificate=None),
    ),
)
