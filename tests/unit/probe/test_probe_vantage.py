"""`resolv.conf` and the proxy variables are read as Go reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towline.probe.vantage import Proxies, Resolver, proxy_without_secrets

PROXY = "http://proxy.local:3128"


def test_resolv_conf_names_servers_search_domains_and_ndots() -> None:
    """The last `search` wins; what is no address is no server."""
    text = (
        "nameserver 10.0.0.2\nnameserver nonsense\nnameserver fd00::2\nsearch old\n"
        "search a.local b.local.\noptions edns0 ndots:5 timeout:1\n"
    )

    read = Resolver.parse(text)

    assert read.servers == (("10.0.0.2", 53), ("fd00::2", 53))
    assert (read.search, read.ndots) == (("a.local", "b.local"), 5)
    assert read.names("reg.local") == ("reg.local.a.local", "reg.local.b.local", "reg.local")
    assert read.names("reg.local.") == ("reg.local",)


@given(st.text())
def test_no_resolv_conf_is_too_odd_to_be_read(text: str) -> None:
    """What means nothing is left out."""
    assert len(Resolver.parse(text, text).servers) <= 3


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


def test_a_proxy_is_named_without_its_password() -> None:
    """Evidence goes into events and tickets."""
    assert proxy_without_secrets("http://me:secret@proxy.local:3128/") == "http://proxy.local:3128"
