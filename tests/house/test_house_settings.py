"""What can be set from outside is told where a user looks."""

from __future__ import annotations

import re

from tests.house.house import ROOT, sources

_VARIABLE = re.compile(r"\bTOWLINE_[A-Z_]+\b")
_PAGE = ROOT / "docs" / "settings.md"


def read_by_the_product() -> set[str]:
    """Every variable of ours that its code names."""
    code = (one.text for one in sources() if one.name.startswith("src/"))
    return {name for text in code for name in _VARIABLE.findall(text)}


def test_every_variable_is_documented() -> None:
    """One that nobody can find might as well not be read."""
    named = read_by_the_product()

    assert "TOWLINE_DATA" in named
    assert named - set(_VARIABLE.findall(_PAGE.read_text())) == set()


def test_a_documented_variable_is_read() -> None:
    """A page that promises more is wrong."""
    assert set(_VARIABLE.findall(_PAGE.read_text())) - read_by_the_product() == set()
