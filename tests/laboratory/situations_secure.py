"""Situations in which a proxy, TLS or HTTP itself fails."""

from __future__ import annotations

from tests.laboratory import odd_service as odd
from tests.laboratory.certificate_kind import Certificate
from tests.laboratory.faulty_registry import Auth, Fault, Registry
from tests.laboratory.faulty_registry import said as registry_error
from tests.laboratory.http_service import Ending, Reply
from tests.laboratory.landscape import Way
from tests.laboratory.situation import Host, ProxyHost, Situation

_ASKED = (
    'failed to resolve reference "{here}/team/app:1.0": failed to do request: Head '
    '"https://{here}/v2/team/app/manifests/1.0": '
)
_HTML = (("Content-Type", "text/html"), ("Server", "nginx"))


def _page(status: int, words: str) -> Reply:
    text = f"<html><head><title>{status} {words}</title></head><body>{words}</body></html>"
    return Reply(status, text.encode(), _HTML)


def _proxied(cause: str, proxy: ProxyHost) -> Situation:
    return Situation(name=f"proxy.{cause}", code=f"proxy.{cause}", proxy=proxy)


def _odd(name: str, code: str, host: Host) -> Situation:
    return Situation(name=name, code=code, registry=host)


def _certified(name: str, certificate: Certificate, code: str = "") -> Situation:
    host = Host(Registry(), certificate=certificate)
    return Situation(name=f"tls.{name}", code=code or f"tls.{name}", registry=host)


def _asked(name: str, code: str, *faults: Fault) -> Situation:
    return Situation(name=name, code=code, registry=Host(Registry(faults=faults)))


PROXIES = (
    _proxied("auth", ProxyHost(407)),
    _proxied("denied", ProxyHost(403)),
    _proxied("cannot-reach", ProxyHost(503)),
    Situation(name="proxy.bad-gateway", code="proxy.cannot-reach", proxy=ProxyHost(502)),
    _proxied("dns", ProxyHost(403, named=False)),
    _proxied("refused", ProxyHost(0)),
    _proxied("timeout", ProxyHost(0, way=Way.DROPPED)),
    _proxied("scheme", ProxyHost(403, url="https://{proxy}")),
)

TLS = (
    _odd("net.reset", "net.reset", Host(odd.resetting, certificate=None)),
    _odd("net.closed", "net.closed", Host(odd.hanging_up, certificate=None)),
    _odd("net.reset-at-once", "net.reset", Host(odd.resetting_at_once, certificate=None)),
    _odd("net.closed-at-once", "net.closed", Host(odd.closing_at_once, certificate=None)),
    _odd("net.mtu", "net.mtu", Host(Registry(), way=Way.SMALL_ONLY)),
    _odd("tls.timeout", "tls.timeout", Host(odd.silent, certificate=None)),
    _odd("tls.not-tls", "tls.not-tls", Host(odd.shell, certificate=None)),
    _odd(
        "tls.http-server",
        "tls.http-server",
        Host(odd.refusing_tls(odd.registry_ping), certificate=None, port=5000),
    ),
    _odd(
        "tls.http-server-patient", "tls.http-server", Host(Registry(), certificate=None, port=5000)
    ),
    _certified("self-signed", Certificate.SELF_SIGNED),
    _certified("self-signed-expired", Certificate.SELF_SIGNED_EXPIRED, "tls.self-signed"),
    _certified("unknown-authority", Certificate.UNKNOWN),
    _certified(
        "unknown-authority-with-root", Certificate.UNKNOWN_WITH_ROOT, "tls.unknown-authority"
    ),
    Situation(
        name="tls.incomplete-chain",
        code="tls.incomplete-chain",
        registry=Host(Registry(), certificate=Certificate.INCOMPLETE),
        also=("tls.unknown-authority",),
    ),
    _certified("expired", Certificate.EXPIRED),
    _certified("not-yet-valid", Certificate.FUTURE),
    _certified("wrong-host", Certificate.WRONG_HOST),
    _certified("ingress-default", Certificate.INGRESS_DEFAULT, "tls.wrong-host"),
    _certified("cn-only", Certificate.COMMON_NAME),
    _certified("version", Certificate.OLD_1_0),
    _certified("version-1.1", Certificate.OLD_1_1, "tls.version"),
    _certified("client-cert", Certificate.MUTUAL),
    _certified("unrecognized-name", Certificate.UNRECOGNIZED),
    Situation(name="tls.no-ip-san", code="tls.no-ip-san", image="{address}/team/app:1.0"),
    Situation(
        name="tls.clock-skew",
        code="tls.clock-skew",
        clock=-300 * 86400,
        said=f"{_ASKED}tls: failed to verify certificate: x509: certificate has expired or is not "
        "yet valid: current time 2026-01-28T20:00:00Z is before 2026-11-15T20:00:00Z",
    ),
    Situation(
        name="http.tls-server",
        code="http.tls-server",
        registry=Host(Registry(), certificate=Certificate.TERSE, port=5000),
        plain_http="{here}",
    ),
    Situation(
        name="http.tls-server-nginx",
        code="http.tls-server",
        registry=Host(odd.tls_port, certificate=None, port=5000),
        plain_http="{here}",
        said='failed to resolve reference "{here}/team/app:1.0": unexpected status from HEAD '
        "request to http://{here}/v2/team/app/manifests/1.0: 400 Bad Request",
    ),
)

HTTP = (
    _odd("http.not-a-registry", "http.not-a-registry", Host(odd.web_server)),
    _odd("http.sign-in", "http.not-a-registry", Host(odd.sign_in_page)),
    _odd("http.forbidden-page", "http.forbidden-page", Host(odd.web_firewall)),
    _asked(
        "http.rate-limit",
        "http.rate-limit",
        Fault("* */manifests/*", Reply(429, b"", (("Retry-After", "30"),))),
    ),
    _asked(
        "http.rate-limit-everywhere",
        "http.rate-limit",
        Fault("*", Reply(429, b"too many", (("Content-Type", "text/plain"),))),
    ),
    _asked(
        "http.rate-limit-hub",
        "http.rate-limit",
        Fault(
            "* */manifests/*",
            registry_error(
                429, "TOOMANYREQUESTS", "You have reached your unauthenticated pull rate limit."
            ),
        ),
    ),
    _asked("http.rate-limit-page", "http.rate-limit", Fault("*", _page(429, "Too Many Requests"))),
    _asked("http.unavailable", "http.unavailable", Fault("*", _page(503, "Service Unavailable"))),
    _asked("http.bad-gateway", "http.bad-gateway", Fault("*", _page(502, "Bad Gateway"))),
    _asked(
        "http.gateway-timeout",
        "http.gateway-timeout",
        Fault("* */manifests/*", _page(504, "Gateway Time-out")),
    ),
    _asked("http.server-error", "http.server-error", Fault("* */manifests/*", Reply(500))),
    _asked(
        "http.bad-request", "http.bad-request", Fault("* */manifests/*", _page(400, "Bad Request"))
    ),
    _asked("http.timeout", "http.timeout", Fault("*", Reply(ending=Ending.NEVER))),
    _asked(
        "http.timeout-manifest",
        "http.timeout",
        Fault("* */manifests/*", Reply(ending=Ending.NEVER)),
    ),
    _asked(
        "http.redirect-loop",
        "http.redirect-loop",
        Fault(
            "* */manifests/*",
            Reply(307, b"", (("Location", "https://{here}/v2/team/app/manifests/1.0"),)),
        ),
    ),
    _asked(
        "http.head-refused", "http.head-refused", Fault("HEAD */manifests/*", _page(403, "No HEAD"))
    ),
    Situation(
        name="http.rate-limit-token",
        code="http.rate-limit",
        registry=Host(Registry(auth=Auth.PUBLIC, faults=(Fault("* /token*", Reply(429)),))),
    ),
)

SITUATIONS = PROXIES + TLS + HTTP
