"""Proxies that say no: to everybody, with one status."""

from __future__ import annotations

from tests.laboratory.http_service import Asked, Reply, Service, http_service
from tests.laboratory.situation import Host, Named, ProxyHost

PORT = 3128


def proxy_host(proxy: ProxyHost) -> Host:
    """Where a proxy is, and what it does."""
    return Host(
        _refusing(proxy.status) if proxy.status else None,
        certificate=None,
        way=proxy.way,
        named=Named.HERE if proxy.named else Named.NOT,
        port=PORT,
    )


def _refusing(status: int) -> Service:
    basic = (("Proxy-Authenticate", 'Basic realm="proxy"'),) if status == 407 else ()

    def answer(_: Asked) -> Reply:
        return Reply(status, b"no", (("Content-Type", "text/plain"), *basic))

    return http_service(answer)
