"""What opens a registry: its challenge, and a token or a key for one login.

The handshake is the one of a pull (`towline.pull.token`). A key goes to the token host that the
registry names over TLS, and over plain HTTP only where the policy says so.
"""

from __future__ import annotations

from dataclasses import replace

from towline.diagnosis.observation import ChallengeSeen, HttpOutcome, HttpSeen, TokenSeen
from towline.oci.challenge import Challenge, parse_challenges
from towline.oci.scope import repository_scope
from towline.probe.exchange import Ask
from towline.probe.talk import Talk
from towline.probe.target import as_time, read_claims
from towline.pull.failure import CauseRaised, TokenRefused, UnexpectedStatus
from towline.pull.keyring import Login
from towline.pull.policy import RegistryPolicy
from towline.pull.token import TokenAnswer, TokenQuestion, basic, fetch_token
from towline.pull.wire import Transport, Url

MAX_GRANTS = 50


def read_challenge(seen: HttpSeen) -> tuple[ChallengeSeen | None, Challenge | None]:
    """What an answer wants to be shown: nothing unless it is 401."""
    if seen.status != 401:
        return None, None
    headers = [value for name, value in seen.headers if name == "www-authenticate"]
    challenges = sorted(parse_challenges(headers), key=lambda one: one.scheme != "bearer")
    if not challenges:
        return ChallengeSeen(""), None
    first = challenges[0]
    told = {name: first.parameters.get(name, "") for name in ("realm", "service", "error", "scope")}
    return ChallengeSeen(first.scheme, **told), first


class Opener:
    """Opens one repository with one login, or without."""

    def __init__(self, talk: Talk, policy: RegistryPolicy, registry: Url, repository: str) -> None:
        self._talk = talk
        self._policy = policy
        self._registry = registry
        self._scope = str(repository_scope(repository, "pull"))
        self.tokens = list[TokenSeen]()
        self.authorization = ""

    def realm(self, challenge: Challenge) -> Url | None:
        """Where tokens are to be had, if the challenge says so."""
        return Url.parse(challenge.parameters.get("realm", ""))

    async def open(self, challenge: Challenge, login: Login | None) -> None:
        """Get what the challenge asks for; `authorization` is empty when there is nothing."""
        self.authorization = ""
        if challenge.scheme == "basic":
            self.authorization = basic(login) if login and login.password else ""
        elif challenge.scheme == "bearer":
            token = await self.token(challenge, login, (self._scope,))
            self.authorization = f"Bearer {token}" if token else ""

    async def token(
        self, challenge: Challenge, login: Login | None, scopes: tuple[str, ...]
    ) -> str:
        """Ask for a token, and note how that went."""
        try:
            question = TokenQuestion.from_challenge(challenge, scopes)
        except CauseRaised:
            return ""
        if not scopes:
            question = replace(question, scopes=())
        withheld = login is not None and not await self._may_have_key(question.realm)
        seen, token = await self._ask(question, None if withheld else login)
        self.tokens.append(replace(seen, withheld=withheld))
        return token

    async def _may_have_key(self, realm: Url) -> bool:
        if realm.scheme == "https":
            way = self._talk.way(realm)
            await way.go()
            return way.seen.passed
        plain = self._policy.transport(realm.authority) is Transport.PLAIN
        return plain or (self._registry.scheme == "http" and realm.host == self._registry.host)

    async def _ask(self, question: TokenQuestion, login: Login | None) -> tuple[TokenSeen, str]:
        username = login.username if login else None
        seen = TokenSeen(str(question.realm), question.service, question.scopes, username)
        secrets = (login.password,) if login else ()
        conversation = fetch_token(question, login)
        request = next(conversation)
        try:
            while True:
                content = request.content if isinstance(request.content, bytes) else b""
                ask = Ask(request.method, request.url, request.headers, content, secrets=secrets)
                fetched = await self._talk.fetch(ask)
                seen = replace(seen, answer=fetched.seen)
                if fetched.seen.outcome is not HttpOutcome.ANSWERED:
                    return seen, ""
                status = fetched.seen.status
                line = f"{status} {fetched.seen.reason}"
                request = conversation.send(TokenAnswer(status, line, fetched.content))
        except StopIteration as end:
            return _with_token(seen, str(end.value)), str(end.value)
        except CauseRaised as raised:
            answered_no = isinstance(raised.cause, TokenRefused) and isinstance(
                raised.cause.reason, UnexpectedStatus
            )
            return replace(seen, unreadable=not answered_no), ""


def _with_token(seen: TokenSeen, token: str) -> TokenSeen:
    """What the token says of itself, as far as it is a JWT. The token itself is not kept."""
    seen = replace(seen, has_token=True)
    if seen.answer is not None:
        seen = replace(seen, answer=replace(seen.answer, body=""))
    claims = read_claims(token)
    if claims is None:
        return seen
    return replace(
        seen,
        readable_claims=True,
        granted=_granted(claims.get("access")),
        not_before=as_time(claims.get("nbf")),
        expires=as_time(claims.get("exp")),
    )


def _granted(access: object) -> tuple[str, ...]:
    """Distribution's `access` claim, flat."""
    entries = access if isinstance(access, list) else []
    found = list[str]()
    for entry in entries[:MAX_GRANTS]:
        if isinstance(entry, dict) and isinstance(entry.get("actions"), list):
            place = f"{entry.get('type', '')}:{entry.get('name', '')}"
            found += [f"{place}:{action}" for action in entry["actions"]]
    return tuple(found)
