"""Security groups: which connections may begin at a pod, and which may reach it."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Verdict(StrEnum):
    """What a rule does, in the words of the cloud's `SecurityGroupPolicy.Action`."""

    ACCEPT = "ACCEPT"
    DROP = "DROP"


class SecurityRule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule. The first rule that fits decides."""

    protocol: str
    """`TCP`, `UDP`, `ICMP` or `ALL`."""
    ports: str
    """`ALL`, `80`, `80,443` or `8000-9000`; `ALL` where the protocol has no ports."""
    cidr: str
    action: Verdict
    description: str = ""


class SecurityGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A list of rules for each direction. What no rule allows is dropped; answers always pass."""

    id: str
    name: str
    description: str = ""
    is_default: bool = False
    ingress: tuple[SecurityRule, ...] = ()
    egress: tuple[SecurityRule, ...] = ()
    version: int = 0
    """Counts the changes of its rules."""
    created_at: str
    updated_at: str = ""
    tags: dict[str, str] = {}
