"""`resolv.conf` is read as Go reads it, and evidence holds no password."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from towline.probe.vantage import Resolver, proxy_without_secrets


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


def test_a_proxy_is_named_without_its_password() -> None:
    """Evidence goes into events and tickets."""
    assert proxy_without_secrets("http://me:secret@proxy.local:3128/") == "http://proxy.local:3128"
