"""What a probe saw of the token server, where that is a host of its own."""

from __future__ import annotations

from towline.diagnosis import seen_path
from towline.diagnosis.facts import Facts
from towline.diagnosis.observation import Observations
from towline.diagnosis.seen_key import is_open


def is_plain(seen: Observations) -> bool:
    """Whether a registry with TLS names a token server without."""
    realm = seen.challenge.realm if seen.challenge else ""
    return realm.startswith("http://") and seen.path is not None and seen.path.scheme == "https"


def unreached(seen: Observations) -> tuple[str, ...]:
    """What stops packets on the way to it; empty when it can be spoken to."""
    return () if is_open(seen) else seen_path.unreached(seen.token_path)


def untrusted(seen: Observations) -> tuple[str, ...]:
    """What is wrong with TLS on the way to it; empty when it is reached and believed."""
    return () if is_open(seen) else seen_path.untrusted(seen.token_path)


def token_host(facts: Facts) -> str:
    """Where tokens are to be had, as far as known."""
    path = facts.seen.token_path if facts.seen else None
    return path.authority if path is not None else "the token host"
