"""The page of a cause: what it is, how runtimes word it, how to tell, and how to mend it by hand.

It is made of the rule's own words, so that what `towline why` prints and what stands in
docs/diagnoses are the same.
"""

from __future__ import annotations

from collections.abc import Iterator

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule


def page(rule: Rule) -> str:
    """A cause in Markdown."""
    return "\n".join(_lines(rule)).rstrip() + "\n"


def _lines(rule: Rule) -> Iterator[str]:
    remedy = rule.remedy(Facts())
    yield f"# {rule.code}\n"
    yield f"{_sentence(rule.title)}\n"
    if rule.about:
        yield f"{rule.about}\n"
    yield "## How it looks\n"
    for client, text in rule.looks:
        yield f"{client}:\n\n```text\n{text}\n```\n"
    if not rule.looks:
        yield "No runtime has words of its own for it; a probe or the control plane sees it.\n"
    yield "## How to tell\n"
    yield f"{_sentence(rule.decided_by)}\n"
    yield "## How to mend it\n"
    yield f"For the {remedy.who.value}: {_small(_sentence(remedy.text))}\n"
    for command in remedy.commands:
        yield f"    {command}\n"
    if remedy.retry_helps:
        yield "The same pull may succeed later with nothing changed.\n"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}".rstrip(".") + "."


def _small(text: str) -> str:
    return text[:1].lower() + text[1:] if text[1:2].islower() else text
