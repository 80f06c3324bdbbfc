"""Every cause of failed pulls has a rule, a page and a story; none is without the other two."""

from __future__ import annotations

import pytest
from tests.house.house import ROOT
from tests.laboratory.situation import HEALTHY
from tests.laboratory.situations import SITUATIONS
from tools import diagnoses

from towline.diagnosis.catalogue import by_code

RULES = ROOT / "src" / "towline" / "diagnosis" / "rules"
PAGES = ROOT / "docs" / "diagnoses"
STORIES = {code for one in SITUATIONS for code in (one.code, *one.also) if code != HEALTHY}


def file_of(code: str) -> str:
    """Where the rule of a code is."""
    return f"{code.replace('.', '_').replace('-', '_')}.py"


def test_a_rule_has_a_file_of_its_own_name() -> None:
    """So that a code leads to its rule."""
    files = {path.name for path in RULES.glob("*.py")} - {"__init__.py"}

    assert files == {file_of(code) for code in by_code()}


def test_a_page_is_what_its_rule_says() -> None:
    """Written by `make docs`."""
    written = {path.name: path.read_text() for path in PAGES.glob("*.md")}

    assert written == diagnoses.pages()


@pytest.mark.parametrize("code", by_code())
def test_a_cause_has_its_story(code: str) -> None:
    """Told in tests/laboratory, by real packets or in a runtime's words."""
    assert code in STORIES


def test_a_story_is_of_a_cause_that_has_a_rule() -> None:
    """A code that nobody answers with helps nobody."""
    assert STORIES - set(by_code()) == set()
