"""What a probe saw of keys and tokens: who asked, what was given, and what that was good for."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

from towline.diagnosis.answered import refused
from towline.diagnosis.observation import HttpSeen, LoginSeen, Observations, TokenSeen


def closed(seen: Observations) -> HttpSeen | None:
    """The answer with which the registry refused the manifest; None when it did not.

    A 403 without a registry's error is a firewall's page, and no word about keys.
    """
    answer = seen.manifest.answer if seen.manifest else None
    if answer is None or not (refused(answer, 401) or (refused(answer, 403) and answer.errors)):
        return None
    return answer


def is_open(seen: Observations) -> bool:
    """Whether the manifest was had, so that no key is missing, whatever `/v2/` asks for."""
    return seen.manifest is not None and seen.manifest.answer.status == 200


def key(seen: Observations) -> LoginSeen | None:
    """The key that is for this image."""
    return next((login for login in seen.logins if login.matches), None)


def scoped(seen: Observations) -> TokenSeen | None:
    """The request for a token that the pull depends on: the last with a scope and the best key.

    None when the pull does not depend on any.
    """
    if is_open(seen):
        return None
    with_scope = [token for token in seen.tokens if token.scopes]
    with_key = [token for token in with_scope if token.username is not None or token.withheld]
    found = with_key or with_scope
    return found[-1] if found else None


def without_scope(seen: Observations) -> TokenSeen | None:
    """The request that tells whether the key itself is any good."""
    return next((t for t in seen.tokens if not t.scopes and t.username is not None), None)


def grants_pull(token: TokenSeen, repository: str) -> bool | None:
    """Whether a token may read a repository; None when it does not say."""
    if not token.readable_claims:
        return None
    return f"repository:{repository}:pull" in token.granted or (
        f"repository:{repository}:*" in token.granted
    )


def clock(seen: Observations) -> int | None:
    """The time of the probe, by its own clock or else by the registry's."""
    if seen.path is not None and seen.path.tls is not None and seen.path.tls.clock:
        return seen.path.tls.clock
    return date_of(seen.ping) if seen.ping is not None else None


def date_of(answer: HttpSeen) -> int | None:
    """Its Date header."""
    try:
        return int(parsedate_to_datetime(answer.header("date")).timestamp())
    except ValueError:
        return None


def keys_there_are(seen: Observations) -> str:
    """`the keys there are open a.example, b.example`; or that there are none."""
    places = ", ".join(dict.fromkeys(login.key for login in seen.logins))
    return f"the keys there are open {places}" if places else "there is no key at all"
