"""The way to a host is gone once, and where it ends one request more says why: the words of a
runtime are the same for a closed port, a certificate and a server that speaks something else.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from tests.certificates import Issued, Wish, issue
from tests.faulty_servers import (
    Conversation,
    answering,
    greeting,
    hanging_up,
    listener,
    name_server,
    saying,
    server_context,
    silent,
)

from towline.diagnosis.observed_path import (
    DialOutcome,
    PathSeen,
    ProxyOutcome,
    TlsOutcome,
    TrustOutcome,
)
from towline.probe.here import OwnSockets
from towline.probe.vantage import Patience, Resolver, Vantage
from towline.probe.way import Eyes, Place, Way
from towline.pull.proxy import Proxies
from towline.pull.wire import Transport

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def vantage(
    ca_file: Path | None = None, proxies: Proxies | None = None, resolver: Resolver | None = None
) -> Vantage:
    """This machine, impatient."""
    return Vantage(
        "here",
        OwnSockets(),
        resolver or Resolver(hosts="127.0.0.1 reg.test"),
        time.time,
        ca_file,
        proxies or Proxies(),
        patience=Patience(2.0, 10.0),
    )


async def go(
    address: str, eyes: Vantage | None = None, transport: Transport = Transport.TLS
) -> PathSeen:
    """Go the way to `host:port`, and hang up."""
    host, _, port = address.rpartition(":")
    way = Way(Eyes(eyes or vantage()), Place(host, int(port), transport))
    await way.go()
    way.close()
    return way.seen


@pytest.fixture
def authority(tmp_path: Path) -> Issued:
    """An authority made for the occasion."""
    return issue(tmp_path, Wish(common_name="our authority", authority=True))


@pytest.mark.parametrize(
    ("wish", "signed", "problems"),
    [
        pytest.param(Wish(("127.0.0.1", "reg.test")), True, (), id="good"),
        pytest.param(Wish(("127.0.0.1",)), False, ("SELF_SIGNED",), id="self-signed"),
        pytest.param(Wish(("127.0.0.1",), expired=True), True, ("EXPIRED",), id="expired"),
        pytest.param(
            Wish(("127.0.0.1",), expired=True), False, ("EXPIRED", "SELF_SIGNED"), id="both"
        ),
        pytest.param(Wish(("10.9.9.9",)), True, ("WRONG_NAME",), id="another-address"),
        pytest.param(Wish(("other.test",)), True, ("NO_ADDRESS_NAMES",), id="no-address-names"),
        pytest.param(
            Wish(common_name="127.0.0.1"), True, ("NO_ADDRESS_NAMES",), id="address-as-common-name"
        ),
    ],
)
async def test_a_certificate_is_judged_as_go_would(
    tmp_path: Path, authority: Issued, wish: Wish, signed: bool, problems: tuple[str, ...]
) -> None:
    """All that is wrong with it, in Go's order, and the chain as it was sent."""
    certificate = issue(tmp_path, wish, authority if signed else None)
    async with listener(saying(OK), server_context(certificate)) as address:
        seen = await go(address, vantage(authority.certificate))

    assert seen.tls is not None
    assert seen.tls.problems == tuple(TrustOutcome[name] for name in problems)
    assert seen.tls.chain[0].names == tuple(sorted(wish.names, reverse=True))
    assert seen.passed == (not problems)


async def test_who_signed_and_what_is_skipped_are_the_policys_business(
    tmp_path: Path, authority: Issued
) -> None:
    """Unknown to the machine; not looked at when the pod says so."""
    certificate = issue(tmp_path, Wish(("127.0.0.1",)), authority)
    async with listener(saying(OK), server_context(certificate)) as address:
        strict = await go(address)
        skipping = await go(address, transport=Transport.TLS_UNVERIFIED)

    assert strict.tls is not None
    assert strict.tls.problems == (TrustOutcome.UNTRUSTED,)
    assert (strict.passed, skipping.passed) == (False, True)


@pytest.mark.parametrize(
    ("root", "problem"),
    [
        pytest.param("ours", TrustOutcome.INCOMPLETE, id="we-know-its-root"),
        pytest.param("another", TrustOutcome.UNTRUSTED, id="we-do-not"),
    ],
)
async def test_a_certificate_that_came_alone_is_tried_with_its_issuer(
    tmp_path: Path, authority: Issued, root: str, problem: TrustOutcome
) -> None:
    """Which it says where to find, and which the server should have sent."""
    other = issue(tmp_path, Wish(common_name="another", authority=True))
    signer = authority if root == "ours" else other
    middle = issue(tmp_path, Wish(common_name="middle", authority=True), signer)
    der = middle.x509.public_bytes(Encoding.DER)
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(der)}\r\n\r\n".encode()
    async with listener(saying(head + der)) as place:
        certificate = issue(
            tmp_path, Wish(("127.0.0.1",), issuer_url=f"http://{place}/middle.crt"), middle
        )
        async with listener(saying(OK), server_context(certificate)) as address:
            seen = await go(address, vantage(authority.certificate))

    assert seen.tls is not None
    assert seen.tls.problems == (problem,)


async def test_a_name_only_in_the_common_name_is_no_name(tmp_path: Path, authority: Issued) -> None:
    """Python's ssl passes it; no runtime does."""
    certificate = issue(tmp_path, Wish(common_name="reg.test"), authority)
    async with listener(saying(OK), server_context(certificate)) as address:
        port = address.rpartition(":")[2]
        seen = await go(f"reg.test:{port}", vantage(authority.certificate))

    assert seen.tls is not None
    assert seen.tls.problems == (TrustOutcome.COMMON_NAME_ONLY,)


async def test_the_servers_date_tells_whose_clock_is_wrong(
    tmp_path: Path, authority: Issued
) -> None:
    """Asked for on a connection that verifies nothing and carries nothing."""
    then = datetime.now(UTC).replace(microsecond=0) - timedelta(days=5)
    answer = f"HTTP/1.1 200 OK\r\nDate: {format_datetime(then, usegmt=True)}\r\n"
    certificate = issue(tmp_path, Wish(("127.0.0.1",), expired=True), authority)
    talk = saying(f"{answer}Content-Length: 0\r\n\r\n".encode())
    async with listener(talk, server_context(certificate)) as address:
        seen = await go(address, vantage(authority.certificate))

    assert seen.tls is not None
    assert seen.tls.server_clock == int(then.timestamp())


@pytest.mark.parametrize(
    ("server", "outcome"),
    [
        pytest.param(saying(BAD_REQUEST), TlsOutcome.HTTP_ANSWER, id="http"),
        pytest.param(saying(b"\x00" * 40), TlsOutcome.NOT_TLS, id="nonsense"),
        pytest.param(greeting(b"SSH-2.0-OpenSSH_9.2\r\n"), TlsOutcome.NOT_TLS, id="ssh"),
        pytest.param(hanging_up, TlsOutcome.CLOSED, id="closed"),
    ],
)
async def test_what_does_not_speak_tls_is_told_by_what_it_does(
    server: Conversation, outcome: TlsOutcome
) -> None:
    """Each of them is one text in a runtime's mouth or another's."""
    async with listener(server) as address:
        seen = await go(address)

    assert seen.tls is not None
    assert seen.tls.outcome is outcome
    assert not seen.passed


async def test_a_server_that_greets_is_quoted() -> None:
    """The banner says which protocol it speaks."""
    async with listener(greeting(b"SSH-2.0-OpenSSH_9.2\r\n")) as address:
        seen = await go(address)

    assert seen.tls is not None
    assert seen.tls.banner == "SSH-2.0-OpenSSH_9.2"


async def test_a_server_of_plain_http_answers_plainly() -> None:
    """Even one that is silent to a handshake, which looks like a dropped packet."""

    async def patient(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (await reader.readuntil(b"\n")).startswith(b"GET"):
            writer.write(OK)
            await writer.drain()
        await silent(reader, writer)

    async with listener(patient) as address:
        seen = await go(address)

    assert seen.tls is not None
    assert seen.tls.outcome in {TlsOutcome.TIMED_OUT, TlsOutcome.CLOSED}
    assert seen.tls.plain_status == 200
    assert seen.tls.small_segments_pass is not True


@pytest.mark.parametrize(
    "limit",
    [
        pytest.param(ssl.TLSVersion.TLSv1_2, id="tls-1.2"),
        pytest.param(ssl.TLSVersion.TLSv1_3, id="tls-1.3"),
    ],
)
async def test_a_server_that_wants_our_certificate_says_so_or_hangs_up(
    tmp_path: Path, authority: Issued, limit: ssl.TLSVersion
) -> None:
    """In TLS 1.2 within the handshake, in TLS 1.3 after it."""
    context = server_context(issue(tmp_path, Wish(("127.0.0.1",)), authority))
    context.load_verify_locations(authority.certificate)
    context.verify_mode, context.maximum_version = ssl.CERT_REQUIRED, limit
    async with listener(saying(OK), context) as address:
        seen = await go(address, vantage(authority.certificate))

    assert seen.tls is not None
    assert seen.tls.wants_certificate == (limit is ssl.TLSVersion.TLSv1_2)


async def test_an_old_server_is_asked_for_the_versions_it_speaks(
    tmp_path: Path, authority: Issued
) -> None:
    """None of which a runtime would use."""
    context = server_context(issue(tmp_path, Wish(("127.0.0.1",)), authority))
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    async with listener(saying(OK), context) as address:
        seen = await go(address, vantage(authority.certificate))

    assert seen.tls is not None
    assert seen.tls.versions == ("TLSv1", "TLSv1.1")


async def test_a_closed_port_refuses() -> None:
    """And nothing behind it is looked at."""
    async with listener(silent) as address:
        pass
    seen = await go(address)

    assert [dial.outcome for dial in seen.dials] == [DialOutcome.REFUSED]
    assert seen.dials[0].error == "ECONNREFUSED"
    assert seen.tls is None


PROXY_ANSWERS: dict[str, tuple[bytes, ProxyOutcome, int]] = {
    "407": (
        b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 3\r\n\r\nwho",
        ProxyOutcome.ANSWERED_NO,
        407,
    ),
    "403": (b"HTTP/1.1 403 Forbidden\r\n\r\nno", ProxyOutcome.ANSWERED_NO, 403),
    "nothing": (b"", ProxyOutcome.NO_ANSWER, 0),
    "nonsense": (b"220 mail.test ESMTP\r\n", ProxyOutcome.NOT_HTTP, 0),
}


@pytest.mark.parametrize("case", [pytest.param(case, id=case) for case in PROXY_ANSWERS])
async def test_a_proxys_no_is_told_from_the_registrys(case: str) -> None:
    """With the host tried without it, too: NO_PROXY may be the remedy."""
    answer, outcome, status = PROXY_ANSWERS[case]
    async with listener(saying(answer)) as proxy, listener(silent) as registry:
        port = registry.rpartition(":")[2]
        proxies = Proxies(https=f"http://me:secret@{proxy}")
        seen = await go(f"reg.test:{port}", vantage(proxies=proxies))

    assert seen.proxy is not None
    assert (seen.proxy.outcome, seen.proxy.status) == (outcome, status)
    assert seen.proxy.direct[0].outcome is DialOutcome.CONNECTED
    assert "secret" not in repr(seen)


@pytest.mark.parametrize(
    ("url", "outcome"),
    [
        pytest.param("ftp://proxy.test:21", ProxyOutcome.BAD_URL, id="scheme"),
        pytest.param("http://proxy.nowhere:3128", ProxyOutcome.NO_ADDRESS, id="name"),
        pytest.param("http://127.0.0.1:1", ProxyOutcome.NOT_REACHED, id="port"),
    ],
)
async def test_a_proxy_that_cannot_be_used_is_seen_before_the_registry(
    url: str, outcome: ProxyOutcome
) -> None:
    """Whatever the registry is like."""
    async with name_server(answering()) as server:
        resolver = Resolver((server,), hosts="127.0.0.1 reg.test")
        seen = await go("reg.test:1", vantage(proxies=Proxies(https=url), resolver=resolver))

    assert seen.proxy is not None
    assert seen.proxy.outcome is outcome


async def test_a_proxy_that_connects_leads_to_the_registrys_own_certificate(
    tmp_path: Path, authority: Issued
) -> None:
    """TLS is spoken with the registry, through the proxy."""
    certificate = issue(tmp_path, Wish(("reg.test",)), authority)
    async with listener(saying(OK), server_context(certificate)) as registry:
        port = registry.rpartition(":")[2]
        async with listener(connecting_to(int(port))) as proxy:
            proxies = Proxies(https=f"http://{proxy}")
            seen = await go("reg.test:443", vantage(authority.certificate, proxies))

    assert seen.passed
    assert seen.proxy is not None
    assert seen.tls is not None
    assert seen.tls.chain[0].names == ("reg.test",)


def connecting_to(port: int) -> Conversation:
    """A proxy that connects to this port, whatever it is asked for."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while content := await reader.read(4096):
            writer.write(content)
            await writer.drain()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        there, here = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(pump(reader, here))
                group.create_task(pump(there, writer))
        finally:
            here.close()

    return talk
