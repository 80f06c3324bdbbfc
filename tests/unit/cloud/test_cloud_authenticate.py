"""The gateway believes nobody: a request counts only with a fresh signature over what was really
sent.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.clouds import KEY, NOW, SECRET_ID, SECRET_KEY, UIN, refused

from towline.cloud.authenticate import Caller, HttpRequest, authenticate
from towline.resource.signature import UNSIGNED_PAYLOAD, Signable, authorize

KEYS = {SECRET_ID: KEY}
STAMP = int(NOW.timestamp())
ODD_HOST = "http://127.0.0.1:8020"  # what tccli sends, and signs


def request(**changes: Any) -> HttpRequest:
    """A request as the SDK signs it, with some of its facts changed."""
    facts: dict[str, Any] = {"method": "POST", "query": "", "payload": b"{}", "timestamp": STAMP}
    facts |= {"service": "tcr", "host": ODD_HOST, "secret": SECRET_KEY, "more": ()} | changes
    signed = (("content-type", "application/json"), ("host", facts["host"]), *facts["more"])
    signable = Signable(
        facts["method"],
        facts["query"],
        signed,
        facts["payload"],
        facts["timestamp"],
        facts["service"],
    )
    headers = dict(signed)
    headers["authorization"] = authorize(signable, SECRET_ID, facts["secret"])
    headers["x-tc-timestamp"] = str(facts["timestamp"])
    return HttpRequest(facts["method"], facts["query"], headers, facts["payload"])


def with_headers(made: HttpRequest, **headers: str) -> HttpRequest:
    """The same request with other headers (underscores for dashes)."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return replace(made, headers={**made.headers, **named})


@pytest.mark.parametrize("host", ["127.0.0.1:8020", ODD_HOST, "tcr.localhost"])
def test_a_signed_request_is_its_accounts(host: str) -> None:
    """Whatever the Host header says, as long as it was signed."""
    assert authenticate(request(host=host), KEYS, NOW) == Caller(KEY, "tcr")


@pytest.mark.parametrize("minutes", [-5, 5])
def test_clocks_may_differ_by_five_minutes(minutes: int) -> None:
    """In both directions, also across midnight."""
    authenticate(request(), KEYS, NOW + timedelta(minutes=minutes))
    with refused("AuthFailure.SignatureExpire"):
        authenticate(request(), KEYS, NOW + timedelta(minutes=minutes * 1.01))


def test_a_wrong_key_is_refused() -> None:
    """With the code that SDK users search for."""
    with refused("AuthFailure.SignatureFailure"):
        authenticate(request(secret="wrong"), KEYS, NOW)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"body": b'{"a":1}'}, id="body"),
        pytest.param({"query": "a=1"}, id="query"),
        pytest.param({"method": "GET"}, id="method"),
    ],
)
def test_what_was_changed_on_the_way_is_refused(change: dict[str, Any]) -> None:
    """The signature covers the method, the query and the body."""
    with refused("AuthFailure.SignatureFailure"):
        authenticate(replace(request(), **change), KEYS, NOW)


def test_a_timestamp_cannot_be_renewed() -> None:
    """It is part of what is signed."""
    with refused("AuthFailure.SignatureFailure"):
        authenticate(with_headers(request(), x_tc_timestamp=str(STAMP + 1)), KEYS, NOW)


def test_an_action_that_is_not_signed_can_be_changed() -> None:
    """As with the real API, whose SDKs sign `content-type` and `host` only."""
    made = with_headers(request(), x_tc_action="DescribeInstances")

    assert authenticate(with_headers(made, x_tc_action="DeleteInstance"), KEYS, NOW).uin == UIN


def test_an_action_that_is_signed_cannot_be_changed() -> None:
    """Whatever header a client signs is covered."""
    made = request(more=(("x-tc-action", "DescribeInstances"),))

    assert authenticate(made, KEYS, NOW).uin == UIN
    with refused("AuthFailure.SignatureFailure"):
        authenticate(with_headers(made, x_tc_action="DeleteInstance"), KEYS, NOW)


def test_a_body_may_be_left_unsigned() -> None:
    """If the header says so, the signature is over the words UNSIGNED-PAYLOAD."""
    made = request(payload=UNSIGNED_PAYLOAD.encode())
    sent = replace(with_headers(made, x_tc_content_sha256=UNSIGNED_PAYLOAD), body=b"anything")

    assert authenticate(sent, KEYS, NOW).uin == UIN


def test_headers_may_be_signed_in_lower_case() -> None:
    """As the specification wants it; the SDK signs them as they are."""
    sent = with_headers(request(), content_type="Application/JSON")

    assert authenticate(sent, KEYS, NOW).uin == UIN


def test_an_unknown_key_is_told_so() -> None:
    """Its signature is not even computed."""
    with refused("AuthFailure.SecretIdNotFound"):
        authenticate(request(), {}, NOW)


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        pytest.param({"authorization": ""}, "MissingParameter", id="none"),
        pytest.param({"authorization": "SKIP"}, "AuthFailure.InvalidAuthorization", id="skip"),
        pytest.param({"x_tc_timestamp": ""}, "MissingParameter", id="no-timestamp"),
        pytest.param({"x_tc_timestamp": "soon"}, "InvalidParameter", id="bad-timestamp"),
        pytest.param({"x_tc_token": "sts"}, "AuthFailure.TokenFailure", id="sts-token"),
    ],
)
def test_a_request_that_lacks_something_is_told_what(headers: dict[str, str], code: str) -> None:
    """Each with its own code."""
    with refused(code):
        authenticate(with_headers(request(), **headers), KEYS, NOW)


def test_the_host_has_to_be_signed() -> None:
    """A signature that leaves it out could be used elsewhere."""
    made = request()
    weak = made.headers["authorization"].replace("content-type;host", "content-type")
    with refused("AuthFailure.InvalidAuthorization"):
        authenticate(with_headers(made, authorization=weak), KEYS, NOW)
