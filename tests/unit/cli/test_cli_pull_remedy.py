"""Who is told of a failed pull is told what to do about it, and who can do it."""

from __future__ import annotations

import pytest

from towline.cli.pull_remedy import remedy
from towline.pull.failure import RequestFailed, UnexpectedStatus
from towline.pull.wire import Fault, Trouble

URL = "https://h.io/v2/a/manifests/1"


@pytest.mark.parametrize("trouble", Trouble)
def test_every_trouble_of_the_network_has_a_remedy(trouble: Trouble) -> None:
    """A whole sentence."""
    said = remedy(RequestFailed("HEAD", URL, Fault(trouble, "10.0.0.9:443")))

    assert said[0].isupper()
    assert said.endswith(".")


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        pytest.param(
            Fault(Trouble.REFUSED, "10.0.0.8:3128", proxy="10.0.0.8:3128"),
            "Correct HTTPS_PROXY",
            id="proxy-not-reached",
        ),
        pytest.param(Fault(Trouble.REFUSED, "10.0.0.9:443"), "registry's address", id="registry"),
        pytest.param(
            Fault(Trouble.PROXY_SAID_NO, "10.0.0.8:3128", detail="Forbidden"),
            "a proxy's answer",
            id="proxy-refuses",
        ),
    ],
)
def test_a_proxys_trouble_is_not_the_registrys(fault: Fault, words: str) -> None:
    """Though the texts hardly differ."""
    assert words in remedy(RequestFailed("HEAD", URL, fault))


def test_a_proxy_of_plain_http_is_known_by_its_status() -> None:
    """No registry answers 407."""
    asked = UnexpectedStatus("HEAD", URL, "407 Proxy Authentication Required")

    assert "a proxy's answer" in remedy(asked)
