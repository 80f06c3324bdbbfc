"""What is wrong with TLS, by the handshake and by what was tried after it."""

from __future__ import annotations

from datetime import UTC, datetime

from towline.diagnosis.observed_path import CertificateSeen, TlsOutcome, TlsSeen, TrustOutcome
from towline.diagnosis.obstacle import Obstacle

SKEW = 300  # seconds by which clocks may differ without anybody minding
_SPOKEN_TODAY = frozenset({"TLSv1.2", "TLSv1.3"})
# A certificate may have several faults. Who mends the first of these meets no other.
_BY_PROBLEM = (
    (TrustOutcome.NOT_PINNED, "tls.unknown-authority"),
    (TrustOutcome.WRONG_NAME, "tls.wrong-host"),
    (TrustOutcome.COMMON_NAME_ONLY, "tls.cn-only"),
    (TrustOutcome.NO_ADDRESS_NAMES, "tls.no-ip-san"),
    (TrustOutcome.SELF_SIGNED, "tls.self-signed"),
    (TrustOutcome.INCOMPLETE, "tls.incomplete-chain"),
    (TrustOutcome.UNTRUSTED, "tls.unknown-authority"),
    (TrustOutcome.EXPIRED, "tls.expired"),
    (TrustOutcome.NOT_YET_VALID, "tls.not-yet-valid"),
)
_TIME = frozenset({TrustOutcome.EXPIRED, TrustOutcome.NOT_YET_VALID})


def tls_obstacle(tls: TlsSeen) -> Obstacle | None:
    """Why a Go client would go no further; None when it would."""
    if tls.wants_certificate:
        what = "it asks for a certificate of the client and refuses without one"
        return Obstacle("tls.client-cert", (f"TLS with {tls.peer}: {what}",))
    if tls.outcome is TlsOutcome.SHAKEN:
        return _certificate(tls)
    if is_plain_http(tls):
        status = f"a plain GET /v2/ is answered with {tls.plain_status}"
        return Obstacle("tls.http-server", (_line(tls), status))
    code, more = _unshaken(tls)
    return Obstacle(code, (_line(tls), *more))


def is_plain_http(tls: TlsSeen) -> bool:
    """Whether the other side speaks HTTP without TLS: and is not TLS that says so in plain words."""
    if tls.outcome is TlsOutcome.HTTP_ANSWER:
        return True
    told = tls.plain_status == 400 and "https" in tls.plain_body.lower()
    return tls.plain_status is not None and not told


def _unshaken(tls: TlsSeen) -> tuple[str, tuple[str, ...]]:
    if tls.small_segments_pass:
        return "net.mtu", ("with segments of 400 bytes at most the same handshake passes",)
    if tls.versions and not _SPOKEN_TODAY & set(tls.versions):
        return "tls.version", (f"it speaks {', '.join(tls.versions)} and nothing newer",)
    match tls.outcome:
        case TlsOutcome.TIMED_OUT:
            tried = tls.small_segments_pass is False  # the probe may have had no time left for it
            more = "neither small packets nor a plain GET bring an answer"
            return "tls.timeout", (more,) if tried else ()
        case TlsOutcome.NOT_TLS:
            return "tls.not-tls", (f"it begins with {tls.banner!r}",) if tls.banner else ()
        case TlsOutcome.RESET | TlsOutcome.CLOSED:
            ended = "net.reset" if tls.outcome is TlsOutcome.RESET else "net.closed"
            return ended, _when_it_ended(tls)
        case _:
            return _alerted(tls)


def _alerted(tls: TlsSeen) -> tuple[str, tuple[str, ...]]:
    if "unrecognized" in tls.alert:
        return "tls.unrecognized-name", ()
    if "certificate" in tls.alert:
        return "tls.client-cert", ()
    if tls.versions and "version" not in tls.alert and "protocol" not in tls.alert:
        return "tls.version", ("with old ciphers allowed a handshake passes",)
    return "tls.version", ()


def _when_it_ended(tls: TlsSeen) -> tuple[str, ...]:
    if tls.refused_before_hello:
        return ("it ends connections before anything is said",)
    if tls.other_name_passes:
        return (f"with another server name than {tls.host} the handshake passes",)
    return ()


def _line(tls: TlsSeen) -> str:
    alert = f" ({tls.alert})" if tls.alert else ""
    return f"TLS with {tls.host} at {tls.peer}: {tls.outcome.value}{alert}"


def _certificate(tls: TlsSeen) -> Obstacle | None:
    problems = set(tls.problems)
    if not problems:
        return None
    leaf, evidence = tls.chain[0], _told(tls)
    if problems <= _TIME and tls.server_clock is not None and _skewed(tls, leaf):
        apart = tls.server_clock - tls.clock
        cause = f"the clock here is {_span(apart)} {'behind' if apart > 0 else 'ahead'}"
        theirs = f"the server's Date is {_date(tls.server_clock)}, here it is {_date(tls.clock)}"
        return Obstacle("tls.clock-skew", (*evidence, theirs), cause)
    code = next(code for problem, code in _BY_PROBLEM if problem in problems)
    return Obstacle(code, evidence)


def _skewed(tls: TlsSeen, leaf: CertificateSeen) -> bool:
    """Whether the certificate is good by the server's clock, and it is not ours."""
    assert tls.server_clock is not None, "the caller has looked"
    good_there = leaf.not_before <= tls.server_clock <= leaf.not_after
    good_here = leaf.not_before <= tls.clock <= leaf.not_after
    return good_there and not good_here and abs(tls.server_clock - tls.clock) > SKEW


def _told(tls: TlsSeen) -> tuple[str, ...]:
    leaf = tls.chain[0]
    words = ", ".join(problem.value for problem in tls.problems)
    names = ", ".join(leaf.names[:10]) or f"none, common name {leaf.common_name}"
    lines = [
        f"the certificate of {tls.host} at {tls.peer} is {words}",
        f"it is for {names}; from {_date(leaf.not_before)} to {_date(leaf.not_after)}",
        f"its subject is {leaf.subject}, its issuer {leaf.issuer}; sha256 {leaf.sha256}",
    ]
    if len(tls.chain) == 1 and TrustOutcome.UNTRUSTED in tls.problems:
        lines.append("the server sends this certificate alone: perhaps an intermediate is missing")
    return tuple(lines)


def _date(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _span(seconds: int) -> str:
    seconds = abs(seconds)
    if seconds >= 2 * 86400:
        return f"{seconds // 86400} days"
    return f"{seconds // 3600} hours" if seconds >= 7200 else f"{seconds // 60} minutes"
