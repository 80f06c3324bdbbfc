"""The gate: whether a caller may do what it asks for, and how it is told what is missing.

What cannot be told apart from outside must not be told apart here: "no such repository" and "no
right" are the same 401, and only those who may pull hear 404. The error words of the challenge
decide what clients print: containerd shows `insufficient_scope: authorization failed` only for a
401 with that error, after it has presented a token.

A token is good for as long as it says, and never longer than the credential it was given for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from towline.oci.challenge import Challenge
from towline.oci.error_code import ErrorCode
from towline.oci.scope import Scope, repository_scope
from towline.registry.answer import Refusal, header
from towline.registry.door import Door
from towline.registry.request import Request
from towline.registry.right import CATALOG, PULL, PUSH, Identity, actions_in, namespace_of
from towline.registry.route import TOKEN_PATH
from towline.registry.tenancy import Tenancy
from towline.registry.token import Grant, TokenAuthority
from towline.resource.instance import Instance

_BEARER = b"bearer "


@dataclass(frozen=True, slots=True)
class Wish:
    """What a caller wants to do in a repository."""

    repository: str
    action: str
    began: float | None = None
    """When the upload began that this request continues: a token that was valid then will do, for
    large layers outlive short tokens. Its credential must be good still."""
    source: str = ""
    """The repository out of which a blob is to be mounted: the challenge asks for a right to pull
    from it, too."""


class Gate:
    """Decides about the requests of one door."""

    def __init__(
        self, door: Door, tenancy: Tenancy, tokens: TokenAuthority, now: Callable[[], float]
    ) -> None:
        self._door = door
        self._tenancy = tenancy
        self._tokens = tokens
        self._now = now

    def instance(self) -> Instance:
        """The instance behind the door; refused while there is none."""
        instance = self._tenancy.instance(self._door.instance_id)
        if instance is None:
            raise Refusal(ErrorCode.UNAVAILABLE, "this registry instance does not exist")
        return instance

    def admit(self, request: Request, wish: Wish) -> Grant | None:
        """Let a caller through, or refuse. None: it presented no token and needs none."""
        grant = self._presented(request, wish)
        name = namespace_of(wish.repository)
        namespace = self._tenancy.namespace(self._door.instance_id, name)
        if grant is None:
            if namespace is not None and namespace.public and wish.action == PULL:
                return None
            raise self._unauthorized(request, _scopes(wish))
        if namespace is not None and grant.allows(wish.repository, wish.action):
            return grant
        if namespace is None and grant.allows(wish.repository, PUSH):
            raise _no_namespace(name)
        raise self._unauthorized(request, _scopes(wish), "insufficient_scope")

    def admit_to_api(self, request: Request) -> None:
        """Let anybody with a token through: this is how clients find out that they need one."""
        if self._presented(request, None) is None:
            raise self._unauthorized(request, ())

    def admit_to_catalog(self, request: Request) -> Grant:
        """Let those through whose token is good for the catalogue."""
        grant = self._presented(request, None)
        if grant is None:
            raise self._unauthorized(request, (CATALOG,))
        if not grant.holds(CATALOG):
            raise self._unauthorized(request, (CATALOG,), "insufficient_scope")
        return grant

    def readable(self, grant: Grant | None) -> Callable[[str], bool]:
        """The question whether this caller may pull from a repository, asked of its credential as
        it is now and not only of its token: a token names the repositories of one request.
        """
        identity = self._identity(grant)
        known: dict[str, bool] = {}

        def may_pull(repository: str) -> bool:
            name = namespace_of(repository)
            if name not in known:
                namespace = self._tenancy.namespace(self._door.instance_id, name)
                known[name] = PULL in actions_in(namespace, name, identity)
            return known[name]

        return may_pull

    def _identity(self, grant: Grant | None) -> Identity | None:
        if grant is None or not grant.credential_id:
            return None
        return self._tenancy.identity(self._door.instance_id, grant.credential_id)

    def _presented(self, request: Request, wish: Wish | None) -> Grant | None:
        """The token of a request; None when it has none, refused when it is not valid."""
        authorization = request.headers.get(b"authorization")
        if authorization is None or authorization[:7].lower() != _BEARER:
            return None
        grant = self._tokens.read(authorization[7:].strip())
        if grant is None or grant.instance_id != self._door.instance_id:
            raise self._unauthorized(request, _scopes(wish), "invalid_token")
        began = wish.began if wish else None
        was_valid = began is not None and grant.issued_at <= began < grant.expires_at
        is_over = grant.expires_at <= self._now() and not was_valid
        if is_over or self._is_withdrawn(grant):
            raise self._unauthorized(request, _scopes(wish), "invalid_token")
        return grant

    def _is_withdrawn(self, grant: Grant) -> bool:
        """Whether the credential that a token was given for works no more; one that was given to
        nobody in particular has none that could end. Looked up in memory, with every request.
        """
        return bool(grant.credential_id) and self._identity(grant) is None

    def _unauthorized(self, request: Request, scopes: Sequence[Scope], error: str = "") -> Refusal:
        parameters = {
            "realm": f"{self._door.scheme}://{request.host}{TOKEN_PATH}",
            "service": self.instance().domain,
        }
        if scopes:
            parameters["scope"] = " ".join(str(scope) for scope in scopes)
        if error:
            parameters["error"] = error
        challenge = header("www-authenticate", Challenge("bearer", parameters))
        detail = [
            {"type": scope.type, "name": scope.name, "actions": sorted(scope.actions)}
            for scope in scopes
        ]
        return Refusal(ErrorCode.UNAUTHORIZED, detail=detail or None, headers=(challenge,))


def _scopes(wish: Wish | None) -> tuple[Scope, ...]:
    if wish is None:
        return ()
    actions = (PULL, PUSH) if wish.action == PUSH else (wish.action,)
    asked = (repository_scope(wish.repository, *actions),)
    return (*asked, repository_scope(wish.source, PULL)) if wish.source else asked


def _no_namespace(name: str) -> Refusal:
    if not name:
        message = "a repository's name begins with its namespace: <namespace>/<name>"
    else:
        message = f"namespace {name} does not exist; create it before pushing to it"
    return Refusal(ErrorCode.NAME_UNKNOWN, message)
