"""From a text to a verdict: what is sure is said so, and what is not names the other causes."""

from __future__ import annotations

import pytest
from tools import diagnosis_score

from towline.diagnosis.catalogue import STAGES, all_rules, by_code
from towline.diagnosis.diagnose import diagnose
from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.verdict import Confidence

LOOKS = [
    pytest.param(rule, client, text, id=f"{rule.code} in {client}")
    for rule in all_rules()
    for client, text in rule.looks
]
HEAD = 'failed to do request: Head "https://hub.example/v2/team/app/manifests/1.0": '


def test_the_rules_follow_the_stages_of_a_pull() -> None:
    """The first that fails is the cause, so their order is the order of a pull."""
    stages = [rule.stage for rule in all_rules()]

    assert stages == sorted(stages, key=STAGES.index)
    assert len(by_code()) == len(all_rules())


@pytest.mark.parametrize(("rule", "client", "text"), LOOKS)
def test_a_text_on_a_page_is_read_as_the_page_says(rule: Rule, client: str, text: str) -> None:
    """As its cause, or among the causes that the text fits."""
    verdict = diagnose(Facts(text=text, client=client))

    assert verdict is not None
    assert rule.code in (verdict.code, *verdict.alternatives)


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.code)
def test_a_cause_is_told_in_full(rule: Rule) -> None:
    """What it is, how it reads, what decides, and what mends it."""
    assert rule.title
    assert not rule.title.endswith(".")
    assert rule.about
    assert rule.looks
    assert rule.decided_by
    assert rule.remedy(Facts()).text


def test_a_text_of_several_causes_names_them_all_and_what_decides() -> None:
    """A guess is never sold as knowledge."""
    verdict = diagnose(Facts(text=f"{HEAD}x509: certificate signed by unknown authority"))

    assert verdict is not None
    assert verdict.code == "tls.unknown-authority"
    assert verdict.confidence is Confidence.ONE_OF
    assert set(verdict.alternatives) == {"tls.self-signed", "tls.incomplete-chain"}
    assert verdict.decided_by


def test_a_text_of_one_cause_is_believed() -> None:
    """Where no other cause says the same."""
    verdict = diagnose(Facts(text=f"{HEAD}http: server gave HTTP response to HTTPS client"))

    assert verdict is not None
    assert verdict.code == "tls.http-server"
    assert verdict.confidence is Confidence.READ
    assert verdict.alternatives == ()


def test_the_remedy_names_the_image_of_the_text() -> None:
    """Even if nobody said which it is."""
    text = f'failed to pull and unpack image "hub.example/team/app:1.0": {HEAD}EOF'
    verdict = diagnose(
        Facts(text=text.replace("EOF", "dial tcp: lookup hub.example: no such host"))
    )

    assert verdict is not None
    assert "hub.example" in verdict.remedy.text


def test_what_is_no_failed_pull_has_no_verdict() -> None:
    """Better silent than wrong."""
    assert diagnose(Facts(text="Successfully assigned default/web to node-1")) is None
    assert diagnose(Facts()) is None


def test_a_verdict_as_json_has_the_promised_keys() -> None:
    """Programs rely on them."""
    verdict = diagnose(Facts(text=f"{HEAD}EOF"))
    assert verdict is not None
    document = verdict.to_json()

    assert {"code", "stage", "confidence", "alternatives", "cause", "evidence", "remedy"} <= set(
        document
    )
    assert {"text", "commands"} <= set(document["remedy"])
    assert document["stage"] == "net"


@pytest.mark.slow
def test_real_texts_are_read_well() -> None:
    """Of a laboratory and of public threads; on look-alikes never wrong and sure."""
    cases = diagnosis_score.laboratory()
    answers = [diagnosis_score.answer(case) for case in cases]
    codes = {
        id(case): found.code if found else "" for case, found in zip(cases, answers, strict=True)
    }
    by_client = {
        kind: diagnosis_score.top(
            [case for case in cases if case.kind == kind], lambda case: codes[id(case)]
        ).share
        for kind in {case.kind for case in cases}
    }

    assert diagnosis_score.top(cases, lambda case: codes[id(case)]).share >= 0.85
    assert diagnosis_score.stages(cases, lambda case: codes[id(case)]).share >= 0.92
    assert min(by_client.values()) >= 0.78
    assert diagnosis_score.wrongly_sure(cases, answers) == []


def test_texts_of_public_threads_are_read_well() -> None:
    """As people paste them."""
    cases = diagnosis_score.reported()
    answers = {id(case): diagnosis_score.answer(case) for case in cases}

    def code(case: diagnosis_score.Case) -> str:
        found = answers[id(case)]
        return found.code if found else ""

    assert diagnosis_score.top(cases, code).share >= 0.75
