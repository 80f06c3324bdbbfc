"""What works here works on every Python that is promised: rules whose breach only an older one shows."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.house.house import ROOT


def _raising_stars() -> Iterator[str]:
    """Where an `except*` clause raises."""
    for folder in ("src", "demo", "tools", "bench"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if not isinstance(node, ast.TryStar):
                    continue
                inside = (ast.walk(handler) for handler in node.handlers)
                if any(isinstance(one, ast.Raise) for each in inside for one in each):
                    yield f"{path.relative_to(ROOT)}:{node.lineno}"


def test_no_except_star_raises() -> None:
    """Before Python 3.11.4 what it raises arrives inside a group; Debian 12 has 3.11.2."""
    assert list(_raising_stars()) == []
