"""What was asked of a resolver can be read afterwards."""

from __future__ import annotations

import dns.message
import dns.rcode
import dns.rrset
from hypothesis import given
from hypothesis import strategies as st

from towline.network.query_log import noted, read


def test_an_entry_says_who_asked_what_and_what_was_said() -> None:
    """And when."""
    answer = dns.message.make_response(dns.message.make_query("Hub.corp", "A"))
    answer.answer = [
        dns.rrset.from_text("Hub.corp.", 9, "IN", "CNAME", "a.corp."),
        dns.rrset.from_text("a.corp.", 9, "IN", "A", "10.0.0.1"),
    ]
    found = read(noted(12.5, "10.0.0.9", answer.to_wire()))
    assert found is not None

    assert (found.at, found.client) == (12.5, "10.0.0.9")
    assert (found.name, found.type, found.rcode) == ("Hub.corp.", "A", "NOERROR")
    assert found.answer == ("a.corp.", "10.0.0.1")


def test_an_answer_without_a_question_is_kept_too() -> None:
    """It was noise that came, and that is worth knowing."""
    answer = dns.message.Message(id=1)
    answer.set_rcode(dns.rcode.FORMERR)
    found = read(noted(1.0, "10.0.0.9", answer.to_wire()))
    assert found is not None

    assert (found.name, found.type, found.rcode) == ("", "", "FORMERR")


@given(entry=st.binary(max_size=100), kept=st.integers(0, 60))
def test_half_an_entry_is_nothing(entry: bytes, kept: int) -> None:
    """A reader may come while one is being written."""
    whole = noted(1.0, "10.0.0.9", dns.message.make_query("a.corp", "A").to_wire())
    for one in (entry, whole[:kept] + entry):
        read(one)

    assert read(whole[: min(kept, len(whole) - 1)]) is None
