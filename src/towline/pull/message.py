"""The words for a failed pull: containerd 1.7's and Go's, letter for letter, because people search
for them.

Read from containerd 1.7.27 (client `pull.go`, `remotes/docker`, `content`, `metadata`,
`pkg/unpack`) and checked against a running containerd in the tests. This is the only module that
may contain these texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import assert_never

from towline.oci.reference import Reference
from towline.pull import failure as f
from towline.pull.attempt import Attempt
from towline.pull.wire import Fault, Trouble

_CERTIFICATE = "tls: failed to verify certificate: x509: "  # Go 1.20 put the first part before it


def kubelet_text(attempts: Sequence[Attempt]) -> str:
    """What the kubelet prints after all credentials were tried: one text, or a list without
    repetitions.
    """
    texts = [rpc_text(attempt) for attempt in attempts if attempt.failure]
    if len(texts) == 1:
        return texts[0]
    distinct = tuple(dict.fromkeys(texts))
    return distinct[0] if len(distinct) == 1 else f"[{', '.join(distinct)}]"


def rpc_text(attempt: Attempt) -> str:
    """One attempt's failure as the runtime interface reports it."""
    assert attempt.failure is not None
    reference = attempt.reference
    code, text = rpc_code(attempt.failure), failure_text(attempt.failure, reference)
    return f'rpc error: code = {code} desc = failed to pull and unpack image "{reference}": {text}'


def rpc_code(failure: f.Failure) -> str:
    """The gRPC code that containerd's error classes map to."""
    match failure.cause:
        case (
            f.ManifestNotFound()
            | f.ManifestTooLarge()
            | f.NoPlatform()
            | f.ContentNotFound()
            | f.UnexpectedMediaType()
        ):
            return "NotFound"
        case f.ContentTooLong() | f.DigestDiffers():
            return "FailedPrecondition"
        case f.SizeZero():
            return "InvalidArgument"
        case f.CopyBroken(fault) | f.RequestFailed(_, _, fault) if fault.trouble is Trouble.STALLED:
            return "Canceled"
        case _:
            return "Unknown"


def failure_text(failure: f.Failure, reference: Reference) -> str:
    """What follows `failed to pull and unpack image "…": `."""
    match failure.place:
        case f.Place.RESOLVE:
            text = _resolve_text(failure.cause, reference)
            return f'failed to resolve reference "{reference}": {text}'
        case f.Place.FETCH:
            text = _fetch_text(failure.cause, reference)
            return f"failed to copy: httpReadSeeker: failed open: {text}"
        case f.Place.UNPACK:
            return _cause_text(failure.cause, reference)
        case _:
            assert_never(failure.place)


def push_text(cause: f.Cause, reference: Reference) -> str:
    """What is said of a push that failed; docker's words around containerd's."""
    if isinstance(cause, f.AuthorizationRefused | f.NoBasicCredentials):
        denied = "push access denied, repository does not exist or may require authorization"
        return f'failed to push image "{reference}": {denied}: {_cause_text(cause, reference)}'
    text = _fetch_text(cause, reference)
    return f'failed to push image "{reference}": {text}'


def _resolve_text(cause: f.Cause, reference: Reference) -> str:
    text = _cause_text(cause, reference)
    if isinstance(cause, f.AuthorizationRefused | f.NoBasicCredentials):
        return f"pull access denied, repository does not exist or may require authorization: {text}"
    return text


def _fetch_text(cause: f.Cause, reference: Reference) -> str:
    if isinstance(cause, f.UnexpectedStatus):
        message = f" - Server message: {cause.server_message}" if cause.server_message else ""
        return f"unexpected status code {cause.url}: {cause.status}{message}"
    return _cause_text(cause, reference)


def _cause_text(cause: f.Cause, reference: Reference) -> str:
    match cause:
        case f.RequestFailed():
            return f"failed to do request: {_request_text(cause)}"
        case f.UnexpectedStatus():
            return _status_text(cause)
        case f.TokenRefused(grant, reason):
            return f"failed to authorize: failed to fetch {grant} token: {_token_text(reason)}"
        case f.CopyBroken(fault):
            return f"failed to copy: {fault_text(fault)}"
        case _:
            return TEMPLATES[type(cause)].format(c=cause, reference=reference)


TEMPLATES: Mapping[type[f.Cause], str] = {
    f.BadChallenge: "{c.detail}",
    f.Unreadable: "{c.detail}",
    f.AuthorizationRefused: "server message: {c.error}: authorization failed",
    f.NoBasicCredentials: "authorization failed: no basic auth credentials",
    f.ManifestNotFound: "{reference}: not found",
    f.ManifestTooLarge: "rejecting {c.size} byte manifest for {reference}: not found",
    f.InvalidDigestHeader: (
        '"{c.text}" in header not a valid digest: invalid checksum digest format'
    ),
    f.NoPlatform: "no match for platform in manifest: not found",
    f.UnexpectedMediaType: "unexpected media type {c.media_type} for {c.digest}: not found",
    f.LayerCountDiffers: ("number of layers and diffIDs don't match: {c.layers} != {c.diff_ids}"),
    f.ContentNotFound: (
        "could not fetch content descriptor {c.digest} ({c.media_type}) from remote: not found"
    ),
    f.ContentTooShort: "failed to read expected number of bytes: unexpected EOF",
    f.ContentTooLong: (
        'failed commit on ref "{c.ref}": "{c.ref}" failed size validation: '
        "{c.seen} != {c.expected}: failed precondition"
    ),
    f.DigestDiffers: (
        'failed commit on ref "{c.ref}": unexpected commit digest {c.seen}, '
        "expected {c.expected}: failed precondition"
    ),
    f.SizeZero: (
        "unable to fetch descriptor ({c.digest}) which reports content size of zero: "
        "invalid argument"
    ),
    f.LayerUnusable: "failed to extract layer {c.diff_id}: {c.detail}: unknown",
    f.DiffIdDiffers: 'wrong diff id calculated on extraction "{c.diff_id}"',
    f.StorageFailed: "failed to copy: {c.detail}",
}


def _token_text(
    reason: f.RequestFailed | f.UnexpectedStatus | f.NoToken | f.UnreadableToken,
) -> str:
    match reason:
        case f.RequestFailed():
            return _request_text(reason)
        case f.UnexpectedStatus():
            return _status_text(reason)
        case f.NoToken():
            return "authorization server did not include a token in the response"
        case f.UnreadableToken(detail):
            return f"unable to decode token response: {detail}"
        case _:
            assert_never(reason)


def _request_text(cause: f.RequestFailed) -> str:
    return f'{cause.method.capitalize()} "{cause.url}": {fault_text(cause.fault)}'


def _status_text(cause: f.UnexpectedStatus) -> str:
    return f"unexpected status from {cause.method} request to {cause.url}: {cause.status}"


def fault_text(fault: Fault) -> str:
    """A fault of the network in the words of Go's `net`, `crypto/tls` and `net/http`."""
    if fault.proxy:
        return f"proxyconnect tcp: {fault_text(replace(fault, proxy=''))}"
    if fault.trouble in _LOOKUPS:
        return f"dial tcp: {_lookup_text(fault)}"
    if fault.trouble in _DIALS:
        return f"dial tcp {fault.subject}: {_DIALS[fault.trouble] or fault.detail}"
    if fault.trouble in _STREAMS:
        return _STREAMS[fault.trouble].format(f=fault)
    return _secure_text(fault)


_LOOKUPS = frozenset(
    {
        Trouble.NO_SUCH_HOST,
        Trouble.LOOKUP_TIMED_OUT,
        Trouble.LOOKUP_REFUSED,
        Trouble.LOOKUP_FAILED,
    }
)
_DIALS = {
    Trouble.TIMED_OUT: "i/o timeout",
    Trouble.REFUSED: "connect: connection refused",
    Trouble.NO_ROUTE: "connect: no route to host",
    Trouble.NETWORK_UNREACHABLE: "connect: network is unreachable",
    Trouble.DIAL_FAILED: "",
}
_STREAMS = {
    Trouble.HTTP_ANSWER: "http: server gave HTTP response to HTTPS client",
    Trouble.NOT_TLS: "tls: first record does not look like a TLS handshake",
    Trouble.HANDSHAKE_TIMED_OUT: "net/http: TLS handshake timeout",
    Trouble.TLS_ALERT: "remote error: tls: {f.detail}",
    Trouble.TLS_FAILED: "tls: {f.detail}",
    Trouble.RESET: "read tcp {f.local}->{f.subject}: read: connection reset by peer",
    Trouble.NOT_PINNED: (  # ours: containerd has no pins
        _CERTIFICATE + "certificate of {f.subject} is not the pinned one: {f.detail}"
    ),
    Trouble.CLOSED: "EOF",
    Trouble.STALLED: "context canceled",
    Trouble.MALFORMED: (
        'net/http: HTTP/1.x transport connection broken: malformed HTTP response "{f.detail}"'
    ),
    Trouble.PROXY_SAID_NO: "{f.detail}",  # the words of its status, and nothing of a proxy
    Trouble.PROXY_SILENT: "context deadline exceeded",
    Trouble.PROXY_UNUSABLE: "invalid proxy address",
}


def _lookup_text(fault: Fault) -> str:
    where = f"lookup {fault.subject}" + (f" on {fault.server}" if fault.server else "")
    read = f"read udp {fault.local}->{fault.server}: " if fault.server and fault.local else ""
    match fault.trouble:
        case Trouble.NO_SUCH_HOST:
            return f"{where}: no such host"
        case Trouble.LOOKUP_TIMED_OUT:
            return f"{where}: {read}i/o timeout"
        case Trouble.LOOKUP_REFUSED:
            return f"{where}: {read}read: connection refused"
        case _:
            return f"{where}: server misbehaving"


def _secure_text(fault: Fault) -> str:
    match fault.trouble:
        case Trouble.WRONG_NAME:
            return f"{_CERTIFICATE}certificate is valid for {fault.detail}, not {fault.subject}"
        case Trouble.NO_NAMES:
            wanted = f"but wanted to match {fault.subject}"
            return f"{_CERTIFICATE}certificate is not valid for any names, {wanted}"
        case Trouble.NO_ADDRESS_NAMES:
            reason = "because it doesn't contain any IP SANs"
            return f"{_CERTIFICATE}cannot validate certificate for {fault.subject} {reason}"
        case Trouble.LEGACY_NAME:
            return f"{_CERTIFICATE}certificate relies on legacy Common Name field, use SANs instead"
        case Trouble.EXPIRED:
            reason = f"certificate has expired or is not yet valid: {fault.detail}"
            return f"{_CERTIFICATE}{reason}"
        case _:
            return f"{_CERTIFICATE}certificate signed by unknown authority"


def expiry_detail(now: str, bound: str, *, expired: bool) -> str:
    """Go's words for a certificate out of its time; both times in RFC 3339."""
    return f"current time {now} is {'after' if expired else 'before'} {bound}"


def server_message(errors: Iterable[tuple[str, str]]) -> str:
    """A registry's own errors, code and message, as containerd lists them."""
    texts = [f"{code.lower().replace('_', ' ')}: {message}" for code, message in errors]
    if len(texts) <= 1:
        return "".join(texts)
    return "errors:\n" + "".join(f"{text}\n" for text in texts)


def content_ref(kind: str, digest: object) -> str:
    """The name under which containerd takes content in: `layer-sha256:…`."""
    return f"{kind}-{digest}"
