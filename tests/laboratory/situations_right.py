"""Situations in which the key, the token server or the permission is wrong."""

from __future__ import annotations

from tests.laboratory.certificate_kind import Certificate
from tests.laboratory.faulty_registry import Auth, Fault, Registry, Wrong, made_token, said
from tests.laboratory.http_service import Ending, Reply
from tests.laboratory.landscape import Way
from tests.laboratory.situation import KEY, WRONG_KEY, Host, Named, Situation

from towline.pull.keyring import Login

_JSON = (("Content-Type", "application/json"),)
_HTML = (("Content-Type", "text/html"),)
_PAGE = b"<html><head><title>Log in</title></head><body></body></html>"


def _guarded(name: str, code: str, auth: Auth, login: Login | None) -> Situation:
    return Situation(name=name, code=code, registry=Host(Registry(auth=auth)), login=login)


def _token_server(name: str, code: str, reply: Reply, login: Login | None = KEY) -> Situation:
    registry = Registry(auth=Auth.TOKEN, faults=(Fault("* /token*", reply),))
    return Situation(name=name, code=code, registry=Host(registry), login=login)


def _token_host(name: str, code: str, host: Host) -> Situation:
    """The token server is a host of its own."""
    registry = Host(Registry(auth=Auth.TOKEN))
    return Situation(name=name, code=code, registry=registry, token=host, login=KEY)


def _judged(name: str, code: str, registry: Registry, login: Login | None = KEY) -> Situation:
    return Situation(name=name, code=code, registry=Host(registry), login=login)


_INVALID_TOKEN = said(
    401,
    "UNAUTHORIZED",
    "invalid token",
    (
        "WWW-Authenticate",
        'Bearer realm="{scheme}://{token}/token",service="laboratory",error="invalid_token"',
    ),
)
_EXPIRED_KEY = Login("robot", made_token([], lasts=-3600))

SITUATIONS = (
    _guarded("auth.missing-basic", "auth.missing-credential", Auth.BASIC, None),
    _guarded("auth.missing-token", "auth.missing-credential", Auth.TOKEN, None),
    _judged(
        "auth.missing-scope",
        "auth.missing-credential",
        Registry(auth=Auth.PUBLIC, grants=False),
        None,
    ),
    _judged(
        "auth.missing-open-ping",
        "auth.missing-credential",
        Registry(auth=Auth.BASIC, open_ping=True),
        None,
    ),
    Situation(
        name="auth.missing-other-host",
        code="auth.missing-credential",
        registry=Host(Registry(auth=Auth.TOKEN)),
        login=KEY,
        login_for="other.lab.example",
    ),
    _guarded("auth.wrong-basic", "auth.wrong-credential", Auth.BASIC, WRONG_KEY),
    _guarded("auth.wrong-token", "auth.wrong-credential", Auth.TOKEN, WRONG_KEY),
    Situation(
        name="auth.wrong-both",
        code="auth.wrong-credential",
        registry=Host(Registry(auth=Auth.TOKEN)),
        login=WRONG_KEY,
        more_logins=(("{here}/team", Login("another", "wrong-too")),),
    ),
    _guarded("auth.expired-credential", "auth.expired-credential", Auth.TOKEN, _EXPIRED_KEY),
    Situation(
        name="auth.credential-provider",
        code="auth.credential-provider",
        registry=Host(Registry(auth=Auth.TOKEN)),
        said='failed to resolve reference "{here}/team/app:1.0": failed to authorize: failed to '
        "fetch anonymous token: unexpected status from GET request to https://{here}/token?scope="
        "repository%3Ateam%2Fapp%3Apull&service=laboratory: 401 Unauthorized: "
        "Failed to get credentials from plugin: exec plugin: error executing credential provider "
        "plugin: exit status 1",
        probed=False,
    ),
    _judged(
        "auth.no-challenge",
        "auth.no-challenge",
        Registry(auth=Auth.TOKEN, challenges=False),
    ),
    _token_host("auth.realm-unknown-name", "auth.realm-unreachable", Host(None, named=Named.NOT)),
    _token_host("auth.realm-refused", "auth.realm-unreachable", Host(None)),
    _token_host("auth.realm-dropped", "auth.realm-unreachable", Host(None, way=Way.DROPPED)),
    _token_host(
        "auth.realm-tls",
        "auth.realm-tls",
        Host(Registry(auth=Auth.TOKEN), certificate=Certificate.SELF_SIGNED),
    ),
    _token_host(
        "auth.realm-expired",
        "auth.realm-tls",
        Host(Registry(auth=Auth.TOKEN), certificate=Certificate.EXPIRED),
    ),
    Situation(
        name="auth.realm-http",
        code="auth.realm-http",
        registry=Host(Registry(auth=Auth.TOKEN, realm="http://{token}/token")),
        token=Host(None, certificate=None, port=80),
        login=KEY,
    ),
    _judged(
        "auth.realm-wrong",
        "auth.realm-wrong",
        Registry(auth=Auth.TOKEN, realm="/service/token"),
    ),
    _token_server(
        "auth.token-forbidden", "auth.token-forbidden", said(403, "DENIED", "account is locked")
    ),
    _token_server("auth.token-service-error", "auth.token-service-error", Reply(500)),
    _token_server(
        "auth.token-service-unavailable", "auth.token-service-error", Reply(503, _PAGE, _HTML)
    ),
    _token_server("auth.token-html", "auth.token-malformed", Reply(200, _PAGE, _HTML)),
    _token_server("auth.token-empty", "auth.token-malformed", Reply(200, b"{}", _JSON)),
    _token_server("auth.token-timeout", "auth.token-service-error", Reply(ending=Ending.NEVER)),
    _judged(
        "auth.invalid-token",
        "auth.invalid-token",
        Registry(auth=Auth.TOKEN, faults=(Fault("* */manifests/*", _INVALID_TOKEN, late=True),)),
    ),
    _judged(
        "authz.insufficient-scope",
        "authz.insufficient-scope",
        Registry(auth=Auth.TOKEN, grants=False),
    ),
    _judged(
        "authz.insufficient-scope-opaque",
        "authz.insufficient-scope",
        Registry(auth=Auth.TOKEN, grants=False, opaque_tokens=True),
    ),
    _judged(
        "auth.wrong-empty-token",
        "auth.wrong-credential",
        Registry(auth=Auth.TOKEN, wrong=Wrong.EMPTY),
        WRONG_KEY,
    ),
    _judged(
        "authz.denied",
        "authz.denied",
        Registry(
            auth=Auth.TOKEN,
            faults=(Fault("* */manifests/*", said(403, "DENIED", "not for you"), late=True),),
        ),
    ),
    _judged(
        "authz.denied-basic",
        "authz.denied",
        Registry(
            auth=Auth.BASIC,
            faults=(Fault("* */manifests/*", said(403, "DENIED", "not for you"), late=True),),
        ),
    ),
)
