"""Each name server is asked itself, and what it says is kept apart: the words of a runtime mix up
what does not exist, what has no address, and who will not say.
"""

from __future__ import annotations

import dns.rcode
import pytest
from tests.faulty_servers import answering, name_server

from towline.diagnosis.observed_path import DnsSeen, NameOutcome
from towline.probe.here import OwnSockets
from towline.probe.name import NameProbe
from towline.probe.vantage import Resolver

PATIENCE = 2.0
HOST = "reg.example.com"


async def look_up(resolver: Resolver, host: str = HOST) -> DnsSeen:
    """What a probe sees of a name."""
    return await NameProbe(OwnSockets(), resolver, PATIENCE).look_up(host)


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        pytest.param(dns.rcode.NXDOMAIN, NameOutcome.NXDOMAIN, id="no-such-name"),
        pytest.param(dns.rcode.NOERROR, NameOutcome.NODATA, id="no-address"),
        pytest.param(dns.rcode.SERVFAIL, NameOutcome.SERVFAIL, id="server-failed"),
        pytest.param(dns.rcode.REFUSED, NameOutcome.REFUSED, id="server-refused"),
        pytest.param(dns.rcode.NOTIMP, NameOutcome.OTHER_CODE, id="anything-else"),
    ],
)
async def test_a_name_without_addresses_is_told_by_its_response_code(
    code: dns.rcode.Rcode, outcome: NameOutcome
) -> None:
    """Of the A and of the AAAA question alike."""
    async with name_server(answering(code=code)) as server:
        seen = await look_up(Resolver((server,)))

    assert [answer.outcome for answer in seen.answers] == [outcome, outcome]
    assert seen.addresses == ()


async def test_addresses_come_ipv4_first() -> None:
    """As a pull tries them."""
    async with name_server(answering("2001:db8::1", "10.1.2.3")) as server:
        seen = await look_up(Resolver((server,)))

    assert seen.addresses == ("10.1.2.3", "2001:db8::1")
    assert seen.servers == (f"{server[0]}:{server[1]}",)


async def test_a_server_that_fails_is_passed_over() -> None:
    """As Go's resolver does; one that says that there is no such name is believed."""
    async with (
        name_server(answering(code=dns.rcode.SERVFAIL)) as failing,
        name_server(answering(code=dns.rcode.NXDOMAIN)) as denying,
        name_server(answering("10.1.2.3")) as knowing,
    ):
        passed = await look_up(Resolver((failing, knowing)))
        believed = await look_up(Resolver((denying, knowing)))

    assert passed.addresses == ("10.1.2.3",)
    assert believed.addresses == ()


async def test_nobody_listening_and_nobody_answering_are_two_things() -> None:
    """A closed port says so; a filter does not. TCP is tried as well."""
    async with name_server(lambda _: None) as server:
        mute = await look_up(Resolver((server,)))
    closed = await look_up(Resolver((server,)))

    assert {answer.outcome for answer in mute.answers} == {NameOutcome.TIMED_OUT}
    assert {answer.outcome for answer in closed.answers} == {NameOutcome.REJECTED}
    assert closed.answers[0].error == "ECONNREFUSED"
    assert mute.answers[0].over_tcp is NameOutcome.REJECTED


async def test_search_domains_are_asked_for_in_their_turn() -> None:
    """Before the name itself when it has few dots."""
    async with name_server(answering(code=dns.rcode.NXDOMAIN)) as server:
        seen = await look_up(Resolver((server,), ("a.local", "b.local"), ndots=5))

    names = [answer.name for answer in seen.answers if answer.kind == "A"]
    assert names == [f"{HOST}.a.local", f"{HOST}.b.local", HOST]


async def test_the_hosts_file_and_an_address_need_no_server() -> None:
    """The line that answered is kept: it may be the fault."""
    hosts = Resolver(hosts="# mine\n127.0.0.1  localhost REG.example.com # blocked\n")

    listed, address = await look_up(hosts), await look_up(hosts, "10.0.0.7")

    assert (listed.addresses, listed.answers) == (("127.0.0.1",), ())
    assert listed.hosts_line == "127.0.0.1 localhost REG.example.com"
    assert (address.addresses, address.is_address) == (("10.0.0.7",), True)
