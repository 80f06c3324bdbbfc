"""What is wrong with the answers of a registry that is reached, before it asks who we are."""

from __future__ import annotations

from towline.diagnosis.answered import answered
from towline.diagnosis.facts import Facts
from towline.diagnosis.observation import HttpOutcome, HttpSeen, Observations
from towline.diagnosis.observed_path import TlsOutcome
from towline.diagnosis.obstacle import Obstacle

_ENDINGS = {
    HttpOutcome.TIMED_OUT: "http.timeout",
    HttpOutcome.STALLED: "http.timeout",
    HttpOutcome.RESET: "net.reset",
    HttpOutcome.CLOSED: "net.closed",
    HttpOutcome.TRUNCATED: "net.closed",
    HttpOutcome.TLS_ANSWER: "http.tls-server",
    HttpOutcome.MALFORMED: "http.not-a-registry",
    HttpOutcome.REDIRECT_LOOP: "http.redirect-loop",
}
_STATUSES = {
    400: "http.bad-request",
    429: "http.rate-limit",
    502: "http.bad-gateway",
    503: "http.unavailable",
    504: "http.gateway-timeout",
}
_NO_CERTIFICATE = frozenset({400, 403, 495, 496})  # nginx, where its certificates are optional
_HEAD_THAT_IS_FOLLOWED_BY_GET = frozenset({401, 405})
LIMIT_HEADERS = ("retry-after", "ratelimit-limit", "ratelimit-remaining")


def answer_obstacle(facts: Facts) -> Obstacle | None:
    """What ends the talk with the registry; None when that is about a key or an image."""
    seen = facts.seen
    if seen is None or seen.path is None or not seen.path.passed or seen.ping is None:
        return None
    return _speaks_tls(seen, seen.ping) or _rate_limit(seen) or _no_registry(seen) or _refusal(seen)


def _speaks_tls(seen: Observations, ping: HttpSeen) -> Obstacle | None:
    assert seen.path is not None, "it was gone"
    if seen.path.scheme != "http" or _is_good(seen):
        return None
    tls = seen.path.tls
    if tls is not None and (tls.outcome is TlsOutcome.SHAKEN or tls.wants_certificate):
        line = f"a TLS handshake with {seen.path.authority} passes"
        return Obstacle("http.tls-server", (answered(ping), line))
    if ping.status == 400 and "https" in ping.body.lower():
        return Obstacle("http.tls-server", (answered(ping), f"it says: {ping.title or ping.body}"))
    return None


def _rate_limit(seen: Observations) -> Obstacle | None:
    """A limit is a limit, whichever of its hosts has it."""
    tokens = (token.answer for token in seen.tokens)
    parts = (layer.answer for layer in seen.layers)
    config = seen.config.answer if seen.config else None
    found = next((a for a in (*_manifest(seen), *tokens, config, *parts) if _is_429(a)), None)
    if found is None and not _manifest(seen) and _is_429(seen.ping):
        found = seen.ping
    if found is None:
        return None
    limits = (f"{name}: {found.header(name)}" for name in LIMIT_HEADERS if found.header(name))
    return Obstacle("http.rate-limit", (answered(found), *limits))


def _is_429(answer: HttpSeen | None) -> bool:
    return answer is not None and answer.status == 429


def _no_registry(seen: Observations) -> Obstacle | None:
    """A web server: it knows neither `/v2/` nor the registry's way to say no."""
    ping = seen.ping
    assert ping is not None, "it was asked"
    if _is_good(seen) or ping.header("docker-distribution-api-version") or ping.errors:
        return None
    if ping.outcome is HttpOutcome.MALFORMED:
        return Obstacle("http.not-a-registry", (answered(ping),))
    page = ping.media_type == "text/html" or bool(ping.title)
    if not (ping.status == 404 or (ping.status == 200 and page)) or _says_no_as_a_registry(seen):
        return None
    title = (f"its page is called {ping.title!r}",) if ping.title else ()
    return Obstacle("http.not-a-registry", (answered(ping), *title))


def _says_no_as_a_registry(seen: Observations) -> bool:
    return any(answer.errors or answer.status == 401 for answer in _manifest(seen))


def _refusal(seen: Observations) -> Obstacle | None:
    """A status that has nothing to do with the image, for the manifest or, without it, for all."""
    manifest = seen.manifest
    if manifest is None:
        return _by_answer(seen.ping) if seen.ping else None
    if _is_good(seen):
        return _head(seen)
    head, answer = manifest.head, manifest.answer
    if head is not None and head.outcome is not HttpOutcome.ANSWERED:
        return _by_answer(head)
    return _by_answer(answer)


def _head(seen: Observations) -> Obstacle | None:
    """GET is answered and HEAD, with which every pull begins, is not."""
    assert seen.manifest is not None, "it is good"
    head = seen.manifest.head
    if head is None or (head.outcome is HttpOutcome.ANSWERED and _head_is_fine(head)):
        return None
    if head.outcome is not HttpOutcome.ANSWERED:
        return _by_answer(head)
    return Obstacle("http.head-refused", (answered(head), answered(seen.manifest.answer)))


def _head_is_fine(head: HttpSeen) -> bool:
    return head.status < 400 or head.status in _HEAD_THAT_IS_FOLLOWED_BY_GET


def _by_answer(answer: HttpSeen) -> Obstacle | None:
    if answer.outcome is not HttpOutcome.ANSWERED:
        code = _ENDINGS.get(answer.outcome)
    elif answer.status in _NO_CERTIFICATE and "ssl certificate" in answer.body.lower():
        code = "tls.client-cert"
    elif answer.status == 403 and not answer.errors and answer.media_type == "text/html":
        code = "http.forbidden-page"
    elif answer.status >= 500:
        code = _STATUSES.get(answer.status, "http.server-error")
    else:
        code = _STATUSES.get(answer.status)
    return Obstacle(code, (answered(answer),)) if code is not None else None


def _is_good(seen: Observations) -> bool:
    """The manifest came, and is no web page."""
    answer = seen.manifest.answer if seen.manifest else None
    if answer is None or answer.outcome is not HttpOutcome.ANSWERED:
        return False
    return 200 <= answer.status < 300 and answer.media_type != "text/html"


def _manifest(seen: Observations) -> tuple[HttpSeen, ...]:
    if seen.manifest is None:
        return ()
    head = seen.manifest.head
    return (head, seen.manifest.answer) if head is not None else (seen.manifest.answer,)
