"""Somebody who does not stand in a pod's network claims nothing of it that he cannot know."""

from __future__ import annotations

from dataclasses import replace

from towline.diagnosis.diagnose import diagnose
from towline.diagnosis.facts import Facts
from towline.diagnosis.from_elsewhere import diagnose_from_elsewhere
from towline.diagnosis.observation import (
    HttpOutcome,
    HttpSeen,
    ManifestSeen,
    Observations,
    TagsSeen,
)
from towline.diagnosis.observed_path import (
    CertificateSeen,
    DialOutcome,
    DialSeen,
    DnsSeen,
    PathSeen,
    TlsOutcome,
    TlsSeen,
    TrustOutcome,
)
from towline.diagnosis.verdict import Confidence

IMAGE = "10.1.2.3:5000/team/web:1"
SILENT = PathSeen(
    "10.1.2.3",
    5000,
    "https",
    dns=DnsSeen("10.1.2.3", addresses=("10.1.2.3",), is_address=True),
    dials=(DialSeen("10.1.2.3", 5000, DialOutcome.TIMED_OUT),),
)
UNREACHED = Observations(
    IMAGE, vantage="this machine", domain="10.1.2.3:5000", path=SILENT, complete=True
)
CANNOT_DIAL = Facts(image=IMAGE, seen=UNREACHED)
NO_KEY = (
    'Failed to pull image "10.1.2.3:5000/team/web:1": failed to resolve reference: pull access denied, '
    "repository does not exist or may require authorization: server message: insufficient_scope: "
    "authorization failed"
)


def test_a_registry_that_is_silent_from_here_proves_nothing_of_a_pod() -> None:
    """Without words of the runtime it is a guess, and says from where."""
    proved, guessed = diagnose(CANNOT_DIAL), diagnose_from_elsewhere(CANNOT_DIAL)

    assert proved is not None
    assert guessed is not None
    assert (proved.confidence, guessed.confidence) == (Confidence.PROVED, Confidence.ONE_OF)
    assert guessed.code == proved.code == "net.timeout.private-ip"
    assert "this machine" in guessed.evidence[-1]


def test_a_runtime_that_came_further_is_right() -> None:
    """It was refused by a registry that cannot even be reached from here."""
    found = diagnose_from_elsewhere(replace(CANNOT_DIAL, text=NO_KEY))

    assert found is not None
    assert found.code == "authz.insufficient-scope"
    assert found.confidence is Confidence.ONE_OF


def test_what_every_place_sees_is_proved_from_any() -> None:
    """A tag that is not there is nowhere there."""
    shaken = TlsSeen("10.1.2.3", "10.1.2.3:5000", TlsOutcome.SHAKEN)
    path = replace(SILENT, dials=(DialSeen("10.1.2.3", 5000, DialOutcome.CONNECTED),), tls=shaken)
    ok = HttpSeen("GET", "https://10.1.2.3:5000/v2/", HttpOutcome.ANSWERED, status=200)
    gone = replace(ok, status=404, errors=(("MANIFEST_UNKNOWN", "unknown"),))
    seen = replace(
        UNREACHED,
        path=path,
        ping=ok,
        target="1",
        repository="team/web",
        manifest=ManifestSeen("1", gone, tags=TagsSeen(ok, near=("2",))),
    )
    found = diagnose_from_elsewhere(Facts(image=IMAGE, seen=seen, text="manifest unknown"))

    assert found is not None
    assert (found.code, found.confidence) == ("manifest.tag-unknown", Confidence.PROVED)


def test_a_certificate_that_only_this_machine_does_not_know_is_not_the_cause() -> None:
    """The runtime has spoken with the registry already."""
    leaf = CertificateSeen("CN=x", "CN=y", ("x",), "x", 0, 1 << 31, "ab")
    tls = TlsSeen(
        "10.1.2.3",
        "10.1.2.3:5000",
        TlsOutcome.SHAKEN,
        problems=(TrustOutcome.UNTRUSTED,),
        chain=(leaf,),
    )
    path = replace(SILENT, dials=(DialSeen("10.1.2.3", 5000, DialOutcome.CONNECTED),), tls=tls)
    facts = Facts(image=IMAGE, seen=replace(UNREACHED, path=path), text=NO_KEY)
    seen, found = diagnose(facts), diagnose_from_elsewhere(facts)

    assert seen is not None
    assert found is not None
    assert (seen.stage, found.stage) == ("tls", "authz")
