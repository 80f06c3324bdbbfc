"""net.timeout.private-ip: the registry's private address does not answer."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import DEADLINE, SILENT, TO_REGISTRY, WAITING_FOR_CONNECTION
from towline.diagnosis.sign import AT_REGISTRY, HANGS, LAYERS_BEGUN, PRIVATE
from towline.diagnosis.verdict import Remedy, Who


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(
            "Create the private network access link or allow TCP to the "
            "address from this subnet; look whether the record is a stale one"
        ),
        who=Who.NETWORK_ADMIN,
    )


RULE = Rule(
    code="net.timeout.private-ip",
    title="The registry's private address does not answer",
    remedy=remedy,
    proof=in_the_way("net.timeout.private-ip"),
    decided_by="a connection to the address, compared with the link's own",
    signs=(
        AT_REGISTRY & SILENT & PRIVATE,
        WAITING_FOR_CONNECTION & TO_REGISTRY,
    ),
    look_alikes=(
        DEADLINE,
        AT_REGISTRY & SILENT,
        HANGS & ~LAYERS_BEGUN,
    ),
)
