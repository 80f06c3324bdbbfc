"""One HTTP request on a connection, and how it ended.

h11 reads the answer; what is kept of it is short and holds no secret: a few headers, the first
kilobyte of a refusal, the codes of a registry's error document.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import h11
import msgspec

from towline.diagnosis.observation import HttpOutcome, HttpSeen
from towline.oci.error_code import read_errors
from towline.probe.stream import Stream
from towline.pull.token import USER_AGENT
from towline.pull.wire import Url

MAX_BODY = 64 * 1024
MAX_EXCERPT = 1024
SHORTEST_SECRET = 4
_TELLING = frozenset(
    {
        "accept-ranges",
        "content-encoding",
        "content-length",
        "content-range",
        "content-type",
        "date",
        "docker-content-digest",
        "docker-distribution-api-version",
        "location",
        "proxy-authenticate",
        "ratelimit-limit",
        "ratelimit-remaining",
        "retry-after",
        "server",
        "transfer-encoding",
        "via",
        "www-authenticate",
        "x-cache",
        "x-ratelimit-limit",
        "x-ratelimit-remaining",
    }
)
_TITLE = re.compile(rb"<title[^>]*>\s*(.*?)\s*</title>", re.IGNORECASE | re.DOTALL)
_TLS_RECORD = re.compile(rb"[\x14-\x17]\x03[\x00-\x04]")


@dataclass(frozen=True, slots=True)
class Ask:
    """A request. Neither headers nor content appear in what is seen."""

    method: str
    url: Url
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    content: bytes = field(default=b"", repr=False)
    limit: int = MAX_BODY
    """How much of the body is read."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """What must not be repeated, whoever says it."""

    @property
    def credential(self) -> str:
        """The kind of credential in it: `basic`, `bearer` or nothing."""
        return self._authorization.partition(" ")[0].lower()

    @property
    def unspeakable(self) -> tuple[str, ...]:
        """All that an answer may not be quoted with."""
        return (*self.secrets, self._authorization.partition(" ")[2])

    @property
    def _authorization(self) -> str:
        found = (value for name, value in self.headers if name.lower() == "authorization")
        return next(found, "")


@dataclass(frozen=True, slots=True)
class Reply:
    """How a request ended, the bytes that came, and whether the connection can take another."""

    seen: HttpSeen
    content: bytes = field(default=b"", repr=False)
    reusable: bool = False
    location: str = field(default="", repr=False)
    """Where it leads, query and all."""
    alert: str = ""
    """OpenSSL's name for the alert that came instead of an answer."""


async def exchange(stream: Stream, ask: Ask, seconds: float, *, whole_url: bool = False) -> Reply:
    """Ask and read the answer, within some seconds; `whole_url` is what a plain proxy wants."""
    talk = _Talk(stream, ask)
    loop = asyncio.get_running_loop()
    began, alert = loop.time(), ""
    try:
        async with asyncio.timeout(seconds):
            await talk.request(whole_url=whole_url)
            await talk.answer()
        outcome = talk.outcome
    except TimeoutError:
        outcome = HttpOutcome.STALLED if talk.head else HttpOutcome.TIMED_OUT
    except OSError as error:
        outcome = HttpOutcome.RESET
        alert = str(error.reason or "") if isinstance(error, ssl.SSLError) else ""
    except h11.RemoteProtocolError:
        outcome = talk.broken()
    seen = replace(talk.seen(outcome), seconds=loop.time() - began)
    return Reply(seen, bytes(talk.content), talk.is_reusable(outcome), talk.location(), alert)


class _Talk:
    """One request and its answer, while they are made."""

    def __init__(self, stream: Stream, ask: Ask) -> None:
        self._stream = stream
        self._ask = ask
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_BODY)
        self._heard = b""
        self._over = False
        self.head: h11.Response | None = None
        self.content = bytearray()
        self.outcome = HttpOutcome.ANSWERED

    async def request(self, *, whole_url: bool) -> None:
        url = self._ask.url
        headers = [("Host", url.authority), *self._ask.headers]
        if all(name.lower() != "user-agent" for name, _ in headers):
            headers.append(("User-Agent", USER_AGENT))
        if self._ask.content:
            headers.append(("Content-Length", str(len(self._ask.content))))
        target = str(url) if whole_url else url.target
        request = h11.Request(method=self._ask.method, target=target, headers=headers)
        content = self._http.send(request) or b""
        if self._ask.content:
            content += self._http.send(h11.Data(data=self._ask.content)) or b""
        content += self._http.send(h11.EndOfMessage()) or b""
        await self._stream.send(content)

    async def answer(self) -> None:
        while len(self.content) < self._ask.limit:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                content = await self._stream.receive()
                self._heard = (self._heard + content)[:16]
                self._http.receive_data(content)
            elif isinstance(event, h11.Response):
                self.head = event
            elif isinstance(event, h11.Data):
                self.content += event.data
            elif isinstance(event, h11.EndOfMessage):
                self._over = True
                return
            elif isinstance(event, h11.ConnectionClosed) or event is h11.PAUSED:
                self.outcome = HttpOutcome.CLOSED
                return

    def broken(self) -> HttpOutcome:
        """What an answer is that h11 cannot read."""
        if self.head is not None:
            return HttpOutcome.TRUNCATED
        if not self._heard:
            return HttpOutcome.CLOSED
        tls = _TLS_RECORD.match(self._heard)
        return HttpOutcome.TLS_ANSWER if tls else HttpOutcome.MALFORMED

    def location(self) -> str:
        if self.head is None:
            return ""
        return next((v.decode("latin-1") for n, v in self.head.headers if n == b"location"), "")

    def is_reusable(self, outcome: HttpOutcome) -> bool:
        over = self._over and outcome is HttpOutcome.ANSWERED
        return over and self._http.our_state is h11.DONE and self._http.their_state is h11.DONE

    def seen(self, outcome: HttpOutcome) -> HttpSeen:
        url, content, hidden = self._ask.url, bytes(self.content), self._ask.unspeakable
        bare = str(url.with_target(url.target.partition("?")[0]))
        seen = HttpSeen(self._ask.method, bare, outcome, credential=self._ask.credential)
        if self.head is None:
            return seen
        reason = _discreet(self.head.reason.decode("ascii", "replace"), hidden)
        headers = tuple(_telling(self.head.headers.raw_items(), hidden))
        seen = replace(seen, status=self.head.status_code, reason=reason, headers=headers)
        return replace(
            seen,
            body="" if _as_asked(seen) else _excerpt(content, hidden),
            errors=_errors(content, hidden) if seen.status >= 400 else (),
            title=_discreet(_title(content), hidden),
            is_json=_is_json(content),
        )


def _as_asked(seen: HttpSeen) -> bool:
    return 200 <= seen.status < 300 and seen.media_type != "text/html"


def _telling(
    headers: Iterable[tuple[bytes, bytes]], secrets: tuple[str, ...]
) -> Iterable[tuple[str, str]]:
    for raw_name, raw_value in headers:
        name = raw_name.decode("ascii", "replace").lower()
        if name in _TELLING:
            value = _discreet(raw_value.decode("utf-8", "replace"), secrets)[:500]
            yield name, value.partition("?")[0] if name == "location" else value


def _excerpt(content: bytes, secrets: tuple[str, ...]) -> str:
    return _discreet(content[: 4 * MAX_EXCERPT].decode("utf-8", "replace"), secrets)[:MAX_EXCERPT]


def _discreet(text: str, secrets: tuple[str, ...]) -> str:
    for secret in secrets:
        if len(secret) >= SHORTEST_SECRET:  # shorter ones are part of every text
            text = text.replace(secret, "…")
    return text


def _errors(content: bytes, secrets: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple(
        (_discreet(error.code, secrets)[:100], _discreet(error.message, secrets)[:300])
        for error in read_errors(content)
    )


def _title(content: bytes) -> str:
    found = _TITLE.search(content)
    return " ".join(found[1].decode("utf-8", "replace").split())[:200] if found else ""


def _is_json(content: bytes) -> bool:
    try:
        msgspec.json.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False
    return True
