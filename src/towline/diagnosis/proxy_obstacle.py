"""What is wrong with a proxy, which runtimes report as if the registry had said it."""

from __future__ import annotations

from towline.diagnosis import dial_obstacle, name_obstacle
from towline.diagnosis.observed_path import DialOutcome, ProxyOutcome, ProxySeen
from towline.diagnosis.obstacle import Obstacle

_STATUSES = {407: "proxy.auth", 403: "proxy.denied"}


def proxy_obstacle(proxy: ProxySeen, target: str) -> Obstacle | None:
    """Why a proxy does not lead to a target; None when it does, or nobody knows."""
    code = _code(proxy)
    if code is None:
        return None
    evidence = [f"{proxy.variable} is {proxy.url}", *_seen(proxy, target)]
    if any(dial.outcome is DialOutcome.CONNECTED for dial in proxy.direct):
        evidence.append(f"without the proxy {target} can be reached")
    return Obstacle(code, tuple(evidence))


def _code(proxy: ProxySeen) -> str | None:
    match proxy.outcome:
        case ProxyOutcome.CONNECTED | ProxyOutcome.NOT_PROBED:
            return None
        case ProxyOutcome.BAD_URL | ProxyOutcome.TLS_FAILED | ProxyOutcome.NOT_HTTP:
            return "proxy.scheme"
        case ProxyOutcome.NO_ADDRESS:
            return "proxy.dns"
        case ProxyOutcome.NOT_REACHED:
            timed_out = any(dial.outcome is DialOutcome.TIMED_OUT for dial in proxy.dials)
            return "proxy.timeout" if timed_out else "proxy.refused"
        case ProxyOutcome.NO_ANSWER:
            return "proxy.timeout"
        case ProxyOutcome.ANSWERED_NO:
            return _STATUSES.get(proxy.status, "proxy.cannot-reach")


def _seen(proxy: ProxySeen, target: str) -> tuple[str, ...]:
    match proxy.outcome:
        case ProxyOutcome.NO_ADDRESS:
            return tuple(map(name_obstacle.line, proxy.dns.answers)) if proxy.dns else ()
        case ProxyOutcome.NOT_REACHED:
            return tuple(map(dial_obstacle.line, proxy.dials))
        case ProxyOutcome.ANSWERED_NO:
            return (f"CONNECT {target}: {proxy.status} {proxy.reason}".rstrip(),)
        case ProxyOutcome.TLS_FAILED:
            return (f"TLS with the proxy: {proxy.body or 'failed'}",)
        case _:
            return (f"CONNECT {target}: {proxy.outcome.value}",)
