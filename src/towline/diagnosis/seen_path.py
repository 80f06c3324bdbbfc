"""How far the way to a second host went: a token server's, or a blob store's."""

from __future__ import annotations

from towline.diagnosis.observed_path import DialOutcome, PathSeen, TlsOutcome

_DEAF = frozenset({TlsOutcome.TIMED_OUT, TlsOutcome.RESET, TlsOutcome.CLOSED})


def unreached(path: PathSeen | None) -> tuple[str, ...]:
    """What stops packets on the way to a host; empty when it can be spoken to."""
    if path is None or path.passed:
        return ()
    if path.dns is not None and not path.dns.addresses:
        told = (f"{a.server} says of {a.name}: {a.outcome.value}" for a in path.dns.answers)
        return tuple(dict.fromkeys(told)) or (f"{path.host} has no address",)
    if path.tls is not None and path.tls.outcome in _DEAF:
        return (f"TLS with {path.authority} at {path.tls.peer}: {path.tls.outcome.value}",)
    if any(dial.outcome is DialOutcome.CONNECTED for dial in path.dials):
        return ()
    if path.proxy is not None:
        return (f"the proxy {path.proxy.url} does not connect to {path.authority}",)
    return tuple(
        f"{path.host} at {dial.address}, port {dial.port}: {dial.outcome.value}"
        for dial in path.dials
    )


def untrusted(path: PathSeen | None) -> tuple[str, ...]:
    """What is wrong with TLS on the way to a host; empty when it is reached and believed."""
    if path is None or path.passed or path.tls is None or path.tls.outcome in _DEAF:
        return ()
    tls = path.tls
    what = ", ".join(problem.value for problem in tls.problems) or tls.alert or tls.outcome.value
    signed = (f"it is signed by {tls.chain[0].issuer}",) if tls.chain and tls.problems else ()
    return (f"TLS with {path.authority} at {tls.peer}: {what}", *signed)
