"""From all that is known of a failed pull to one verdict.

What a probe or the control plane saw is worth more than what a runtime printed, and the first stage
that fails is the cause: what comes after it was never tried. A text that several causes print is
answered with all of them, the likeliest first, and with the request that would decide.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from towline.diagnosis.catalogue import all_rules
from towline.diagnosis.facts import Facts
from towline.diagnosis.known_remedy import known_remedy
from towline.diagnosis.reading import Reading, read
from towline.diagnosis.rule import Rule, Sign
from towline.diagnosis.verdict import Confidence, Verdict
from towline.pull.message import rpc_text


def diagnose(facts: Facts) -> Verdict | None:
    """Why the pull fails; None when nothing is known that would stop it."""
    return _proved(facts) or _read(facts)


def _proved(facts: Facts) -> Verdict | None:
    for rule in all_rules():
        found = rule.proof(facts) if rule.proof is not None else None
        if found is not None:
            return Verdict(
                code=rule.code,
                confidence=Confidence.PROVED,
                cause=found.cause or rule.title,
                evidence=found.evidence,
                remedy=known_remedy(rule.code, facts) or rule.remedy(facts),
                decided_by=rule.decided_by,
            )
    return None


def _read(facts: Facts) -> Verdict | None:
    text = facts.text or _own_text(facts)
    if not text:
        return None
    reading = read(text, facts.client)
    likely, possible = fitting(reading)
    candidates = [*likely, *(rule for rule in possible if rule not in likely)]
    if not candidates:
        return None
    first, *others = candidates
    return Verdict(
        code=first.code,
        confidence=Confidence.ONE_OF if others else Confidence.READ,
        alternatives=tuple(rule.code for rule in others),
        cause=first.title,
        evidence=(f"{reading.client or 'the runtime'} says: {reading.shown}",),
        remedy=first.remedy(replace(facts, image=facts.image or reading.image)),
        decided_by=first.decided_by,
    )


def fitting(reading: Reading) -> tuple[tuple[Rule, ...], tuple[Rule, ...]]:
    """The rules of the causes that a text tells of, and those of its look-alikes."""
    likely = tuple(rule for rule in all_rules() if _any(rule.signs, reading))
    possible = tuple(rule for rule in all_rules() if _any(rule.look_alikes, reading))
    return likely, possible


def _any(signs: Iterable[Sign], reading: Reading) -> bool:
    return any(sign(reading) for sign in signs)


def _own_text(facts: Facts) -> str:
    attempt = facts.attempt
    return rpc_text(attempt) if attempt is not None and attempt.failure is not None else ""
