"""Everything that can go wrong with a pull really goes wrong here, and the diagnosis says what it is.

Each situation is the story of its code: real packets between namespaces, a pull that fails in its
own words, a probe from where the pull was made. All are told at once, and each test then looks at
one of them.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import msgspec
import pytest
from tests.laboratory.experiment import Finding, experiment, find
from tests.laboratory.faulty_registry import PASSWORD
from tests.laboratory.laboratory import laboratory
from tests.laboratory.situation import HEALTHY, WRONG_KEY
from tests.laboratory.situations import SITUATIONS

from towline.diagnosis.diagnose import diagnose
from towline.diagnosis.verdict import Confidence, Verdict

pytestmark = [
    pytest.mark.root,
    pytest.mark.slow,
    pytest.mark.timeout(400),  # the first test waits until all stories are told
]
FAULTS = tuple(one for one in SITUATIONS if one.code != HEALTHY)
NAMED = 0.97
"""How many of them have to be named: a busy machine may lose a packet that was to prove something."""
HEALTHY_ONES = tuple(one for one in SITUATIONS if one.code == HEALTHY)


async def told() -> dict[str, Finding]:
    """What came of each situation. What went wrong in the crowd is told again alone."""
    async with laboratory(SITUATIONS) as lab:
        findings = {finding.site.situation.name: finding for finding in await experiment(lab)}
        for name, finding in findings.items():
            if not finding.right:
                findings[name] = await find(lab, finding.site)
    return findings


def verdict_of(finding: Finding) -> Verdict:
    """The verdict, where there must be one."""
    assert finding.verdict is not None, "something is wrong here"
    return finding.verdict


@pytest.fixture(scope="module")
def findings() -> dict[str, Finding]:
    """By the situations' names."""
    return asyncio.run(told())


def test_a_fault_is_called_by_its_code(findings: dict[str, Finding]) -> None:
    """Whatever else its text could mean."""
    wrong = [
        f"{one.name}: {one.code}, not {findings[one.name].code or 'nothing'}"
        for one in FAULTS
        if not findings[one.name].right
    ]

    assert len(wrong) <= len(FAULTS) * (1 - NAMED), wrong


def test_a_healthy_registry_alarms_nobody(findings: dict[str, Finding]) -> None:
    """Of whatever kind it is."""
    alarmed = [
        (one.name, findings[one.name].code, findings[one.name].facts.text)
        for one in HEALTHY_ONES
        if findings[one.name].code or findings[one.name].facts.text
    ]

    assert alarmed == []


def test_a_fault_that_can_be_seen_is_proved(findings: dict[str, Finding]) -> None:
    """Guessing from a text is not good enough then."""
    visible = [findings[one.name] for one in FAULTS if one.probed and not one.said]
    guessed = [
        one.site.situation.name
        for one in visible
        if one.verdict is None or one.verdict.confidence is not Confidence.PROVED
    ]

    assert len(guessed) <= len(visible) * (1 - NAMED), guessed


def test_what_is_called_proved_is_so(findings: dict[str, Finding]) -> None:
    """The word is not used lightly."""
    wrong = [
        (finding.site.situation.name, finding.code)
        for finding in findings.values()
        if finding.verdict and finding.verdict.confidence is Confidence.PROVED and not finding.right
    ]

    assert wrong == []


def test_a_remedy_names_what_is_to_be_mended(findings: dict[str, Finding]) -> None:
    """The second host of a pull, the platform that is wanted, the tags that there are."""
    named = {
        "auth.realm-refused": "token.auth-realm-refused.lab.example:443",
        "auth.realm-tls": "token.auth-realm-tls.lab.example:443",
        "blob.redirect-refused": "blobs.blob-redirect-refused.lab.example:443",
        "blob.redirect-tls": "blobs.blob-redirect-tls.lab.example:443",
        "platform.no-match": "linux/amd64",
        "manifest.tag-unknown": "1.0",
    }
    remedies = {name: verdict_of(findings[name]).remedy.text for name in named}

    assert {name: text for name, text in remedies.items() if named[name] not in text} == {}


def test_no_verdict_holds_a_secret(findings: dict[str, Finding]) -> None:
    """Neither what a probe saw nor what is said of it repeats a password or a signed address."""
    secrets = (PASSWORD, WRONG_KEY.password, "signature=secret")
    tellers = {name: repr(finding.facts.seen) for name, finding in findings.items()}
    for name, finding in findings.items():
        by_text = diagnose(replace(finding.facts, seen=None))
        for verdict in filter(None, (finding.verdict, by_text)):
            tellers[name] += msgspec.json.encode(verdict.to_json()).decode()

    assert [name for name, text in tellers.items() if any(s in text for s in secrets)] == []
