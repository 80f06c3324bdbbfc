"""Who asks: a bearer token of a built-in user or of a service account; without one, nobody in particular."""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from towline.cluster.api.service_account_token import TokenMaker
from towline.cluster.api.settings import User
from towline.kube.refusal import Refusal

ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))
_UNAUTHENTICATED = "system:unauthenticated"
AUTHENTICATED = "system:authenticated"


class Authenticator:
    """Finds the user of a request."""

    def __init__(self, tokens: Mapping[str, User], service_accounts: TokenMaker) -> None:
        self._tokens = [(token.encode(), user) for token, user in tokens.items()]
        self._service_accounts = service_accounts

    def user_of(self, authorization: str) -> User:
        """The user of an `Authorization` header; raises a 401 refusal for a token that is not good."""
        scheme, _, token = authorization.partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            return ANONYMOUS
        user = self.user_of_token(token)
        if user is None:
            raise Refusal(401, "Unauthorized", "Unauthorized")
        return user

    def user_of_token(self, token: str) -> User | None:
        """Whose token it is, if it is good."""
        sent = token.encode()
        # All are compared, so that the time tells nothing of which one was nearly right.
        found = [user for known, user in self._tokens if hmac.compare_digest(known, sent)]
        return found[0] if found else self._service_accounts.user_of(token)


def groups_of(user: User) -> tuple[str, ...]:
    """All groups of a user, with the one that everybody known belongs to."""
    return user.groups if _UNAUTHENTICATED in user.groups else (*user.groups, AUTHENTICATED)
