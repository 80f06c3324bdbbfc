"""Write docs/diagnoses: a page for each cause of failed pulls, made of its rule's own words.

python tools/diagnoses.py
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path

from towline.diagnosis.catalogue import all_rules
from towline.diagnosis.page import page

FOLDER = Path(__file__).parent.parent / "docs" / "diagnoses"
_HEAD = """# Diagnoses

Why pulls fail: every cause that `towline why` names, in the order in which a pull meets them. The pages
are what `towline why --explain CODE` prints. Written by `make docs` from the rules in
src/towline/diagnosis/rules; do not edit.
"""


def main() -> int:
    """Write the pages, and remove those of causes that are no more."""
    FOLDER.mkdir(exist_ok=True)
    wanted = pages()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text)
    for path in FOLDER.glob("*.md"):
        if path.name not in wanted:
            path.unlink()
    return 0


def pages() -> Mapping[str, str]:
    """What stands on them, by the files' names."""
    rules = all_rules()
    told = {f"{rule.code}.md": page(rule) for rule in rules}
    index = [_HEAD]
    for stage, group in groupby(rules, lambda rule: rule.stage):
        index.append(f"## {stage}\n")
        index += [f"- [{rule.code}]({rule.code}.md): {rule.title}." for rule in group]
        index.append("")
    return {**told, "README.md": "\n".join(index)}


if __name__ == "__main__":
    sys.exit(main())
