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


def _network_remedy(fault: Fault) -> str:
    if fault.trouble is Trouble.HTTP_ANSWER:
        return "The registry speaks plain HTTP: give --plain-http if you trust the network to it."
    if fault.trouble is Trouble.NOT_PINNED:
        return "Find out whether the registry's certificate was renewed; then pin the new one."
    if fault.trouble in _UNTRUSTED:
        return "Give the registry's authority by --ca-file, or trust it by --insecure-skip-verify."
    if fault.trouble in _UNREACHED:
        return "Check that the registry's address and port can be reached from here."
    if fault.trouble is Trouble.NO_SUCH_HOST:
        return "Check the registry's name, and that this machine's resolver knows it."
    return "Try again; if it repeats, look at the network between here and the registry."
