"""The resolver of a VPC answers what it is asked, and nothing can make it stumble."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from towline.network.name_answer import PAYLOAD, STREAM_LIMIT, Answers, Beyond, rendered
from towline.network.zone import View, closed, private_zones, public_zones
from towline.resource.private_zone import PrivateZone, ZoneRecord

NAME, ADDRESS = "demo.tencentcloudcr.com", "198.18.0.10"
ANSWERS = Answers(View({}, closed(public_zones([(NAME, ADDRESS)]))))
ZONE = PrivateZone(id="zone-1", domain="corp", recursion=False, created_at="", updated_at="")


def record(subdomain: str, value: str, type_: str = "A") -> ZoneRecord:
    """A record of a private zone."""
    return ZoneRecord(
        id=value,
        zone_id=ZONE.id,
        subdomain=subdomain,
        type=type_,
        value=value,
        created_at="",
        updated_at="",
    )


RECORDS = (
    record("*.any", "10.0.0.1"),
    record("*.alias", "host.any.corp", "CNAME"),
    record("host.some", "10.0.0.2"),
    record("away", "www.example.org", "CNAME"),
)
PRIVATE = private_zones([ZONE], RECORDS)


def answers(*, uplink: bool = False) -> Answers:
    """Answers of a private and a public zone that nobody has asked yet."""
    public = public_zones([(NAME, ADDRESS)])
    return Answers(View(PRIVATE, public if uplink else closed(public)))


def ask(question: dns.message.Message, answered_by: Answers = ANSWERS) -> dns.message.Message:
    """What comes back over UDP."""
    wire = answered_by.to_datagram(question.to_wire())
    assert isinstance(wire, bytes)
    answer = dns.message.from_wire(wire)
    assert question.is_response(answer)
    return answer


@pytest.mark.parametrize(
    ("name", "kind", "rcode", "apex"),
    [
        pytest.param(NAME, "AAAA", "NOERROR", "tencentcloudcr.com.", id="no-ipv6"),
        pytest.param(NAME, "MX", "NOERROR", "tencentcloudcr.com.", id="no-mail"),
        pytest.param(NAME, "CNAME", "NOERROR", "tencentcloudcr.com.", id="no-alias"),
        pytest.param("com", "A", "NOERROR", ".", id="above-a-name"),
        pytest.param(".", "NS", "NOERROR", ".", id="root"),
        pytest.param(f"www.{NAME}", "A", "NXDOMAIN", "tencentcloudcr.com.", id="below-a-name"),
        pytest.param("example.org", "A", "NXDOMAIN", ".", id="elsewhere"),
        pytest.param("1.0.0.10.in-addr.arpa", "PTR", "NXDOMAIN", ".", id="reverse"),
    ],
)
def test_what_is_not_there_is_told_with_the_zones_own_record(
    name: str, kind: str, rcode: str, apex: str
) -> None:
    """NODATA and NXDOMAIN carry the SOA by which others know how long to remember it (RFC 2308)."""
    answer = ask(dns.message.make_query(name, kind))

    assert dns.rcode.to_text(answer.rcode()) == rcode
    assert answer.answer == []
    (authority,) = answer.authority
    assert (authority.name.to_text(), authority.rdtype) == (apex, dns.rdatatype.SOA)


@pytest.mark.parametrize(
    ("name", "kind", "found"),
    [
        pytest.param("dEmO.TencentCloudCR.com.", "A", ADDRESS, id="address"),
        pytest.param("TencentCloudCR.cOm.", "SOA", "nobody.invalid.", id="zone"),
    ],
)
def test_a_name_is_answered_in_the_case_in_which_it_was_asked(
    name: str, kind: str, found: str
) -> None:
    """Some resolvers mix cases to tell forged answers; what is found is the same."""
    for asked in (name.lower(), name):
        wire = ANSWERS.to_datagram(dns.message.make_query(asked, kind).to_wire())
        assert isinstance(wire, bytes)

        (answer,) = dns.message.from_wire(wire).answer
        assert answer.name.to_text() == asked
        assert found in str(answer[0])


@pytest.mark.parametrize(
    ("change", "rcode"),
    [
        pytest.param({"rdclass": "CH"}, dns.rcode.REFUSED, id="another-class"),
        pytest.param({"rdtype": "AXFR"}, dns.rcode.REFUSED, id="zone-transfer"),
        pytest.param({"use_edns": 1}, dns.rcode.BADVERS, id="edns-of-the-future"),
    ],
)
def test_what_is_not_served_is_refused(change: dict[str, object], rcode: dns.rcode.Rcode) -> None:
    """Each with the code that is meant for it."""
    arguments: dict[str, object] = {"qname": NAME, "rdtype": "A", **change}
    answer = ask(dns.message.make_query(**arguments))  # type: ignore[arg-type]  # typed by the cases

    assert answer.rcode() == rcode


def test_other_operations_are_not_implemented() -> None:
    """A pod that announces its name (RFC 2136) is told so."""
    question = dns.message.make_query(NAME, "SOA")
    question.set_opcode(dns.opcode.NOTIFY)

    assert ask(question).rcode() == dns.rcode.NOTIMP


def test_two_questions_in_one_are_one_too_many() -> None:
    """RFC 9619."""
    question = dns.message.make_query(NAME, "A")
    question.question += dns.message.make_query(NAME, "AAAA").question
    wire = ANSWERS.to_datagram(question.to_wire())
    assert isinstance(wire, bytes)

    assert dns.message.from_wire(wire).rcode() == dns.rcode.FORMERR


def test_edns_is_answered_with_edns_and_only_then() -> None:
    """RFC 6891, 6.1.1; the bit that asks for signatures is copied."""
    with_it = ask(dns.message.make_query(NAME, "A", want_dnssec=True, payload=4096))
    without = ask(dns.message.make_query(NAME, "A"))

    assert (with_it.edns, with_it.payload) == (0, PAYLOAD)
    assert with_it.ednsflags & dns.flags.DO
    assert without.edns == -1


def test_recursion_is_offered() -> None:
    """Stub resolvers ask nobody who does not."""
    answer = ask(dns.message.make_query(NAME, "A"))

    assert answer.flags & dns.flags.RA
    assert answer.flags & dns.flags.RD


def test_an_answer_that_does_not_fit_is_marked_as_cut() -> None:
    """The client then asks again over TCP, where it is whole."""
    answer = dns.message.make_response(dns.message.make_query(NAME, "A"))
    addresses = [f"10.0.0.{number}" for number in range(1, 60)]
    answer.answer.append(dns.rrset.from_text_list(f"{NAME}.", 10, "IN", "A", addresses))
    short = dns.message.from_wire(rendered(answer, 512))
    whole = dns.message.from_wire(rendered(answer, 65_535))

    assert short.flags & dns.flags.TC
    assert short.answer == []
    assert whole.answer == answer.answer


@pytest.mark.parametrize(
    "noise",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x12\x34\x01\x00\x00\x01", id="half-a-header"),
        pytest.param(b"\x12\x34\x81\x80" + bytes(8), id="an-answer"),
    ],
)
def test_what_is_no_question_gets_no_answer(noise: bytes) -> None:
    """Two resolvers must not talk to each other for ever."""
    assert ANSWERS.to_datagram(noise) is None
    assert ANSWERS.to_stream(noise) is None


@given(noise=st.binary(min_size=0, max_size=200))
def test_any_bytes_may_come_in(noise: bytes) -> None:
    """The answer, if there is one, can be read and bears the number of the question."""
    for wire in (ANSWERS.to_datagram(noise), ANSWERS.to_stream(noise)):
        if isinstance(wire, bytes):
            answer = dns.message.from_wire(wire)

            assert answer.flags & dns.flags.QR
            assert wire[:2] == noise[:2]


@given(
    labels=st.lists(st.binary(min_size=1, max_size=63), max_size=3),
    kind=st.integers(0, 65535),
    kept=st.integers(0, 100),
    damage=st.integers(0, 255),
)
def test_almost_a_question_is_answered_too(
    labels: list[bytes], kind: int, kept: int, damage: int
) -> None:
    """Any name and type; cut anywhere, and with a byte changed. What is right fits a datagram."""
    name = dns.name.Name([*labels, b""])
    wire = bytearray(
        dns.message.make_query(name, dns.rdatatype.RdataType.make(kind), use_edns=0).to_wire()
    )
    whole = ANSWERS.to_datagram(bytes(wire))
    wire[min(kept, len(wire) - 1)] ^= damage
    for damaged in (bytes(wire), bytes(wire[:kept])):
        answered = ANSWERS.to_datagram(damaged)
        if isinstance(answered, bytes):
            dns.message.from_wire(answered)

    assert isinstance(whole, bytes)
    assert len(whole) <= 512


LABELS = st.one_of(
    st.sampled_from([b"host", b"HOST", b"some", b"any", b"demo", b"away", b"*", b"x", b"corp"]),
    st.binary(min_size=1, max_size=63),
)
PARENTS = st.sampled_from(
    ["any.corp", "alias.corp", "some.corp", "corp", "tencentcloudcr.com", "."]
)


@given(
    labels=st.lists(LABELS, min_size=2, max_size=6),
    parent=PARENTS,
    kind=st.sampled_from(["A", "AAAA", "CNAME", "SOA", "ANY"]),
    edns=st.booleans(),
)
def test_an_answer_does_not_depend_on_what_was_asked_before(
    labels: list[bytes], parent: str, kind: str, edns: bool
) -> None:
    """Answers are made from those to other names; each is the one that would be made anew."""
    remembering = answers()
    for label in labels:
        name = dns.name.Name([label, *dns.name.from_text(parent).labels])
        question = dns.message.make_query(name, kind, use_edns=0 if edns else -1, id=7)
        fresh = answers().to_datagram(question.to_wire())

        assert remembering.to_datagram(question.to_wire()) == fresh


def test_names_that_do_not_exist_are_answered_alike() -> None:
    """Each with its own name, in its own case, and its own number."""
    remembering = answers()
    for number, name in enumerate(("a1.some.corp", "B2.some.corp", "host.some.corp")):
        given = ask(dns.message.make_query(name, "A", id=number), remembering)

        assert given.question[0].name.to_text() == f"{name}."
        assert given.id == number
        assert (given.rcode() == dns.rcode.NXDOMAIN) == (not given.answer)


def test_what_only_the_uplink_may_know_is_asked_there() -> None:
    """Its answer follows the aliases that led there, and bears the number of the question."""
    here = answers(uplink=True)
    question = dns.message.make_query("away.corp", "A")
    reply = here.to_datagram(question.to_wire())
    assert isinstance(reply, Beyond)
    said = dns.message.make_response(dns.message.make_query(reply.name, reply.type))
    said.answer.append(dns.rrset.from_text(reply.name, 5, "IN", "A", "192.0.2.1"))
    answer = dns.message.from_wire(here.complete(question.to_wire(), said, PAYLOAD))

    assert reply.name.to_text() == "www.example.org."
    assert question.is_response(answer)
    assert [str(one[0]) for one in answer.answer] == ["www.example.org.", "192.0.2.1"]


def test_an_uplink_that_is_silent_is_a_failure_of_the_server() -> None:
    """Not of the name: it may well exist."""
    question = dns.message.make_query("www.example.org", "A")
    answer = dns.message.from_wire(
        answers(uplink=True).complete(question.to_wire(), None, STREAM_LIMIT)
    )

    assert answer.rcode() == dns.rcode.SERVFAIL
    assert answer.answer == []


def test_what_the_uplink_says_is_passed_on() -> None:
    """That a name does not exist, and that there is more than fits."""
    question = dns.message.make_query("www.example.org", "A")
    said = dns.message.make_response(question)
    said.set_rcode(dns.rcode.NXDOMAIN)
    said.flags |= dns.flags.TC
    answer = dns.message.from_wire(
        answers(uplink=True).complete(question.to_wire(), said, PAYLOAD), raise_on_truncation=False
    )

    assert answer.rcode() == dns.rcode.NXDOMAIN
    assert answer.flags & dns.flags.TC
