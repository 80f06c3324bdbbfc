"""TC3-HMAC-SHA256: the signature that the cloud's own documentation computes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towline.resource.signature import Authorization, Signable, authorize, sign

# https://www.tencentcloud.com/document/api/213/31575, the example of the page.
BODY = rb'{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}'
EXAMPLE = Signable(
    method="POST",
    query="",
    headers=(
        ("content-type", "application/json; charset=utf-8"),
        ("host", "cvm.tencentcloudapi.com"),
    ),
    payload=BODY,
    timestamp=1551113065,
    service="cvm",
)
SECRET_KEY = "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE"
SIGNATURE = "72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168"


def test_the_documented_request_has_the_documented_signature() -> None:
    """Byte for byte, the day included."""
    assert sign(EXAMPLE, SECRET_KEY) == SIGNATURE
    assert EXAMPLE.date == "2019-02-25"


def test_an_authorization_header_can_be_read_back() -> None:
    """What a client writes is what a server reads."""
    header = authorize(EXAMPLE, "AKIDexample", SECRET_KEY)
    read = Authorization.parse(header)

    assert read == Authorization(
        "AKIDexample", "2019-02-25", "cvm", ("content-type", "host"), SIGNATURE
    )
    assert str(read) == header


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("SKIP", id="sdk-without-signature"),
        pytest.param("Basic YTpi", id="basic"),
        pytest.param("TC3-HMAC-SHA256 Credential=a/b/c/tc3_request", id="cut-off"),
        pytest.param(authorize(EXAMPLE, "a", "b")[:-1], id="short-signature"),
    ],
)
def test_other_authorizations_are_none_of_ours(header: str) -> None:
    """They are not guessed at."""
    assert Authorization.parse(header) is None


@given(st.text())
def test_no_header_makes_the_parser_fail(header: str) -> None:
    """Whatever a stranger sends is an authorization or none."""
    read = Authorization.parse(header)

    assert read is None or read.signature
