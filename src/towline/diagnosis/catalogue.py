"""All rules, in the order in which a pull meets their causes.

The stages of a pull follow one another, and the first that fails is the cause: what comes after it
was never tried. Within a stage the order is the alphabet's.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from towline.diagnosis import rules
from towline.diagnosis.rule import Rule

STAGES = (
    "reference",
    "policy",
    "dns",
    "proxy",
    "net",
    "tls",
    "http",
    "auth",
    "authz",
    "manifest",
    "platform",
    "blob",
    "unpack",
    "storage",
    "runtime",
)


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule, the earliest stage first."""
    return tuple(sorted(_found(), key=lambda rule: (STAGES.index(rule.stage), rule.code)))


@cache
def by_code() -> dict[str, Rule]:
    """Every rule, by its code."""
    return {rule.code: rule for rule in all_rules()}


def _found() -> Iterator[Rule]:
    for module in iter_modules(rules.__path__):
        rule = import_module(f"{rules.__name__}.{module.name}").RULE
        assert isinstance(rule, Rule)
        yield rule
