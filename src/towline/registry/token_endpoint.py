"""The token endpoint: a credential in, a token for what it may do out.

Distribution's token specification (GET with Basic) and OAuth 2 (POST), one and the same behind.
A wrong credential that asks for a repository gets what nobody in particular gets, as Harbor does
it: the registry then answers `insufficient_scope`. Asked for nothing, as by `docker login`, a wrong
credential is refused.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qs

import msgspec

from towline.oci.error_code import ErrorCode
from towline.oci.scope import Scope, parse_scopes
from towline.registry.answer import Answer, Refusal, header, json_answer
from towline.registry.request import Request
from towline.registry.right import REPOSITORY, Identity, grant
from towline.registry.tenancy import Tenancy
from towline.registry.token import LIFETIME, TokenAuthority
from towline.resource.instance import Instance

_MAX_FORM = 64 * 1024


class _Token(msgspec.Struct, frozen=True, omit_defaults=True):
    token: str
    access_token: str
    expires_in: int
    issued_at: str
    scope: str = ""
    refresh_token: str = ""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a request for a token says; `login` and `refresh` are None when it does not say."""

    scopes: tuple[Scope, ...]
    is_offline: bool
    login: tuple[str, str] | None = None
    refresh: str | None = None


class TokenEndpoint:
    """Gives out tokens."""

    def __init__(self, tenancy: Tenancy, tokens: TokenAuthority, now: Callable[[], float]) -> None:
        self._tenancy = tenancy
        self._tokens = tokens
        self._now = now

    async def get(self, request: Request, instance: Instance) -> Answer:
        """A token for what the query asks, with a login by `Authorization: Basic`."""
        _check_service(request.query("service"), instance)
        scopes = parse_scopes(request.query_all("scope"))
        is_offline = request.query("offline_token") in {"1", "true"}
        login = _basic(request.header(b"authorization"))
        return await self._answer(_Asked(scopes, is_offline, login), instance)

    async def post(self, request: Request, instance: Instance) -> Answer:
        """A token for what an OAuth 2 form asks."""
        body = await request.body(_MAX_FORM)
        form = {name: values[-1] for name, values in parse_qs(body.decode("latin-1")).items()}
        _check_service(form.get("service"), instance)
        scopes = parse_scopes([form.get("scope", "")])
        is_offline = form.get("access_type") == "offline"
        match form.get("grant_type"):
            case "password":
                login = form.get("username", ""), form.get("password", "")
                return await self._answer(_Asked(scopes, is_offline, login), instance)
            case "refresh_token":
                refresh = form.get("refresh_token", "")
                return await self._answer(_Asked(scopes, is_offline, refresh=refresh), instance)
        message = "grant_type must be password or refresh_token"
        raise Refusal(ErrorCode.UNSUPPORTED, message, status=400)

    async def _answer(self, asked: _Asked, instance: Instance) -> Answer:
        await self._tenancy.refresh()
        identity = await self._identity(asked, instance)
        is_claimed = asked.login is not None or asked.refresh is not None
        if identity is None and is_claimed and not _asks_for_repository(asked):
            challenge = header("www-authenticate", f'Basic realm="{instance.domain}"')
            raise Refusal(
                ErrorCode.UNAUTHORIZED,
                "the user name or the password is wrong, or no longer valid",
                headers=(challenge,),
            )
        now = self._now()
        scopes = grant(
            asked.scopes, identity, lambda name: self._tenancy.namespace(instance.id, name)
        )
        token = self._tokens.access_token(instance.id, identity, scopes, now)
        refresh = ""
        if asked.is_offline and identity is not None:
            refresh = self._tokens.refresh_token(instance.id, identity, now)
        issued = datetime.fromtimestamp(int(now), UTC).isoformat().replace("+00:00", "Z")
        granted = " ".join(str(scope) for scope in scopes)
        content = _Token(token, token, LIFETIME, issued, granted, refresh)
        return json_answer(content, (b"cache-control", b"no-store"))

    async def _identity(self, asked: _Asked, instance: Instance) -> Identity | None:
        if asked.login is not None:
            return await self._tenancy.identify(instance.id, *asked.login)
        if asked.refresh is not None:
            credential = self._tokens.read_refresh(asked.refresh.encode(), instance.id)
            return self._tenancy.identity(instance.id, credential) if credential else None
        return None


def _check_service(service: str | None, instance: Instance) -> None:
    """Refuse to give tokens for another registry; who names none means this one."""
    if service and service != instance.domain:
        message = f"this is the token service of {instance.domain}, not of {service[:300]}"
        raise Refusal(ErrorCode.UNSUPPORTED, message, status=400)


def _asks_for_repository(asked: _Asked) -> bool:
    return any(scope.type == REPOSITORY for scope in asked.scopes)


def _basic(header: str | None) -> tuple[str, str] | None:
    """The login of an `Authorization: Basic` header; one that cannot be read is a wrong one."""
    if header is None:
        return None
    scheme, _, encoded = header.partition(" ")
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    username, _, password = text.partition(":")
    return (username, password) if scheme.lower() == "basic" else ("", "")
