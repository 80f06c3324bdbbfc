"""Annotations decide which registries are reached over HTTP, and whose certificates are not
verified.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towline.kube.annotations import (
    REGISTRY_CERTIFICATE,
    REGISTRY_HTTP_ENDPOINT,
    REGISTRY_INSECURE_SKIP_VERIFY,
    misplaced,
)
from towline.pull.policy import Pins, RegistryPolicy
from towline.pull.wire import Transport, Url

SKIP, HTTP = REGISTRY_INSECURE_SKIP_VERIFY, REGISTRY_HTTP_ENDPOINT


@pytest.mark.parametrize(
    ("annotations", "address", "transport"),
    [
        ({}, "h.io", Transport.TLS),
        ({SKIP: "10.16.100.174:5000"}, "10.16.100.174:5000", Transport.TLS_UNVERIFIED),
        ({SKIP: "10.16.100.174"}, "10.16.100.174:5000", Transport.TLS),
        ({SKIP: "h.io:443"}, "h.io", Transport.TLS),
        ({SKIP: " a.io , H.IO ,,"}, "h.io", Transport.TLS_UNVERIFIED),
        ({SKIP: "h.io"}, "H.io", Transport.TLS_UNVERIFIED),
        ({SKIP: "all"}, "h.io", Transport.TLS_UNVERIFIED),
        ({SKIP: "ALL"}, "h.io", Transport.TLS_UNVERIFIED),
        ({HTTP: "all"}, "h.io:80", Transport.PLAIN),
        ({HTTP: "h.io", SKIP: "h.io"}, "h.io", Transport.PLAIN),
        ({HTTP: "a.io", SKIP: "all"}, "h.io", Transport.TLS_UNVERIFIED),
        ({HTTP: ""}, "h.io", Transport.TLS),
        ({SKIP: "evil-h.io"}, "h.io", Transport.TLS),
    ],
)
def test_a_registry_is_listed_exactly_or_not_at_all(
    annotations: dict[str, str], address: str, transport: Transport
) -> None:
    """Spaces and case do not matter, the port does, and HTTP wins."""
    assert RegistryPolicy.from_annotations(annotations).transport(address) is transport


@given(st.text(), st.text(min_size=1).filter(lambda text: text.strip().lower() != "all"))
def test_no_value_opens_more_than_it_lists(value: str, address: str) -> None:
    """Whatever is written there."""
    words = {word.strip().lower() for word in value.split(",")}
    policy = RegistryPolicy.from_annotations({SKIP: value})

    unverified = policy.transport(address) is Transport.TLS_UNVERIFIED
    assert unverified == (address.lower() in words or "all" in words)


@pytest.mark.parametrize(
    "value", ["h.io=AB:CD", "h.io=sha256:abcd", " h.io = abcd ,,", "H.io=abcd"], ids=str
)
def test_a_pin_is_read_however_tools_print_it(value: str) -> None:
    """OpenSSL prints colons and capitals."""
    assert Pins.parse(value).of("h.IO") == {"abcd"}


def test_a_pinned_registry_speaks_tls_whatever_else_is_said() -> None:
    """The pin is the strictest word, and what is no pin fits no certificate."""
    said = {SKIP: "all", HTTP: "h.io", REGISTRY_CERTIFICATE: "h.io=ab,h.io=cd,b.io"}
    policy = RegistryPolicy.from_annotations(said)

    assert policy.transport("h.io") is Transport.TLS
    assert policy.pins.of("h.io") == {"ab", "cd"}
    assert policy.pins.of("b.io") == {""}
    assert policy.transport("c.io") is Transport.TLS_UNVERIFIED


def test_an_annotation_on_the_workload_is_misplaced() -> None:
    """Unless the template has it too."""
    assert misplaced({SKIP: "a", "other": "b"}, {}) == (SKIP,)
    assert misplaced({SKIP: "a"}, {SKIP: "a"}) == ()


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("https://h.io/v2/", ("https", "h.io", "h.io", 443, "/v2/")),
        ("http://h.io:5000", ("http", "h.io:5000", "h.io", 5000, "/")),
        ("https://[fd00::1]:5000/a?b=c", ("https", "[fd00::1]:5000", "fd00::1", 5000, "/a?b=c")),
        ("https://h.io:443/", ("https", "h.io:443", "h.io", 443, "/")),
    ],
)
def test_a_url_keeps_how_its_host_was_written(
    text: str, parts: tuple[str, str, str, int, str]
) -> None:
    """Messages repeat it so."""
    url = Url.parse(text)

    assert url is not None
    assert (url.scheme, url.authority, url.host, url.port, url.target) == parts


@pytest.mark.parametrize(
    "text", ["", "ftp://h", "h.io", "https://", "https://u:p@h.io/", "https://h:x/"]
)
def test_what_is_no_web_address_is_none(text: str) -> None:
    """Also one with a user name in it."""
    assert Url.parse(text) is None
