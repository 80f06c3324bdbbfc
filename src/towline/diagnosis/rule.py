"""What a rule of the diagnosis is: one cause, how it reads, how it is proved, and what mends it.

Each code has one rule, in a file of its own name under `rules/`: `tls.self-signed` is
`rules/tls_self_signed.py`, and its `RULE` is found there by the catalogue.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from towline.diagnosis.facts import Facts
from towline.diagnosis.reading import Reading
from towline.diagnosis.verdict import Remedy


@dataclass(frozen=True, slots=True)
class Proof:
    """That a probe or the control plane saw the cause."""

    evidence: tuple[str, ...]
    """What was seen, a line each, with the addresses and names it is about."""
    cause: str = ""
    """The cause as it is here, where the rule's title can be said more exactly."""


Sign = Callable[[Reading], bool]
"""Whether what a runtime printed says that this is the cause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One cause of failed pulls."""

    code: str
    title: str
    """The cause in one sentence, without a full stop."""
    remedy: Callable[[Facts], Remedy]
    """What mends it, as exactly as the facts allow."""
    signs: tuple[Sign, ...] = ()
    """Any of them makes the text say that this is the cause, or the likeliest of several."""
    look_alikes: tuple[Sign, ...] = ()
    """Any of them makes the text fit this cause too, though another is likelier."""
    proof: Callable[[Facts], Proof | None] | None = None
    """None for what no probe can see."""
    decided_by: str = ""
    """The request that proves it, as a person would say or type it."""
    about: str = ""
    """What a person should know of the cause beside its title, in a few sentences."""
    looks: tuple[tuple[str, str], ...] = ()
    """How runtimes word it: the runtime, and the end of a real text of it."""

    @property
    def stage(self) -> str:
        """Where the pull stops."""
        return self.code.partition(".")[0]
