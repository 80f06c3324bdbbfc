"""What stands in the way is one thing, though several may be wrong: the one that a pull meets first,
or that must be mended first.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towline.diagnosis.answer_obstacle import answer_obstacle
from towline.diagnosis.dial_obstacle import dial_obstacle, is_private
from towline.diagnosis.facts import Facts
from towline.diagnosis.name_obstacle import name_obstacle
from towline.diagnosis.observation import (
    HttpOutcome,
    HttpSeen,
    ManifestSeen,
    Observations,
    TokenSeen,
)
from towline.diagnosis.observed_path import (
    CertificateSeen,
    DialOutcome,
    DialSeen,
    DnsSeen,
    IcmpSeen,
    NameAnswer,
    NameOutcome,
    PathSeen,
    ProxyOutcome,
    ProxySeen,
    TlsOutcome,
    TlsSeen,
    TrustOutcome,
)
from towline.diagnosis.reference_fault import reference_fault
from towline.diagnosis.tls_obstacle import tls_obstacle
from towline.diagnosis.way_obstacle import way_obstacle

HOST, PEER, SERVER = "hub.example", "10.0.0.5:443", "10.0.0.2:53"
NOW = 1_800_000_000
DAY = 86_400
LEAF = CertificateSeen("CN=hub", "CN=ca", (HOST,), HOST, NOW - DAY, NOW + DAY, "ab" * 32)
OPEN = PathSeen(
    HOST,
    443,
    "https",
    DnsSeen(HOST, (SERVER,), addresses=("10.0.0.5",)),
    dials=(DialSeen("10.0.0.5", 443, DialOutcome.CONNECTED),),
    tls=TlsSeen(HOST, PEER, TlsOutcome.SHAKEN, chain=(LEAF,), clock=NOW),
)
V2, TAG = f"https://{HOST}/v2/", f"https://{HOST}/v2/a/manifests/1"


def said(name: str, outcome: NameOutcome, kind: str = "A", server: str = SERVER) -> NameAnswer:
    """An answer of a name server."""
    return NameAnswer(server, name, kind, outcome)


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        pytest.param((said(HOST, NameOutcome.NXDOMAIN),), "dns.nxdomain", id="nxdomain"),
        pytest.param((said(HOST, NameOutcome.NODATA),), "dns.nodata", id="nodata"),
        pytest.param(
            (
                said(f"{HOST}.local", NameOutcome.NXDOMAIN),
                said(HOST, NameOutcome.SERVFAIL),
                said(HOST, NameOutcome.NODATA, "AAAA"),
            ),
            "dns.servfail",
            id="search-domains-and-aaaa-do-not-decide",
        ),
        pytest.param(
            (said(HOST, NameOutcome.TIMED_OUT), said(HOST, NameOutcome.NXDOMAIN, server="s2")),
            "dns.nxdomain",
            id="the-server-that-knows-decides",
        ),
        pytest.param(
            (said(HOST, NameOutcome.TIMED_OUT), said(HOST, NameOutcome.REFUSED, server="s2")),
            "dns.refused",
            id="one-that-speaks-before-one-that-does-not",
        ),
        pytest.param((said(HOST, NameOutcome.REJECTED),), "dns.server-refused", id="rejected"),
        pytest.param((said(HOST, NameOutcome.UNREACHABLE),), "dns.server-unreachable", id="no-way"),
    ],
)
def test_a_name_without_an_address_has_one_reason(
    answers: tuple[NameAnswer, ...], code: str
) -> None:
    """That of the answer which a resolver goes by."""
    found = name_obstacle(DnsSeen(HOST, (SERVER,), answers=answers))

    assert found is not None
    assert found.code == code
    assert SERVER in found.evidence[0] or "s2" in " ".join(found.evidence)


@pytest.mark.parametrize(
    ("dial", "code"),
    [
        pytest.param(
            DialSeen("10.0.0.5", 443, DialOutcome.TIMED_OUT), "net.timeout.private-ip", id="private"
        ),
        pytest.param(
            DialSeen("203.0.113.5", 443, DialOutcome.TIMED_OUT),
            "net.timeout.public-ip",
            id="public",
        ),
        pytest.param(
            DialSeen("10.0.0.5", 443, DialOutcome.TIMED_OUT, own_firewall=True),
            "net.local-firewall",
            id="own-rule",
        ),
        pytest.param(
            DialSeen(
                "10.0.0.5", 443, DialOutcome.NO_ROUTE, "EHOSTUNREACH", IcmpSeen("admin", "10.0.0.1")
            ),
            "net.no-route",
            id="router",
        ),
        pytest.param(
            DialSeen("2001:db8::5", 443, DialOutcome.UNREACHABLE), "net.ipv6-only", id="ipv6-only"
        ),
    ],
)
def test_an_address_that_is_not_reached_has_one_reason(dial: DialSeen, code: str) -> None:
    """And who said no is named, when somebody did."""
    found = dial_obstacle((dial,))

    assert found is not None
    assert found.code == code
    assert dial.icmp is None or "ICMP admin from 10.0.0.1" in found.evidence[0]


@given(st.ip_addresses())
def test_every_address_is_private_or_not(address: object) -> None:
    """By a network's own kinds, of which Python's `is_private` has more."""
    assert is_private(str(address)) in {True, False}


def test_documentation_addresses_stand_for_public_ones() -> None:
    """And shared ones (RFC 6598) for private ones."""
    assert not is_private("203.0.113.5")
    assert is_private("100.64.1.1")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param({"problems": (TrustOutcome.UNTRUSTED,)}, "tls.unknown-authority", id="ca"),
        pytest.param(
            {"problems": (TrustOutcome.EXPIRED, TrustOutcome.SELF_SIGNED)},
            "tls.self-signed",
            id="self-signed-before-expired",
        ),
        pytest.param(
            {"problems": (TrustOutcome.WRONG_NAME, TrustOutcome.SELF_SIGNED)},
            "tls.wrong-host",
            id="wrong-name-before-all",
        ),
        pytest.param({"problems": (TrustOutcome.EXPIRED,)}, "tls.expired", id="expired"),
        pytest.param(
            {
                "problems": (TrustOutcome.EXPIRED,),
                "clock": NOW + 9 * DAY,
                "server_clock": NOW,
            },
            "tls.clock-skew",
            id="our-clock",
        ),
        pytest.param(
            {
                "problems": (TrustOutcome.EXPIRED,),
                "clock": NOW + 9 * DAY,
                "server_clock": NOW + 9 * DAY,
            },
            "tls.expired",
            id="both-clocks",
        ),
        pytest.param({"wants_certificate": True}, "tls.client-cert", id="client-certificate"),
        pytest.param(
            {"outcome": TlsOutcome.TIMED_OUT, "small_segments_pass": True}, "net.mtu", id="mtu"
        ),
        pytest.param({"outcome": TlsOutcome.TIMED_OUT}, "tls.timeout", id="silent"),
        pytest.param(
            {"outcome": TlsOutcome.TIMED_OUT, "plain_status": 200}, "tls.http-server", id="http"
        ),
        pytest.param(
            {
                "outcome": TlsOutcome.CLOSED,
                "plain_status": 400,
                "plain_body": "plain HTTP request was sent to HTTPS port",
            },
            "net.closed",
            id="tls-that-says-so-in-plain-words",
        ),
        pytest.param(
            {"outcome": TlsOutcome.CLOSED, "versions": ("TLSv1",)}, "tls.version", id="old"
        ),
        pytest.param(
            {"outcome": TlsOutcome.ALERT, "alert": "unrecognized name"},
            "tls.unrecognized-name",
            id="name",
        ),
    ],
)
def test_tls_fails_for_one_reason(change: dict[str, object], code: str) -> None:
    """The one that is to be mended first."""
    assert OPEN.tls is not None
    tls = replace(OPEN.tls, **change)  # type: ignore[arg-type]  # each case names fields of its type
    found = tls_obstacle(tls)

    assert found is not None
    assert found.code == code


def test_what_comes_first_on_the_way_is_the_obstacle() -> None:
    """A name before an address, a proxy before both."""
    nameless = replace(OPEN, dns=DnsSeen(HOST, ()), dials=(), tls=None)
    proxied = replace(nameless, proxy=ProxySeen("http://p:1", "HTTPS_PROXY", ProxyOutcome.BAD_URL))
    sunk = replace(
        OPEN,
        dns=DnsSeen(HOST, (), hosts_line=f"127.0.0.1 {HOST}", addresses=("127.0.0.1",)),
        dials=(DialSeen("127.0.0.1", 443, DialOutcome.REFUSED),),
        tls=None,
    )

    codes = [found.code for path in (nameless, proxied, sunk) if (found := way_obstacle(path))]

    assert codes == ["dns.no-resolver", "proxy.scheme", "dns.sinkhole"]
    assert way_obstacle(OPEN) is None


def answer(status: int, url: str = TAG, media_type: str = "application/json") -> HttpSeen:
    """An answer of a registry."""
    headers = (("content-type", media_type),)
    return HttpSeen("GET", url, HttpOutcome.ANSWERED, status, headers=headers, is_json=True)


PING = answer(200, V2)
PAGE = answer(404, V2, "text/html")
HUNG = HttpSeen("GET", V2, HttpOutcome.TIMED_OUT)


@pytest.mark.parametrize(
    ("ping", "manifest", "code"),
    [
        pytest.param(PING, ManifestSeen("1", answer(200)), None, id="good"),
        pytest.param(answer(404, V2), ManifestSeen("1", answer(200)), None, id="good-without-v2"),
        pytest.param(PING, ManifestSeen("1", answer(404)), None, id="no-such-tag"),
        pytest.param(PING, ManifestSeen("1", answer(401)), None, id="closed"),
        pytest.param(PING, ManifestSeen("1", answer(429)), "http.rate-limit", id="limit"),
        pytest.param(PING, ManifestSeen("1", answer(500)), "http.server-error", id="broken"),
        pytest.param(
            PAGE,
            ManifestSeen("1", answer(404, media_type="text/html")),
            "http.not-a-registry",
            id="web",
        ),
        pytest.param(
            PING,
            ManifestSeen("1", answer(403, media_type="text/html")),
            "http.forbidden-page",
            id="firewall",
        ),
        pytest.param(
            PING, ManifestSeen("1", answer(200), answer(403)), "http.head-refused", id="no-head"
        ),
        pytest.param(
            PING, ManifestSeen("1", answer(200), answer(405)), None, id="head-becomes-get"
        ),
        pytest.param(
            PING,
            ManifestSeen(
                "1", replace(answer(400), body="<h1>No required SSL certificate was sent</h1>")
            ),
            "tls.client-cert",
            id="certificate",
        ),
        pytest.param(HUNG, None, "http.timeout", id="no-answer"),
    ],
)
def test_an_answer_stands_in_the_way_or_does_not(
    ping: HttpSeen, manifest: ManifestSeen | None, code: str | None
) -> None:
    """What is about keys and images is for others to say."""
    seen = Observations(f"{HOST}/a:1", path=OPEN, ping=ping, manifest=manifest)
    found = answer_obstacle(Facts(seen=seen))

    assert (found.code if found else None) == code


def test_a_token_servers_limit_is_a_limit() -> None:
    """Whichever host has it."""
    token = TokenSeen("https://auth.example/token", "x", (), None, answer(429))
    seen = Observations(f"{HOST}/a:1", path=OPEN, ping=PING, tokens=(token,))

    found = answer_obstacle(Facts(seen=seen))

    assert found is not None
    assert found.code == "http.rate-limit"


@pytest.mark.parametrize(
    ("image", "meant"),
    [
        pytest.param("https://h.x/a/b:1", "h.x/a/b:1", id="scheme"),
        pytest.param("h.x:5000/Team/App:1", "h.x:5000/team/app:1", id="capitals"),
        pytest.param("h.x/a:1:2", "h.x/a:1", id="two-tags"),
        pytest.param(" h.x/a:1 ", "h.x/a:1", id="blanks"),
        pytest.param("h.x/a:1+b", "h.x/a:1-b", id="plus"),
        pytest.param("h.x/a:", "h.x/a", id="empty-tag"),
        pytest.param("h.x//a", "h.x/a", id="empty-part"),
        pytest.param('"h.x/a"', "h.x/a", id="quotes"),
        pytest.param("https://H.x/Team/app:1+b", "H.x/team/app:1-b", id="several"),
        pytest.param("h.x/a:${TAG}", "", id="variable"),
        pytest.param("h.x/a@sha256:abc", "", id="digest"),
    ],
)
def test_a_text_that_is_no_reference_has_a_reason_and_perhaps_a_better_one(
    image: str, meant: str
) -> None:
    """Nobody guesses a tag or a digest."""
    found = reference_fault(image)

    assert found is not None
    assert found.suggestion == meant


@given(st.text(max_size=60))
def test_any_text_is_a_reference_or_has_a_fault(text: str) -> None:
    """And what is suggested is a reference."""
    found = reference_fault(text)

    assert found is None or not found.suggestion or reference_fault(found.suggestion) is None
