"""The one error that a user can act on.

Everything that a person can mend is raised as a `Problem`: what went wrong, why, and what to do about it.
Any other exception is a defect of Towline and is allowed to crash loudly.
"""

from __future__ import annotations


class Problem(Exception):
    """A failure that names its cause and its remedy.

    `code` is a stable kebab-case name that scripts may match; `cause` is one sentence about the world;
    `remedy` says what the reader can do now. Secrets never appear in any of them.
    """

    def __init__(self, code: str, *, cause: str, remedy: str) -> None:
        super().__init__(cause)
        self.code = code
        self.cause = cause
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.cause}\n  remedy: {self.remedy}\n  ({self.code})"
