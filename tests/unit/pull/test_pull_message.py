"""The words for every failure: containerd's, and a table that is complete."""

from __future__ import annotations

from typing import get_args

import pytest

from towline.oci.digest import Digest
from towline.oci.reference import Reference
from towline.pull import failure as f
from towline.pull.attempt import Attempt
from towline.pull.message import TEMPLATES, fault_text, kubelet_text, server_message
from towline.pull.wire import Fault, Trouble

REFERENCE = Reference.parse("demo.tencentcloudcr.com/ns/app:v1")
URL = "https://demo.tencentcloudcr.com/v2/ns/app/manifests/v1"
A, B = Digest.of(b"a"), Digest.of(b"b")


def failed(place: f.Place, cause: f.Cause, username: str | None = None) -> Attempt:
    """An attempt that ended so."""
    return Attempt(REFERENCE, username, (), f.Failure(place, cause))


TIMEOUT = f.RequestFailed("HEAD", URL, Fault(Trouble.TIMED_OUT, "198.18.0.10:443"))


NAME = "demo.tencentcloudcr.com/ns/app:v1"
PULL = f'desc = failed to pull and unpack image "{NAME}": '
RESOLVE = f'{PULL}failed to resolve reference "{NAME}": '
DENIED = "pull access denied, repository does not exist or may require authorization: "


@pytest.mark.parametrize(
    ("place", "cause", "parts"),
    [
        (
            f.Place.RESOLVE,
            TIMEOUT,
            ("Unknown ", RESOLVE, f'failed to do request: Head "{URL}": ',
             "dial tcp 198.18.0.10:443: i/o timeout"),
        ),
        (
            f.Place.RESOLVE,
            f.AuthorizationRefused("insufficient_scope"),
            ("Unknown ", RESOLVE, DENIED,
             "server message: insufficient_scope: authorization failed"),
        ),
        (
            f.Place.UNPACK,
            f.DigestDiffers(f"layer-{A}", B, A),
            ("FailedPrecondition ", PULL, f'failed commit on ref "layer-{A}": ',
             f"unexpected commit digest {B}, expected {A}: failed precondition"),
        ),
        (
            f.Place.UNPACK,
            f.ContentTooLong(f"layer-{A}", 12, 10),
            ("FailedPrecondition ", PULL, f'failed commit on ref "layer-{A}": ',
             f'"layer-{A}" failed size validation: 12 != 10: failed precondition'),
        ),
        (
            f.Place.UNPACK,
            f.ContentTooShort(5, 10),
            ("Unknown ", PULL, "failed to read expected number of bytes: unexpected EOF"),
        ),
        (
            f.Place.RESOLVE,
            f.NoBasicCredentials(),
            ("Unknown ", RESOLVE, DENIED, "authorization failed: no basic auth credentials"),
        ),
    ],
    ids=["timeout", "denied", "digest", "too-long", "too-short", "basic"],
)  # fmt: skip
def test_a_failure_reads_as_containerd_writes_it(
    place: f.Place, cause: f.Cause, parts: tuple[str, ...]
) -> None:
    """The whole line, as `kubectl describe pod` shows it."""
    text = "".join(("rpc error: code = ", *parts))

    assert kubelet_text([failed(place, cause)]) == text


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (
            Fault(Trouble.NO_SUCH_HOST, "h.io", "183.60.83.19:53"),
            "dial tcp: lookup h.io on 183.60.83.19:53: no such host",
        ),
        (Fault(Trouble.NO_SUCH_HOST, "h.io"), "dial tcp: lookup h.io: no such host"),
        (
            Fault(Trouble.LOOKUP_TIMED_OUT, "h.io", "10.0.0.2:53", "10.0.0.5:4000"),
            ("dial tcp: lookup h.io on 10.0.0.2:53: "
            "read udp 10.0.0.5:4000->10.0.0.2:53: i/o timeout"),
        ),
        (
            Fault(Trouble.REFUSED, "10.0.0.1:443"),
            "dial tcp 10.0.0.1:443: connect: connection refused",
        ),
        (
            Fault(Trouble.NO_ROUTE, "10.0.0.1:443"),
            "dial tcp 10.0.0.1:443: connect: no route to host",
        ),
        (
            Fault(Trouble.RESET, "10.0.0.1:443", local="10.0.0.2:99"),
            "read tcp 10.0.0.2:99->10.0.0.1:443: read: connection reset by peer",
        ),
        (
            Fault(Trouble.WRONG_NAME, "h.io", detail="a.io, b.io"),
            ("tls: failed to verify certificate: x509: "
            "certificate is valid for a.io, b.io, not h.io"),
        ),
        (
            Fault(Trouble.UNKNOWN_AUTHORITY, "h.io"),
            "tls: failed to verify certificate: x509: certificate signed by unknown authority",
        ),
        (Fault(Trouble.HANDSHAKE_TIMED_OUT, "x"), "net/http: TLS handshake timeout"),
        (Fault(Trouble.TLS_ALERT, "x", detail="bad record"), "remote error: tls: bad record"),
    ],
    ids=lambda value: value.trouble.name if isinstance(value, Fault) else "",
)  # fmt: skip
def test_a_fault_reads_as_go_writes_it(fault: Fault, text: str) -> None:
    """Go's `net`, `crypto/tls` and `net/http`."""
    assert fault_text(fault) == text


def test_every_trouble_has_words() -> None:
    """A new one without words fails here, and no two that matter are alike."""
    for trouble in Trouble:
        assert fault_text(Fault(trouble, "10.0.0.1:443", detail="why"))


def test_every_cause_has_words() -> None:
    """Those that are not made from parts stand in the table."""
    composed = {f.RequestFailed, f.UnexpectedStatus, f.TokenRefused, f.CopyBroken}

    assert set(TEMPLATES) == set(get_args(f.Cause)) - composed


def test_several_logins_give_one_list_without_repetitions() -> None:
    """The kubelet's aggregate."""
    denied = failed(f.Place.RESOLVE, f.AuthorizationRefused("insufficient_scope"), "a")
    absent = failed(f.Place.RESOLVE, f.ManifestNotFound(), "b")

    assert kubelet_text([denied, denied]) == kubelet_text([denied])
    both = kubelet_text([denied, absent, denied])
    assert both == f"[{kubelet_text([denied])}, {kubelet_text([absent])}]"


def test_a_registrys_own_errors_are_listed_as_containerd_does() -> None:
    """One bare, several under a heading."""
    assert server_message([("DENIED", "no")]) == "denied: no"
    two = server_message([("NAME_UNKNOWN", "x"), ("DENIED", "y")])
    assert two == "errors:\nname unknown: x\ndenied: y\n"
