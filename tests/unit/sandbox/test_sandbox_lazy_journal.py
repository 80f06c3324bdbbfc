"""What a rope's processes leave one another, and what is read of it after any of them is gone."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towline.sandbox.lazy.journal import SLOTS, Journal, State, Wanted
from towline.sandbox.lazy.order import Layers, LazyLayer, Order, Packed, Way
from towline.sandbox.lazy.seat import Seat, Seats
from towline.sandbox.lazy.strand import MOST_FRUITLESS, Setbacks

LAYER = LazyLayer("sha256:d", "/layer", Packed("sha256:p", 9, "gzip"), None, "/head")


@pytest.fixture
def journal() -> Iterator[Journal]:
    """Of two layers."""
    made = Journal.make([Wanted(100, 3), Wanted(50, 2)])
    yield made
    os.close(made.descriptor)


def test_what_one_process_writes_the_next_one_reads(journal: Journal) -> None:
    """Spans, how much there is, and questions, with the layer or without."""
    journal.put(0, 1, 40)
    journal.put(0, 1, 40)
    journal.put(1, 0, 30)
    journal.place(7)[:4] = b"\x30\0\0\0"
    journal.place(9)[:4] = b"\x30\0\0\0"
    journal.note_layer(9, 1)
    again = Journal(journal.descriptor)

    assert [again.has(0, n) for n in range(3)] == [False, True, False]
    assert [again.has(1, n) for n in range(2)] == [True, False]
    assert again.filled() == ((40, 100), (30, 50))
    assert [(noted.slot, noted.layer) for noted in again.noted()] == [(7, None), (9, 1)]
    assert (again.layers, again.steps, again.state) == (2, 2, State.FILLING)


def test_a_question_that_is_answered_is_forgotten_with_its_layer(journal: Journal) -> None:
    """The next one in its place starts without."""
    journal.place(0)[:4] = b"\x30\0\0\0"
    journal.note_layer(0, 1)
    journal.clear(0)
    none = list(journal.noted())
    journal.place(0)[:4] = b"\x30\0\0\0"

    assert none == []
    assert [noted.layer for noted in journal.noted()] == [None]


@given(spans=st.lists(st.integers(1, 20), min_size=1, max_size=8), data=st.data())
def test_spans_and_slots_do_not_touch_one_another(spans: list[int], data: st.DataObject) -> None:
    """Whatever is put, exactly that is there."""
    made = Journal.make([Wanted(1, count) for count in spans])
    everything = [(layer, n) for layer, count in enumerate(spans) for n in range(count)]
    put = data.draw(st.sets(st.sampled_from(everything)))
    slots = data.draw(st.sets(st.integers(0, SLOTS - 1)))
    for slot in slots:
        made.place(slot)[:] = b"\xff" * len(made.place(slot))
    for layer, number in put:
        made.put(layer, number, 1)
    os.close(made.descriptor)

    assert {key for key in everything if made.has(*key)} == put
    assert {noted.slot for noted in made.noted()} == slots


def test_there_is_no_span_that_the_layer_does_not_have(journal: Journal) -> None:
    """So none of another layer's can be meant."""
    with pytest.raises(IndexError):
        journal.put(0, 3, 1)

    assert journal.filled() == ((0, 100), (0, 50))


def test_the_first_reason_for_breaking_stays(journal: Journal) -> None:
    """What comes later is mostly its consequence."""
    journal.break_off("the first ü")
    journal.break_off("the second")

    assert (journal.state, journal.reason) == (State.BROKEN, "the first ü")


def test_ways_are_added_to_an_order_that_others_have() -> None:
    """They see each as soon as it is complete; a login is not shown."""
    order = Order.write(Layers("/rope", (LAYER,)), [Way("r.io/a:1")])
    other = Order(order.descriptor)
    before = other.ways
    order.add(Way("r.io/a:1", "me", "secret"))

    assert before == (Way("r.io/a:1"),)
    assert other.ways[1].password == "secret"
    assert "secret" not in repr(other.ways)
    assert other.layers == Layers("/rope", (LAYER,))
    os.close(order.descriptor)


def test_a_seat_is_free_when_its_process_has_ended() -> None:
    """Whoever asks hears who sits there; nobody else can sit down meanwhile."""
    fd = os.memfd_create("seats")
    seats, (hear, say), (wait, end) = Seats(fd), os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        os.write(say, bytes([seats.take(Seat.WORKER)]))
        os.close(end)
        os.read(wait, 1)
        os._exit(0)
    taken = os.read(hear, 1)
    occupants = [seats.occupant(seat) for seat in Seat]
    refused = seats.take(Seat.WORKER)
    os.close(end)
    os.waitpid(child, 0)

    assert taken == b"\1"
    assert occupants == [None, child]
    assert not refused
    assert seats.occupant(Seat.WORKER) is None
    assert seats.watch(Seat.WORKER) is None
    for each in (fd, hear, say, wait):
        os.close(each)


def test_deaths_without_progress_are_followed_by_longer_pauses(journal: Journal) -> None:
    """A step forward makes the next try immediate again; without one there is an end of trying."""
    setbacks = Setbacks(journal)
    pauses = [setbacks.another() for _ in range(8)]
    journal.put(0, 0, 1)
    after = setbacks.another()
    for _ in range(MOST_FRUITLESS - 1):
        setbacks.another()
    hopeless = setbacks.hopeless
    setbacks.another()

    assert pauses[0] == 0.0
    assert pauses == sorted(pauses)
    assert pauses[-1] > 0.1
    assert after == 0.0
    assert not hopeless
    assert setbacks.hopeless
