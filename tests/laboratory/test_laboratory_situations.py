"""What the laboratory has to show before anything is built in it."""

from __future__ import annotations

from collections import Counter

from tests.laboratory.situation import HEALTHY
from tests.laboratory.situations import SITUATIONS

from towline.diagnosis.catalogue import all_rules


def test_every_code_of_the_diagnosis_has_its_story() -> None:
    """A cause that nobody has seen happen is a guess."""
    told = {code for one in SITUATIONS for code in (one.code, *one.also)}

    assert sorted({rule.code for rule in all_rules()} - told) == []


def test_every_story_is_of_a_code_that_there_is() -> None:
    """Or of nothing wrong at all."""
    codes = {rule.code for rule in all_rules()} | {HEALTHY}

    assert sorted({one.code for one in SITUATIONS} - codes) == []


def test_a_situation_is_named_once() -> None:
    """Its name is its host's, too."""
    names = Counter(one.name for one in SITUATIONS)

    assert [name for name, count in names.items() if count > 1] == []
