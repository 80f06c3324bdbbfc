"""What a person can do about a failed pull or push, in one sentence."""

from __future__ import annotations

from collections.abc import Mapping

from towline.problem import Problem
from towline.pull import failure as f
from towline.pull.attempt import PullFailed
from towline.pull.wire import Fault, Trouble

_UNTRUSTED = frozenset(
    {
        Trouble.UNKNOWN_AUTHORITY,
        Trouble.WRONG_NAME,
        Trouble.NO_NAMES,
        Trouble.NO_ADDRESS_NAMES,
        Trouble.LEGACY_NAME,
        Trouble.EXPIRED,
    }
)
_UNREACHED = frozenset(
    {
        Trouble.TIMED_OUT,
        Trouble.REFUSED,
        Trouble.NO_ROUTE,
        Trouble.NETWORK_UNREACHABLE,
        Trouble.DIAL_FAILED,
    }
)


def pull_problem(failed: PullFailed) -> Problem:
    """The failure as a problem that names its remedy."""
    failure = failed.attempt.failure
    cause = failure.cause if failure else None
    return Problem("pull-failed", cause=str(failed), remedy=remedy(cause))


def remedy(cause: f.Cause | None) -> str:
    """What helps against this cause."""
    if isinstance(cause, f.RequestFailed | f.CopyBroken):
        return _network_remedy(cause.fault)
    if isinstance(cause, f.UnexpectedStatus) and cause.status.startswith("407 "):
        return _ASK_PROXY  # by plain HTTP, its answers look like the registry's
    return _REMEDIES.get(type(cause), "Read the registry's log for this request.")


_LOG_IN = (
    "Check the repository's name and your rights; "
    "log in by `docker login`, or give --username and --password."
)
_NO_SUCH_IMAGE = "Check the repository and the tag: the registry answers, but has no such image."
_DAMAGED = "Try again; if it repeats, the registry's copy is damaged: push the image again."
_REMEDIES: Mapping[type, str] = {
    f.AuthorizationRefused: _LOG_IN,
    f.NoBasicCredentials: _LOG_IN,
    f.TokenRefused: _LOG_IN,
    f.ManifestNotFound: _NO_SUCH_IMAGE,
    f.ContentNotFound: _NO_SUCH_IMAGE,
    f.NoPlatform: "Choose one of the image's platforms by --platform.",
    f.DigestDiffers: _DAMAGED,
    f.ContentTooShort: _DAMAGED,
    f.ContentTooLong: _DAMAGED,
    f.DiffIdDiffers: _DAMAGED,
    f.LayerUnusable: "The image is at fault: build it again without the file that is named.",
    f.StorageFailed: (
        "Make room on the disk and try again; towline content reclaim removes layers that are kept."
    ),
}


_CHECK_PROXY = "Correct HTTPS_PROXY (HTTP_PROXY), or put the registry's host into NO_PROXY."
_ASK_PROXY = (
    "This is a proxy's answer, not the registry's: write user and password into HTTPS_PROXY, have "
    "the proxy let the registry pass, or put the registry's host into NO_PROXY."
)
_AUTHORITY = "Give the registry's authority by --ca-file, or trust it by --insecure-skip-verify."
_REACH = "Check that the registry's address and port can be reached from here."
_NETWORK_REMEDIES: Mapping[Trouble, str] = {
    Trouble.HTTP_ANSWER: (
        "The registry speaks plain HTTP: give --plain-http if you trust the network to it."
    ),
    Trouble.NOT_PINNED: (
        "Find out whether the registry's certificate was renewed; then pin the new one."
    ),
    **dict.fromkeys(_UNTRUSTED, _AUTHORITY),
    **dict.fromkeys(_UNREACHED, _REACH),
    Trouble.NO_SUCH_HOST: "Check the registry's name, and that this machine's resolver knows it.",
    Trouble.PROXY_UNUSABLE: _CHECK_PROXY,
    Trouble.PROXY_SAID_NO: _ASK_PROXY,
    Trouble.PROXY_SILENT: _ASK_PROXY,
}


def _network_remedy(fault: Fault) -> str:
    other = "Try again; if it repeats, look at the network between here and the registry."
    return _CHECK_PROXY if fault.proxy else _NETWORK_REMEDIES.get(fault.trouble, other)
