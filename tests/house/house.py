"""The house: its files, what stands in them, and the list of what may be otherwise.

A line of `exempt.txt` names a rule and a place that may break it. It may only be removed: a line that is no
longer needed fails, and nothing is added without a reason in the change that adds it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("src", "tests", "tools", "bench", "demo")
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """One Python file."""

    path: Path
    text: str
    tree: ast.Module

    @property
    def name(self) -> str:
        """As exemptions and failures call it."""
        return self.path.relative_to(ROOT).as_posix()

    @property
    def is_test(self) -> bool:
        """Whether pytest collects it."""
        return self.path.name.startswith("test_")

    def definitions(self) -> Iterator[tuple[str, Function | ast.ClassDef]]:
        """Every function and class with its dotted name."""
        yield from _definitions(self.tree, "")


def _definitions(node: ast.AST, above: str) -> Iterator[tuple[str, Function | ast.ClassDef]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function | ast.ClassDef):
            name = f"{above}{child.name}"
            yield name, child
            yield from _definitions(child, f"{name}.")
        else:
            yield from _definitions(child, above)


@cache
def sources() -> tuple[Source, ...]:
    """Every Python file of the house, in order."""
    paths = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
    return tuple(_source(path) for path in paths)


def _source(path: Path) -> Source:
    text = path.read_text()
    return Source(path, text, ast.parse(text))


def lines_of(node: ast.stmt) -> int:
    """How many lines a definition has, decorators aside."""
    assert node.end_lineno is not None, "it was parsed from text"
    return node.end_lineno - node.lineno + 1


def exemptions() -> tuple[tuple[str, str], ...]:
    """Rule and place, line by line."""
    lines = (ROOT / "tests" / "house" / "exempt.txt").read_text().splitlines()
    pairs = [line.partition(" ") for line in lines if line and not line.startswith("#")]
    return tuple((rule, place.strip()) for rule, _, place in pairs)


def breaking(rule: str, places: Iterable[str]) -> list[str]:
    """The places that break a rule without leave, and the leaves that nobody needs any more."""
    found = set(places)
    exempt = {place for of, place in exemptions() if of == rule}
    superfluous = [f"exempt.txt: `{rule} {place}` is not needed" for place in exempt - found]
    return sorted(found - exempt) + sorted(superfluous)
