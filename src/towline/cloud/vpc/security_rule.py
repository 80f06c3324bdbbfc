"""One rule of a security group, from the words of the API to ours and back."""

from __future__ import annotations

import re
from ipaddress import IPv4Network

from towline.cloud.action import Answer, Parameters
from towline.cloud.refusal import Refusal
from towline.cloud.vpc.name import checked_text
from towline.resource.security_group import SecurityGroup, SecurityRule, Verdict

_EVERY = "ALL"
_WITH_PORTS = ("TCP", "UDP")
_PROTOCOLS = (*_WITH_PORTS, "ICMP", _EVERY)
_PORTS = re.compile(r"[0-9]{1,5}-[0-9]{1,5}|[0-9]{1,5}(,[0-9]{1,5})*")
_HIGHEST_PORT = 65_535
_DESCRIPTION_LENGTH = 100
_NOWHERE_IN_PARTICULAR = "0.0.0.0"  # noqa: S104  # compared, not bound


class PolicyAsked(Parameters, frozen=True, kw_only=True):
    """A rule as a caller writes it, or the index of one."""

    policy_index: int | None = None
    protocol: str = ""
    port: str = ""
    service_template: dict[str, str] | None = None
    cidr_block: str = ""
    ipv6_cidr_block: str = ""
    security_group_id: str = ""
    address_template: dict[str, str] | None = None
    action: str = ""
    policy_description: str = ""
    modify_time: str = ""
    priority: int | None = None


class PolicyInfo(Answer, frozen=True, kw_only=True):
    """A rule, as the API shows it. An index is a place in the list, as is a priority."""

    policy_index: int
    protocol: str
    port: str
    cidr_block: str
    ipv6_cidr_block: str = ""
    security_group_id: str = ""
    action: str
    policy_description: str
    modify_time: str
    priority: int


def rule_of(asked: PolicyAsked) -> SecurityRule:
    """The rule that a caller means; refused when it makes no sense."""
    if asked.service_template or asked.address_template or asked.security_group_id:
        raise Refusal(
            "UnsupportedOperation", "Rules name protocols and ranges here, no templates or groups."
        )
    if asked.ipv6_cidr_block:
        raise Refusal("UnsupportedOperation", "Rules are IPv4 only here.")
    protocol = _protocol(asked.protocol)
    return SecurityRule(
        protocol=protocol,
        ports=_ports(protocol, asked.port),
        cidr=_cidr(asked.cidr_block),
        action=_verdict(asked.action),
        description=checked_text(
            "PolicyDescription", asked.policy_description, _DESCRIPTION_LENGTH
        ),
    )


def is_same(one: SecurityRule, other: SecurityRule) -> bool:
    """Whether two rules say the same, whatever they are described as."""
    return _meaning(one) == _meaning(other)


def told(group: SecurityGroup, index: int, rule: SecurityRule) -> PolicyInfo:
    """A rule as answers show it."""
    return PolicyInfo(
        policy_index=index,
        protocol=rule.protocol,
        port=rule.ports,
        cidr_block=rule.cidr.removesuffix("/32"),
        action=rule.action.value,
        policy_description=rule.description,
        modify_time=group.updated_at or group.created_at,
        priority=index,
    )


def _meaning(rule: SecurityRule) -> tuple[str, str, str, Verdict]:
    return rule.protocol, rule.ports, rule.cidr, rule.action


def _protocol(text: str) -> str:
    protocol = text.upper() or _EVERY
    if protocol not in _PROTOCOLS:
        known = ", ".join(_PROTOCOLS)
        raise Refusal("InvalidParameterValue", f"Protocol `{text}` must be one of {known}.")
    return protocol


def _ports(protocol: str, text: str) -> str:
    if text.upper() in ("", _EVERY):
        return _EVERY
    if protocol not in _WITH_PORTS:
        raise Refusal("InvalidParameter.Coexist", f"{protocol} has no ports.")
    numbers = [int(number) for number in re.split("[-,]", text)] if _PORTS.fullmatch(text) else []
    is_backwards = "-" in text and numbers != sorted(numbers)
    if not numbers or is_backwards or max(numbers) > _HIGHEST_PORT:
        raise Refusal(
            "InvalidParameterValue.Malformed",
            f"Port `{text}` is not like 80, 80,443, 8000-9000 or ALL.",
        )
    return text


def _cidr(text: str) -> str:
    """The range; host bits do not count, and every 0.0.0.0/n means everywhere."""
    if not text:
        raise Refusal("InvalidParameterValue.Empty", "A rule needs a CidrBlock.")
    try:
        network = IPv4Network(text, strict=False)
    except ValueError:
        raise Refusal(
            "InvalidParameterValue.Malformed", f"CidrBlock `{text}` is no range."
        ) from None
    is_everywhere = str(network.network_address) == _NOWHERE_IN_PARTICULAR
    return f"{_NOWHERE_IN_PARTICULAR}/0" if is_everywhere else str(network)


def _verdict(text: str) -> Verdict:
    try:
        return Verdict(text)
    except ValueError:
        raise Refusal("InvalidParameterValue", f"Action `{text}` must be ACCEPT or DROP.") from None
