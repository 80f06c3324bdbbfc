"""The token handshake, as a conversation: it yields requests, is sent answers, and returns the
token.

With a password, containerd asks by POST first, as OAuth 2 would have it; a server that answers 400,
401, 404 or 405 to that is asked again by GET with Basic authentication, which is what most
registries know.
"""

from __future__ import annotations

import base64
from collections.abc import Generator
from dataclasses import dataclass
from urllib.parse import urlencode

import msgspec

from towline.oci.challenge import Challenge
from towline.pull.failure import (
    BadChallenge,
    CauseRaised,
    Grant,
    NoToken,
    TokenRefused,
    UnexpectedStatus,
    UnreadableToken,
)
from towline.pull.keyring import Login
from towline.pull.wire import Request, Url

CLIENT_ID = "containerd-client"
USER_AGENT = "towline/0.1 containerd/1.7"  # registries that know clients by name know the second
_FALL_BACK_TO_GET = frozenset({400, 401, 404, 405})


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """What a token server said."""

    status: int
    status_line: str
    content: bytes


@dataclass(frozen=True, slots=True)
class TokenQuestion:
    """Where a token is to be had, and for what."""

    realm: Url
    service: str
    scopes: tuple[str, ...]

    @classmethod
    def from_challenge(cls, challenge: Challenge, wanted: tuple[str, ...]) -> TokenQuestion:
        """Read a Bearer challenge; raises `CauseRaised` when it leads nowhere."""
        realm = challenge.parameters.get("realm")
        if realm is None:
            raise CauseRaised(BadChallenge("no realm specified for token auth challenge"))
        url = Url.parse(realm)
        if url is None:
            detail = f'invalid token auth challenge realm: parse "{realm[:200]}": invalid URL'
            raise CauseRaised(BadChallenge(detail))
        scopes = {*wanted, *challenge.parameters.get("scope", "").split()}
        service = challenge.parameters.get("service", "")
        return cls(url, service, tuple(sorted(filter(None, scopes))))


Conversation = Generator[Request, TokenAnswer, str]


def fetch_token(question: TokenQuestion, login: Login | None) -> Conversation:
    """Ask for a token; raises `CauseRaised` with why there is none."""
    if login is None or not login.password:
        return (yield from _get(question, None, Grant.ANONYMOUS))
    request = _post_request(question, login)
    answer = yield request
    if answer.status in _FALL_BACK_TO_GET:
        return (yield from _get(question, login, Grant.OAUTH))
    return _token(request, answer, Grant.OAUTH)


def _get(question: TokenQuestion, login: Login | None, grant: Grant) -> Conversation:
    parameters = [("scope", scope) for scope in question.scopes]
    if question.service:
        parameters.append(("service", question.service))
    headers = [("User-Agent", USER_AGENT)]
    if login is not None:
        headers.append(("Authorization", basic(login)))
    request = Request("GET", _with_query(question.realm, parameters), tuple(headers))
    answer = yield request
    return _token(request, answer, grant)


def _post_request(question: TokenQuestion, login: Login) -> Request:
    form = [("scope", " ".join(question.scopes))] if question.scopes else []
    form += [("service", question.service), ("client_id", CLIENT_ID)]
    if login.username:
        form += [("grant_type", "password"), ("username", login.username)]
        form.append(("password", login.password))
    else:
        form += [("grant_type", "refresh_token"), ("refresh_token", login.password)]
    headers = (
        ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"),
        ("User-Agent", USER_AGENT),
    )
    return Request("POST", question.realm, headers, urlencode(form).encode())


class _Reply(msgspec.Struct, frozen=True):
    token: str | None = None
    access_token: str | None = None


def _token(request: Request, answer: TokenAnswer, grant: Grant) -> str:
    if not 200 <= answer.status < 400:
        status = UnexpectedStatus(request.method, str(request.url), answer.status_line)
        raise CauseRaised(TokenRefused(grant, status))
    try:
        reply = msgspec.json.decode(answer.content, type=_Reply)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise CauseRaised(TokenRefused(grant, _unreadable(answer.content))) from error
    token = reply.access_token or reply.token
    if not token:
        raise CauseRaised(TokenRefused(grant, NoToken()))
    return token


def _unreadable(content: bytes) -> UnreadableToken:
    if not content.strip():
        return UnreadableToken("EOF")
    first = content.lstrip()[:1].decode("ascii", "replace")
    if first in '{["':
        return UnreadableToken("unexpected EOF")
    return UnreadableToken(f"invalid character '{first}' looking for beginning of value")


def _with_query(url: Url, parameters: list[tuple[str, str]]) -> Url:
    path, _, query = url.target.partition("?")
    whole = "&".join(filter(None, (query, urlencode(sorted(parameters)))))
    return url.with_target(f"{path}?{whole}" if whole else path)


def basic(login: Login) -> str:
    """The `Authorization` header of a user name and a password."""
    pair = f"{login.username}:{login.password}".encode()
    return "Basic " + base64.b64encode(pair).decode("ascii")
