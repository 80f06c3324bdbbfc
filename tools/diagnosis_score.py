"""How well texts of failed pulls are read: the score by client and stage, and by situations not seen.

python tools/diagnosis_score.py

Two sets of real texts with their true causes lie in tests/data: of a laboratory (19 versions of
clients, 109 situations) and of public threads. Rules are written by people who have seen the texts. So
the situations are also divided into folds, and each fold is read without the signs that only its own
situations justify: what is left of the score says how far the rules go beyond what they were made of.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from towline.diagnosis.catalogue import all_rules
from towline.diagnosis.diagnose import diagnose
from towline.diagnosis.facts import Facts
from towline.diagnosis.reading import read
from towline.diagnosis.verdict import Confidence, Verdict

DATA = Path(__file__).parent.parent / "tests" / "data"
FOLDS = 10
OUR_CODES = {
    "tls.default-cert": "tls.wrong-host",
    "tls.intercepted": "tls.wrong-host",
    "net.refused.loopback": "net.refused",
    "reference.empty-host": "reference.invalid",
    "reference.stray-quote": "reference.invalid",
    "blob.truncated.cache": "blob.truncated",
    "auth.credential-not-used": "auth.missing-credential",
    "manifest.size-mismatch": "manifest.digest-mismatch",
}
"""Public texts are marked more finely than the taxonomy: what it keeps in the evidence is a code there."""
_CHANGING = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z?|\b[0-9a-f]{12,64}\b|:\d{5}\b|\d{6,}")
_ROBUSTA = (
    "robusta's 8 templates on the same texts, right group (measured): "
    "containerd 1.6 and 1.7 5 %, 2.1 0 %, docker 5-7 %"
)


@dataclass(frozen=True, slots=True)
class Case:
    """A text, and what was really wrong."""

    text: str
    client: str
    cause: str
    situation: str = ""
    kind: str = ""
    """The client without its version."""

    @property
    def stage(self) -> str:
        """Where the pull stopped."""
        return self.cause.partition(".")[0]

    @property
    def look(self) -> tuple[str, str]:
        """What a reader sees, without what is different each time."""
        return self.client, _CHANGING.sub("#", self.text)


@dataclass(frozen=True, slots=True)
class Score:
    """How many were right of how many."""

    right: int
    all: int

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return self.right / self.all if self.all else 1.0

    def __str__(self) -> str:
        return f"{100 * self.share:5.1f} %  ({self.right} of {self.all})"


def laboratory() -> tuple[Case, ...]:
    """The texts of the laboratory."""
    with gzip.open(DATA / "pull-failures.jsonl.gz", "rt") as file:
        rows = [json.loads(line) for line in file]
    return tuple(
        Case(
            row["text"],
            f"{row['client']} {row['version']}",
            row["cause"],
            row["situation"],
            row["client"],
        )
        for row in rows
    )


def reported() -> tuple[Case, ...]:
    """The texts of public threads."""
    rows = map(json.loads, (DATA / "pull-failures-reported.jsonl").read_text().splitlines())
    return tuple(
        Case(row["text"], row["client"], OUR_CODES.get(row["cause"], row["cause"])) for row in rows
    )


def answer(case: Case) -> Verdict | None:
    """What is made of a text alone."""
    return diagnose(Facts(text=case.text or " ", client=case.client))


def top(cases: Sequence[Case], read_as: Callable[[Case], str]) -> Score:
    """How often the first code is the true one."""
    return Score(sum(read_as(case) == case.cause for case in cases), len(cases))


def stages(cases: Sequence[Case], read_as: Callable[[Case], str]) -> Score:
    """How often its stage is."""
    return Score(sum(read_as(one).partition(".")[0] == one.stage for one in cases), len(cases))


def wrongly_sure(cases: Sequence[Case], answers: Sequence[Verdict | None]) -> list[tuple[str, str]]:
    """Texts that have several causes and are answered, wrongly, as if they had one: truth, answer."""
    causes = defaultdict[tuple[str, str], set[str]](set)
    for case in cases:
        causes[case.look].add(case.cause)
    return [
        (case.cause, found.code)
        for case, found in zip(cases, answers, strict=True)
        if found is not None
        and found.confidence is not Confidence.ONE_OF
        and found.code != case.cause
        and len(causes[case.look]) > 1
    ]


@dataclass(frozen=True, slots=True)
class _Hit:
    """A sign that fits a text: whose, which, and whether it is one of the likelier ones."""

    code: str
    number: int
    likely: bool


def _hits(case: Case) -> tuple[_Hit, ...]:
    reading = read(case.text or " ", case.client)
    return tuple(
        _Hit(rule.code, number, likely)
        for likely in (True, False)
        for rule in all_rules()
        for number, sign in enumerate(rule.signs if likely else rule.look_alikes)
        if sign(reading)
    )


def unseen(cases: Sequence[Case]) -> Score:
    """How often the first code is true without the signs that only a fold's situations justify."""
    hits = [_hits(case) for case in cases]
    seen_in = defaultdict[_Hit, set[int]](set)
    for case, found in zip(cases, hits, strict=True):
        for hit in found:
            seen_in[hit].add(_fold(case))
    right = 0
    for case, found in zip(cases, hits, strict=True):
        kept = [hit for hit in found if seen_in[hit] - {_fold(case)}]
        right += bool(kept) and kept[0].code == case.cause
    return Score(right, len(cases))


def _fold(case: Case) -> int:
    return crc32(case.situation.encode()) % FOLDS


def main() -> int:
    """Print the score."""
    cases = laboratory()
    answers = [answer(case) for case in cases]
    codes = {
        id(case): found.code if found else "" for case, found in zip(cases, answers, strict=True)
    }

    def code(case: Case) -> str:
        return codes[id(case)]

    print(f"texts of the laboratory, first code   {top(cases, code)}")
    print(f"texts of the laboratory, stage        {stages(cases, code)}")
    _table("by client", cases, code, lambda case: case.kind)
    _table("by stage", cases, code, lambda case: case.stage)
    public = reported()
    public_codes = {id(case): found.code if (found := answer(case)) else "" for case in public}
    print(f"texts of public threads, first code   {top(public, lambda one: public_codes[id(one)])}")
    wrong = Counter(wrongly_sure(cases, answers))
    print(f"wrong and sure on look-alike texts    {sum(wrong.values())}")
    for (truth, said), times in wrong.most_common():
        print(f"  {times:4} times {truth} is called {said}")
    print(f"situations not seen ({FOLDS} folds)         {unseen(cases)}")
    print(_ROBUSTA)
    return 0


def _table(
    title: str, cases: Iterable[Case], code: Callable[[Case], str], key: Callable[[Case], str]
) -> None:
    groups = defaultdict[str, list[Case]](list)
    for case in cases:
        groups[key(case)].append(case)
    print(f"{title}:")
    for name, group in sorted(groups.items()):
        print(f"  {name:<34}  {top(group, code)}")


if __name__ == "__main__":
    sys.exit(main())
