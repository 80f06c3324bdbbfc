"""authz.insufficient-scope: the key gives no pull on the repository, or there is no such namespace."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Rule
from towline.diagnosis.subject import repository
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Grant pull on {repository(facts)} to the account, or correct the namespace"),
        who=Who.POD_AUTHOR,
    )


RULE = Rule(
    code="authz.insufficient-scope",
    title="The credential does not give pull on the repository, or the namespace does not exist",
    remedy=remedy,
    decided_by="the access in the token, and whether the namespace exists",
)
