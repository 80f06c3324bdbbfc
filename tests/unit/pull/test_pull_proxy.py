"""Proxies are chosen as Go chooses them, and what they may see is what they need."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towline.kube.annotations import REGISTRY_NO_PROXY, REGISTRY_PROXY
from towline.pull.policy import RegistryPolicy
from towline.pull.proxy import Proxies, Proxy
from towline.pull.wire import Url

PROXY = "http://proxy.local:3128"


@pytest.mark.parametrize(
    ("no_proxy", "host", "direct"),
    [
        pytest.param("", "reg.example.com", False, id="nothing-excepted"),
        pytest.param("example.com", "reg.example.com", True, id="a-domain-and-all-below"),
        pytest.param("example.com", "example.com", True, id="a-domain-itself"),
        pytest.param(".example.com", "example.com", False, id="only-what-is-below"),
        pytest.param("*.example.com", "reg.example.com", True, id="star"),
        pytest.param("ample.com", "example.com", False, id="half-a-label"),
        pytest.param("other, 10.0.0.0/8", "10.2.3.4", True, id="network"),
        pytest.param("10.0.0.0/8", "11.2.3.4", False, id="another-network"),
        pytest.param("example.com:5000", "reg.example.com", False, id="another-port"),
        pytest.param("example.com:443", "reg.example.com", True, id="this-port"),
        pytest.param("*", "reg.example.com", True, id="everything"),
        pytest.param("", "127.0.0.1", True, id="loopback"),
    ],
)
def test_no_proxy_excepts_hosts(no_proxy: str, host: str, direct: bool) -> None:
    """By domain, address, network and port, as `golang.org/x/net/http/httpproxy` reads it."""
    proxies = Proxies.from_environment({"https_proxy": PROXY, "NO_PROXY": no_proxy})

    found = proxies.before("https", host, 443)

    assert found == (("", "") if direct else ("HTTPS_PROXY", PROXY))


@pytest.mark.parametrize(
    ("no_proxy", "host", "direct"),
    [
        pytest.param("10.2.3.4:443", "10.2.3.4", True, id="address-and-port"),
        pytest.param("10.2.3.4:80", "10.2.3.4", False, id="address-and-other-port"),
        pytest.param("fd00::/8", "fd00::2", True, id="network-of-version-6"),
        pytest.param("[fd00::2]:443", "fd00::2", True, id="version-6-and-port"),
        pytest.param("10.2.3.4", "::ffff:10.2.3.4", True, id="version-4-written-as-6"),
        pytest.param("", "::1", True, id="loopback-of-version-6"),
        pytest.param("", "localhost", True, id="localhost"),
        pytest.param(":443", "reg.example.com", False, id="a-port-of-nobody"),
        pytest.param("*.com.", "reg.example.com", False, id="a-dot-at-the-end"),
        pytest.param("3.4", "10.2.3.4", False, id="half-an-address"),
        pytest.param("10.0.0.0/255.0.0.0", "10.2.3.4", False, id="a-mask-is-no-network"),
        pytest.param("REG.Example.com", "Reg.example.com", True, id="capitals"),
    ],
)
def test_no_proxy_excepts_what_go_excepts(no_proxy: str, host: str, direct: bool) -> None:
    """Each case was put to `httpproxy` itself."""
    found = Proxies(https=PROXY, no_proxy=no_proxy).before("https", host, 443)

    assert found == (("", "") if direct else ("HTTPS_PROXY", PROXY))


@given(st.text(), st.text(), st.integers(1, 65535))
def test_no_list_of_exceptions_is_too_odd_to_be_read(text: str, host: str, port: int) -> None:
    """People write all kinds of things into it; a star alone always excepts everybody."""
    Proxies(https=PROXY, no_proxy=text).before("https", host, port)

    assert Proxies(https=PROXY, no_proxy=f"{text},*").before("https", host, port) == ("", "")


@given(st.text())
def test_no_proxy_is_too_odd_to_be_read(text: str) -> None:
    """What makes no sense cannot be used; it is not gone without."""
    proxy = Proxy.parse(text)

    assert not proxy.is_usable or (proxy.host and proxy.url.port == proxy.port)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://proxy.local:3128", "http://proxy.local:3128/"),
        ("proxy.local:3128", "http://proxy.local:3128/"),
        ("proxy.local", "http://proxy.local:80/"),
        ("https://proxy.local/", "https://proxy.local:443/"),
        ("http://[fd00::1]:8080", "http://[fd00::1]:8080/"),
        ("http://me:s%40cret@proxy.local:1", "http://proxy.local:1/"),
    ],
)
def test_a_proxy_is_read_with_and_without_its_scheme(text: str, url: str) -> None:
    """Its own scheme says how it is spoken to, not what for."""
    assert Proxy.parse(text).is_usable
    assert str(Proxy.parse(text).url) == url


@pytest.mark.parametrize(
    "text", ["socks5://p:1080", "ftp://p:21", "http://", "http://a b", "http://p:x", "://p"]
)
def test_a_proxy_that_cannot_be_used_is_still_one(text: str) -> None:
    """Whoever named it did not want to go without."""
    url = Url.parse("https://reg.example/")
    assert url is not None
    proxy = Proxies(https=text).of(url)

    assert proxy is not None
    assert not proxy.is_usable


def test_the_login_of_a_proxy_is_for_the_proxy() -> None:
    """It is decoded, and in nobody's log."""
    proxy = Proxy.parse("http://me:s%40c:ret@proxy.local")

    assert dict(proxy.headers) == {
        "Proxy-Authorization": "Basic " + base64.b64encode(b"me:s@c:ret").decode()
    }
    assert Proxy.parse("http://proxy.local").headers == ()
    assert "c2" not in repr(proxy) + repr(Proxies(https="http://me:c2@p"))


def test_the_scheme_of_what_is_asked_for_chooses_the_proxy() -> None:
    """HTTP_PROXY is for plain HTTP alone; capitals win over small letters."""
    found = Proxies.from_environment({"HTTP_PROXY": "a:1", "http_proxy": "b:1", "https_proxy": "c"})

    assert found.before("http", "h", 80) == ("HTTP_PROXY", "a:1")
    assert found.before("https", "h", 443) == ("HTTPS_PROXY", "c")


def test_a_pods_proxy_comes_from_its_annotations() -> None:
    """For whatever scheme, and never from the agent's own environment."""
    said = {REGISTRY_PROXY: " http://p:3128 ", REGISTRY_NO_PROXY: "10.0.0.0/8"}
    proxies = RegistryPolicy.from_annotations(said).proxies

    assert proxies.before("https", "h.io", 443) == (REGISTRY_PROXY, "http://p:3128")
    assert proxies.before("http", "h.io", 80) == (REGISTRY_PROXY, "http://p:3128")
    assert proxies.before("https", "10.1.1.1", 443) == ("", "")
    assert RegistryPolicy.from_annotations({}).proxies.before("https", "h.io", 443) == ("", "")
