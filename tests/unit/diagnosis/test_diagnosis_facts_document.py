"""Facts that go from one program to another arrive as they were."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from towline.diagnosis.facts import Facts
from towline.diagnosis.facts_document import facts_document, read_facts
from towline.diagnosis.observation import Observations
from towline.diagnosis.observed_path import DnsSeen, PathSeen
from towline.diagnosis.plane import CredentialSeen, InstanceSeen, LinkSeen, Plane, PodSeen, WayOut
from towline.network.trace_hop import Act, Hop, Place, Trace
from towline.network.trace_stop import Stop

HOPS = st.builds(
    Hop,
    place=st.sampled_from(Place),
    id=st.text(),
    act=st.sampled_from(Act),
    by=st.text(),
    sources=st.tuples(st.text()),
    destination=st.text(),
)
PLANES = st.builds(
    Plane,
    host=st.text(),
    instance=st.none() | st.builds(InstanceSeen),
    links=st.tuples(st.builds(LinkSeen)),
    trace=st.none() | st.builds(Trace, st.tuples(HOPS), st.none() | st.sampled_from(Stop)),
    way_out=st.none() | st.builds(WayOut),
    credential=st.builds(CredentialSeen),
)


@given(
    image=st.text(),
    plane=st.none() | PLANES,
    pod=st.none() | st.builds(PodSeen),
    seen=st.none()
    | st.builds(
        Observations,
        st.text(),
        path=st.none() | st.builds(PathSeen, dns=st.builds(DnsSeen, st.text())),
    ),
)
def test_facts_arrive_as_they_were(
    image: str, plane: Plane | None, pod: PodSeen | None, seen: Observations | None
) -> None:
    """Through JSON and back."""
    facts = Facts(image=image, text="said", plane=plane, pod=pod, seen=seen)
    sent = msgspec.json.encode(facts_document(facts))

    assert read_facts(msgspec.json.decode(sent)) == facts
