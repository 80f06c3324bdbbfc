"""`$(NAME)` in commands, arguments and variables: Kubernetes' `third_party/forked/golang/expansion`.

A reference to a variable that is not defined stays as it is written; `$$` is one dollar sign.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_REFERENCE = re.compile(r"\$(\$|\(([^)]*)\))")


def expand(text: str, variables: Mapping[str, str]) -> str:
    """The text with references to variables replaced."""

    def replaced(found: re.Match[str]) -> str:
        if found[1] == "$":
            return "$"
        return variables.get(found[2], found[0])

    return _REFERENCE.sub(replaced, text)
