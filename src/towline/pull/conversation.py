"""Requests to one registry, authorized as it asks for it, and repeated as containerd repeats them.

A 401 is answered with what its challenge wants; what a registry refuses for now is asked again, see
`patience`; a HEAD for a manifest that is not allowed becomes a GET. Redirects are followed without
the registry's credentials.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from towline.oci.challenge import Challenge, parse_challenges
from towline.oci.scope import Scope, repository_scope
from towline.pull.attempt import OK, Record, Step, StepKind
from towline.pull.failure import (
    AuthorizationRefused,
    CauseRaised,
    Grant,
    NoBasicCredentials,
    RequestFailed,
    TokenRefused,
)
from towline.pull.keyring import Login
from towline.pull.patience import MAX_ANSWERS, Refusal, wait_before_asking_again
from towline.pull.token import USER_AGENT, TokenAnswer, TokenQuestion, basic, fetch_token
from towline.pull.visit import Reply, Visits
from towline.pull.wire import Content, Request, Url, WireFailed

MAX_REDIRECTS = 10  # Go's net/http
MAX_ERROR_BODY = 64_000  # containerd's limit; larger bodies are not errors but attacks
MAX_TOKEN_BODY = 1024 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Purpose:
    """Who wants what of which repository."""

    registry: Url
    repository: str
    login: Login | None
    scopes: tuple[Scope, ...]

    @classmethod
    def pulling(cls, registry: Url, repository: str, login: Login | None) -> Purpose:
        """To read."""
        return cls(registry, repository, login, (repository_scope(repository, "pull"),))


class Conversation:
    """What one login may ask of one repository."""

    def __init__(self, visits: Visits, record: Record, purpose: Purpose) -> None:
        self._visits = visits
        self._record = record
        self._purpose = purpose
        self._login = purpose.login
        self._question: TokenQuestion | None = None
        self._authorization: str | None = None
        self._asking = asyncio.Lock()

    def url(self, path: str) -> Url:
        """Where something of the repository is."""
        return self._purpose.registry.with_target(f"/v2/{self._purpose.repository}/{path}")

    async def request(
        self, method: str, url: Url, headers: tuple[tuple[str, str], ...], content: Content = b""
    ) -> Reply:
        """Ask until there is an answer worth having; raises `CauseRaised`."""
        answers, first, waited = 0, True, 0.0
        while True:
            request = Request(method, url, headers, content)
            reply = await self._send(await self._authorized(request))
            answers += 1
            status = reply.answer.status
            becomes_get = status == 405 and method == "HEAD" and "/manifests/" in url.target
            again = becomes_get and answers <= MAX_ANSWERS
            if status == 401 and answers <= MAX_ANSWERS:
                again = self._react(_challenges(reply), first=first)
            wait = wait_before_asking_again(_refusal(reply, method, url), answers, waited)
            if not again and wait is None:
                return reply
            await self._visits.read(reply, MAX_ERROR_BODY)
            if wait:
                await asyncio.sleep(wait)
                waited += wait
            first, method = becomes_get, "GET" if becomes_get else method

    async def read(self, reply: Reply, limit: int) -> bytes:
        """The body of a reply; raises `CauseRaised`."""
        try:
            return await self._visits.read(reply, limit)
        except WireFailed as failed:
            cause = RequestFailed("GET", str(reply.url), failed.fault)
            raise CauseRaised(cause) from failed

    async def _send(self, request: Request, redirects: int = MAX_REDIRECTS) -> Reply:
        try:
            reply = await self._visits.send(request)
        except WireFailed as failed:
            cause = RequestFailed(request.method, str(request.url), failed.fault)
            raise CauseRaised(cause) from failed
        location = reply.answer.header("location")
        target = request.url.join(location) if location else None
        if reply.answer.status not in _REDIRECTS or target is None or redirects == 0:
            return reply
        await self._visits.read(reply, MAX_ERROR_BODY)
        return await self._send(_redirected(request, target), redirects - 1)

    def _react(self, challenges: list[Challenge], *, first: bool) -> bool:
        """Prepare to answer a challenge; whether it is worth asking again."""
        for challenge in challenges:
            if challenge.scheme == "bearer":
                error = challenge.parameters.get("error", "")
                if error and not first:
                    self._question = self._authorization = None
                    raise CauseRaised(AuthorizationRefused(error))
                if error or self._question is None:
                    self._question = self._ask_for(challenge)
                    self._authorization = None
                return True
            if challenge.scheme == "basic":
                if self._login is None or not (self._login.username and self._login.password):
                    raise CauseRaised(NoBasicCredentials())
                self._authorization = basic(self._login)
                return True
        return False

    def _ask_for(self, challenge: Challenge) -> TokenQuestion:
        return TokenQuestion.from_challenge(challenge, tuple(map(str, self._purpose.scopes)))

    async def _authorized(self, request: Request) -> Request:
        async with self._asking:
            if self._question is not None and self._authorization is None:
                self._authorization = f"Bearer {await self._token(self._question)}"
        headers = (("User-Agent", USER_AGENT), *request.headers)
        ours = request.url.authority == self._purpose.registry.authority
        if self._authorization is not None and ours:
            headers = (*headers, ("Authorization", self._authorization))
        return replace(request, headers=headers)

    async def _token(self, question: TokenQuestion) -> str:
        grant = Grant.OAUTH if self._login and self._login.password else Grant.ANONYMOUS
        talk = fetch_token(question, self._login)
        request = next(talk)
        try:
            while True:
                answer = await self._token_answer(request, grant)
                request = talk.send(answer)
        except StopIteration as end:
            self._record.add(Step(StepKind.AUTHORIZE, str(question.realm), OK, str(grant)))
            token: str = end.value
            return token
        except CauseRaised as raised:
            outcome = type(raised.cause).__name__
            self._record.add(Step(StepKind.AUTHORIZE, str(question.realm), outcome, str(grant)))
            raise

    async def _token_answer(self, request: Request, grant: Grant) -> TokenAnswer:
        try:
            reply = await self._send(request)
            content = await self.read(reply, MAX_TOKEN_BODY)
        except CauseRaised as raised:
            if isinstance(raised.cause, RequestFailed):
                raise CauseRaised(TokenRefused(grant, raised.cause)) from raised
            raise
        return TokenAnswer(reply.answer.status, reply.answer.status_line, content)


def _refusal(reply: Reply, method: str, url: Url) -> Refusal:
    of_blob = method == "GET" and "/blobs/" in url.target
    return Refusal(reply.answer.status, reply.answer.header("retry-after"), of_blob)


def _challenges(reply: Reply) -> list[Challenge]:
    """As containerd orders them: a token before a password."""
    found = parse_challenges(reply.answer.headers.get("www-authenticate", ()))
    return sorted(found, key=lambda challenge: challenge.scheme != "bearer")


def _redirected(request: Request, target: Url) -> Request:
    """The same request to another place; what opens this place does not go along."""
    headers = request.headers
    if target.authority != request.url.authority or target.scheme != request.url.scheme:
        headers = tuple(pair for pair in headers if pair[0].lower() != "authorization")
    return replace(request, url=target, headers=headers)
