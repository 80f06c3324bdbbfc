"""The TLS handshake, as a Go client would make it and judge it."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from towline.diagnosis.observed_path import CertificateSeen, TlsOutcome, TlsSeen, TrustOutcome
from towline.probe.authorities import Authorities
from towline.probe.certificate import problems, read_certificate
from towline.probe.stream import Stream, TlsStream

_NOT_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG"})
_HTTP = re.compile(rb"HTTP/|\s*<(?:!doctype|html)", re.IGNORECASE)
_RECORD = re.compile(rb"[\x14-\x17]\x03[\x00-\x04]")  # RFC 8446 §5.1
_ALERT = re.compile(r"(?:SSLV3|TLSV1|TLSV13|TLS)_(?:ALERT_)?(.+)")
_ENDS = frozenset({"UNEXPECTED_EOF_WHILE_READING", None})
_HANDSHAKE_RECORD = b"\x16"
_CERTIFICATE_REQUEST = 13
_REFUSALS = frozenset({TlsOutcome.ALERT, TlsOutcome.CLOSED, TlsOutcome.RESET, TlsOutcome.FAILED})
_EXPIRED_OR_EARLY = frozenset({9, 10})  # OpenSSL's X509_V_ERR_*

Connect = Callable[[int], Awaitable[Stream]]
"""Opens a new connection to the same place, with segments of that many bytes at most unless it is
0. Raises `OSError`.
"""


@dataclass(frozen=True, slots=True)
class Handshake:
    """Whom to speak TLS with, and what is believed of them."""

    host: str
    peer: str
    connect: Connect
    authorities: Authorities
    clock: Callable[[], float]
    pins: frozenset[str] | None
    """The certificates that are believed; empty for whatever is signed well, None for all."""
    seconds: float
    """How long one handshake may take."""

    @property
    def name(self) -> str:
        """What goes into the server name extension; OpenSSL leaves addresses out by itself."""
        return self.host.rstrip(".")


@dataclass(frozen=True, slots=True)
class Shaken:
    """One handshake: how it ended, and the stream when it ended well."""

    outcome: TlsOutcome
    stream: TlsStream | None = None
    reason: str = ""
    """OpenSSL's."""
    verdict: int = 0
    """OpenSSL's verification error."""
    heard: bytes = b""


async def shake(
    handshake: Handshake, stream: Stream, context: ssl.SSLContext, name: str | None = None
) -> Shaken:
    """One handshake on a new connection, within its time."""
    secured = TlsStream(stream, context, handshake.name if name is None else name or None)
    try:
        async with asyncio.timeout(handshake.seconds):
            await secured.shake()
    except OSError as error:
        stream.close()
        return _failed(error, secured.heard)
    except BaseException:
        stream.close()
        raise
    return Shaken(TlsOutcome.SHAKEN, secured)


async def shake_anew(
    handshake: Handshake, context: ssl.SSLContext, name: str | None = None, segment: int = 0
) -> Shaken:
    """The same on a connection of its own."""
    try:
        stream = await handshake.connect(segment)
    except OSError as error:
        return _failed(error, b"")
    return await shake(handshake, stream, context, name)


async def secure(handshake: Handshake, stream: Stream) -> tuple[TlsSeen, TlsStream | None]:
    """Shake hands and judge the certificate; the stream is None where a Go client would stop."""
    authorities = handshake.authorities
    judging = handshake.pins is not None and not handshake.pins
    trusting = await authorities.loaded() if judging else authorities.anyone
    shaken = await shake(handshake, stream, trusting)
    seen = replace(_seen(handshake, shaken), wants_certificate=_asked_for_ours(shaken))
    if shaken.verdict:
        return await _judged(handshake, seen, shaken.verdict), None
    if shaken.stream is None:
        return seen, None
    seen = _with_chain(handshake, seen, shaken.stream, 0)
    if handshake.pins:
        pinned = bool(seen.chain) and seen.chain[0].sha256 in handshake.pins
        seen = replace(seen, problems=() if pinned else (TrustOutcome.NOT_PINNED,))
    if handshake.pins is not None and seen.problems:
        shaken.stream.close()
        return seen, None
    return seen, shaken.stream


async def _judged(handshake: Handshake, seen: TlsSeen, verdict: int) -> TlsSeen:
    """A certificate that OpenSSL refuses, looked at on a second connection that verifies nothing."""
    if verdict in _EXPIRED_OR_EARLY:
        timeless = await shake_anew(handshake, handshake.authorities.timeless)
        verdict = timeless.verdict or verdict
        if timeless.stream is not None:
            timeless.stream.close()
    again = await shake_anew(handshake, handshake.authorities.anyone)
    if again.stream is None:
        return replace(seen, outcome=again.outcome)
    again.stream.close()
    return _with_chain(handshake, replace(seen, outcome=TlsOutcome.SHAKEN), again.stream, verdict)


def _seen(handshake: Handshake, shaken: Shaken) -> TlsSeen:
    alert = _ALERT.fullmatch(shaken.reason)
    return TlsSeen(
        handshake.host,
        handshake.peer,
        shaken.outcome,
        alert=_plain(alert[1] if alert else shaken.reason),
        ca_file=handshake.authorities.extra,
        clock=int(handshake.clock()),
        banner=_printable(shaken.heard) if shaken.outcome is TlsOutcome.NOT_TLS else "",
    )


def _asked_for_ours(shaken: Shaken) -> bool:
    """Whether a refused handshake of TLS 1.2 or older held a CertificateRequest (RFC 5246 §7.4.4).

    In TLS 1.3 it is encrypted, and the refusal comes instead of the first answer.
    """
    if shaken.outcome not in _REFUSALS:
        return False
    return _CERTIFICATE_REQUEST in handshake_messages(shaken.heard)


def handshake_messages(heard: bytes) -> tuple[int, ...]:
    """The kinds of the handshake messages in what a server sent in clear."""
    content, position = bytearray(), 0
    while heard[position : position + 1] == _HANDSHAKE_RECORD:
        end = position + 5 + int.from_bytes(heard[position + 3 : position + 5], "big")
        content += heard[position + 5 : end]
        position = end
    kinds, position = list[int](), 0
    while position + 4 <= len(content):
        kinds.append(content[position])
        position += 4 + int.from_bytes(content[position + 1 : position + 4], "big")
    return tuple(kinds)


def _with_chain(handshake: Handshake, seen: TlsSeen, stream: TlsStream, verdict: int) -> TlsSeen:
    chain = _chain(stream.object)
    found = problems(chain, handshake.name, seen.clock, verdict) if chain else ()
    version = stream.object.version() or ""
    return replace(seen, version=version, chain=chain, problems=found)


def _chain(secured: ssl.SSLObject) -> tuple[CertificateSeen, ...]:
    """All certificates that the server sent. (Public only from Python 3.13.)"""
    inner: Any = getattr(secured, "_sslobj", secured)
    sent = inner.get_unverified_chain() or ()
    ders = (one if isinstance(one, bytes) else one.public_bytes(_DER) for one in sent)
    return tuple(seen for der in ders if (seen := read_certificate(der)) is not None)


_DER = 2  # _ssl.ENCODING_DER


def _failed(error: OSError, heard: bytes) -> Shaken:
    if isinstance(error, ssl.SSLCertVerificationError):
        return Shaken(TlsOutcome.SHAKEN, verdict=error.verify_code, heard=heard)
    if isinstance(error, ssl.SSLError) and error.reason not in _ENDS:
        return _misunderstood(error.reason or "", heard)
    if isinstance(error, TimeoutError):
        return Shaken(TlsOutcome.TIMED_OUT, heard=heard)
    closed = isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError | ssl.SSLError)
    return Shaken(TlsOutcome.CLOSED if closed else TlsOutcome.RESET, heard=heard)


def _misunderstood(reason: str, heard: bytes) -> Shaken:
    """The other side said something, but not what was hoped for."""
    if heard and not _RECORD.match(heard):
        outcome = TlsOutcome.HTTP_ANSWER if _HTTP.match(heard) else TlsOutcome.NOT_TLS
    elif reason in _NOT_TLS:
        outcome = TlsOutcome.NOT_TLS
    elif _ALERT.fullmatch(reason) or reason == "UNSUPPORTED_PROTOCOL":
        outcome = TlsOutcome.ALERT
    else:
        outcome = TlsOutcome.FAILED
    return Shaken(outcome, reason=reason, heard=heard)


def _plain(reason: str) -> str:
    return reason.lower().replace("_", " ")


def _printable(heard: bytes) -> str:
    text = heard[:200].decode("ascii", "replace").splitlines()
    return "".join(sign if sign.isprintable() else "." for sign in (text[0] if text else ""))
