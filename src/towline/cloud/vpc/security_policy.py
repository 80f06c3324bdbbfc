"""The rules of security groups: create, describe, replace, reset and delete them.

The first rule of a list that fits decides. Every change makes a new version of the group; a caller
who names the version that he has seen is refused when somebody else has changed it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from towline.cloud.action import Action, Answer, AnyAction, Done, Parameters
from towline.cloud.context import Context
from towline.cloud.page import Filter
from towline.cloud.refusal import Refusal
from towline.cloud.transaction import Decision, settle
from towline.cloud.vpc.security_rule import PolicyAsked, PolicyInfo, is_same, rule_of, told
from towline.cloud.vpc.selection import one
from towline.resource.security_group import SecurityGroup, SecurityRule

_QUOTA = 100  # rules of a group in one direction
_CLEAR = "0"  # the version with which ModifySecurityGroupPolicies removes every rule
_EVERY = "ALL"

Rules = tuple[SecurityRule, ...]


class PolicySetAsked(Parameters, frozen=True, kw_only=True):
    """Rules as a caller writes them."""

    version: str | None = None
    egress: tuple[PolicyAsked, ...] | None = None
    ingress: tuple[PolicyAsked, ...] | None = None
    policy_statistics: dict[str, int] | None = None


class Statistics(Answer, frozen=True, kw_only=True):
    """How many rules there are."""

    ingress_ipv4_total_count: int = msgspec.field(name="IngressIPv4TotalCount")
    ingress_ipv6_total_count: int = msgspec.field(name="IngressIPv6TotalCount", default=0)
    egress_ipv4_total_count: int = msgspec.field(name="EgressIPv4TotalCount")
    egress_ipv6_total_count: int = msgspec.field(name="EgressIPv6TotalCount", default=0)


class PolicySetInfo(Answer, frozen=True, kw_only=True):
    """The rules of a group, as the API shows them."""

    version: str
    egress: tuple[PolicyInfo, ...]
    ingress: tuple[PolicyInfo, ...]
    policy_statistics: Statistics


class Policies(Answer, frozen=True, kw_only=True):
    """The rules of a group."""

    security_group_policy_set: PolicySetInfo


class ChangePolicies(Parameters, frozen=True, kw_only=True):
    """Rules to create in a group, or to delete from it, in one direction."""

    security_group_id: str
    security_group_policy_set: PolicySetAsked


class ReplacePolicies(Parameters, frozen=True, kw_only=True):
    """Rules to put in the places of others, in one direction."""

    security_group_id: str
    security_group_policy_set: PolicySetAsked
    original_security_group_policy_set: PolicySetAsked | None = None
    update_type: str = "Policy"


class ModifyPolicies(Parameters, frozen=True, kw_only=True):
    """The rules that a group is to have instead of all those it has."""

    security_group_id: str
    security_group_policy_set: PolicySetAsked
    sort_policys: bool = False


class DescribePolicies(Parameters, frozen=True, kw_only=True):
    """Which rules of a group to show."""

    security_group_id: str
    filters: tuple[Filter, ...] = ()


async def create_policies(context: Context, asked: ChangePolicies) -> Done:
    """Insert rules at an index, or at the end: all of them or none."""
    wanted = asked.security_group_policy_set

    def change(rules: Rules, policies: Sequence[PolicyAsked]) -> Rules:
        place = _place(policies, len(rules))
        return (*rules[:place], *map(rule_of, policies), *rules[place:])

    return await _change_one_way(context, asked.security_group_id, wanted, change)


async def delete_policies(context: Context, asked: ChangePolicies) -> Done:
    """Remove rules, told by index or by what they say: all of them or none."""
    wanted = asked.security_group_policy_set

    def change(rules: Rules, policies: Sequence[PolicyAsked]) -> Rules:
        going = {_index(rules, policy) for policy in policies}
        return tuple(rule for index, rule in enumerate(rules) if index not in going)

    return await _change_one_way(context, asked.security_group_id, wanted, change)


async def replace_policies(context: Context, asked: ReplacePolicies) -> Done:
    """Put rules in the places of others, told by index: all of them or none."""
    if asked.update_type != "Policy":
        raise Refusal("UnsupportedOperation", "UpdateType is Policy here.")

    def change(rules: Rules, policies: Sequence[PolicyAsked]) -> Rules:
        changed = list(rules)
        for policy in policies:
            if policy.policy_index is None:
                raise Refusal("InvalidParameterValue.Empty", "Each rule needs a PolicyIndex.")
            changed[_known(rules, policy.policy_index)] = rule_of(policy)
        return tuple(changed)

    wanted = asked.security_group_policy_set
    return await _change_one_way(context, asked.security_group_id, wanted, change)


async def modify_policies(context: Context, asked: ModifyPolicies) -> Done:
    """Replace all rules of a group; version 0 removes them.

    Unless the order is to be the one given, rules that were there before keep theirs.
    """
    wanted = asked.security_group_policy_set
    is_clearing = wanted.version == _CLEAR
    if not is_clearing and (wanted.ingress is None or wanted.egress is None):
        raise Refusal("InvalidParameterValue.Empty", "Egress and Ingress must both be given.")

    def change(group: SecurityGroup) -> SecurityGroup:
        if is_clearing:
            return msgspec.structs.replace(group, ingress=(), egress=())
        _check_version(group, wanted)
        ingress = tuple(map(rule_of, wanted.ingress or ()))
        egress = tuple(map(rule_of, wanted.egress or ()))
        if not asked.sort_policys:
            ingress, egress = _in_order(group.ingress, ingress), _in_order(group.egress, egress)
        return msgspec.structs.replace(group, ingress=ingress, egress=egress)

    return await _change(context, asked.security_group_id, change)


async def describe_policies(context: Context, asked: DescribePolicies) -> Policies:
    """Show the rules of a group that meet every filter, with their places in the whole list."""
    group = one(context.resources.security_groups.list(), asked.security_group_id)
    ingress = _shown(group, "INBOUND", asked.filters)
    egress = _shown(group, "OUTBOUND", asked.filters)
    statistics = Statistics(
        ingress_ipv4_total_count=len(group.ingress), egress_ipv4_total_count=len(group.egress)
    )
    return Policies(
        security_group_policy_set=PolicySetInfo(
            version=str(group.version),
            egress=egress,
            ingress=ingress,
            policy_statistics=statistics,
        )
    )


ACTIONS: Mapping[str, AnyAction] = {
    "CreateSecurityGroupPolicies": Action(ChangePolicies, create_policies),
    "DeleteSecurityGroupPolicies": Action(ChangePolicies, delete_policies),
    "ReplaceSecurityGroupPolicies": Action(ReplacePolicies, replace_policies),
    "ModifySecurityGroupPolicies": Action(ModifyPolicies, modify_policies),
    "DescribeSecurityGroupPolicies": Action(DescribePolicies, describe_policies),
}


async def _change(
    context: Context, group_id: str, change: Callable[[SecurityGroup], SecurityGroup]
) -> Done:
    resources = context.resources

    def decide() -> Decision[Done]:
        group = one(resources.security_groups.list(), group_id)
        changed = change(group)
        _check_rules(changed.ingress)
        _check_rules(changed.egress)
        changed = msgspec.structs.replace(
            changed, version=group.version + 1, updated_at=context.now()
        )
        write = resources.security_groups.substitution("", group.id, changed)
        return Decision([write], Done())

    return await settle(resources.store, decide)


async def _change_one_way(
    context: Context,
    group_id: str,
    wanted: PolicySetAsked,
    change: Callable[[Rules, Sequence[PolicyAsked]], Rules],
) -> Done:
    """Change the rules of the direction that the caller has named, which must be one."""
    if wanted.ingress and wanted.egress:
        raise Refusal("InvalidParameter.Coexist", "Give either Ingress or Egress, not both.")
    if not wanted.ingress and not wanted.egress:
        raise Refusal("InvalidParameterValue.Empty", "Give rules for Ingress or Egress.")

    def changed(group: SecurityGroup) -> SecurityGroup:
        _check_version(group, wanted)
        if wanted.ingress:
            return msgspec.structs.replace(group, ingress=change(group.ingress, wanted.ingress))
        return msgspec.structs.replace(group, egress=change(group.egress, wanted.egress or ()))

    return await _change(context, group_id, changed)


def _check_version(group: SecurityGroup, wanted: PolicySetAsked) -> None:
    if wanted.version not in (None, "", str(group.version)):
        raise Refusal(
            "UnsupportedOperation.VersionMismatch",
            f"{group.id} has version {group.version}, not {wanted.version}.",
        )


def _check_rules(rules: Rules) -> None:
    if len(rules) > _QUOTA:
        raise Refusal(
            "LimitExceeded.SecurityGroupPolicySet",
            f"A security group has at most {_QUOTA} rules in each direction.",
        )
    for place, rule in enumerate(rules):
        if any(is_same(rule, other) for other in rules[:place]):
            raise Refusal("UnsupportedOperation.DuplicatePolicy", "A rule is there twice.")


def _place(policies: Sequence[PolicyAsked], length: int) -> int:
    """Where new rules go: at the one index that they all name, or at the end."""
    indices = {policy.policy_index for policy in policies}
    if len(indices) > 1:
        raise Refusal("InvalidParameterValue", "New rules must all have the same PolicyIndex.")
    (index,) = indices
    if index is None:
        return length
    if not 0 <= index <= length:
        raise Refusal("InvalidParameterValue.Range", f"PolicyIndex must be from 0 to {length}.")
    return index


def _index(rules: Rules, policy: PolicyAsked) -> int:
    """Which rule a caller means."""
    if policy.policy_index is not None:
        return _known(rules, policy.policy_index)
    meant = rule_of(policy)
    for index, rule in enumerate(rules):
        if is_same(rule, meant):
            return index
    raise Refusal("ResourceNotFound", f"There is no rule {meant.action} {meant.cidr} like this.")


def _known(rules: Rules, index: int) -> int:
    if not 0 <= index < len(rules):
        raise Refusal("ResourceNotFound", f"There is no rule with the index {index}.")
    return index


def _in_order(old: Rules, new: Rules) -> Rules:
    kept = [rule for was in old for rule in new if is_same(was, rule)]
    return (*kept, *(rule for rule in new if not any(is_same(rule, was) for was in old)))


def _shown(
    group: SecurityGroup, direction: str, filters: Sequence[Filter]
) -> tuple[PolicyInfo, ...]:
    rules = group.ingress if direction == "INBOUND" else group.egress
    return tuple(
        told(group, index, rule)
        for index, rule in enumerate(rules)
        if all(_meets(direction, rule, filter_) for filter_ in filters)
    )


def _meets(direction: str, rule: SecurityRule, filter_: Filter) -> bool:
    condition = _CONDITIONS.get(filter_.name)
    if condition is None:
        known = ", ".join(sorted(_CONDITIONS))
        raise Refusal(
            "InvalidParameter.FilterInvalidKey",
            f"There is no filter `{filter_.name}`, only {known}.",
        )
    return any(condition(direction, rule, value) for value in filter_.values)


_CONDITIONS: Mapping[str, Callable[[str, SecurityRule, str], bool]] = {
    "direction": lambda direction, _, value: value in (direction, _EVERY),
    "poly": lambda _, rule, value: value in (rule.action.value, _EVERY),
    "protocol-type": lambda _, rule, value: value.upper() == rule.protocol,
    "port": lambda _, rule, value: value in rule.ports,
    "ip": lambda _, rule, value: value in rule.cidr,
    "description": lambda _, rule, value: value in rule.description,
}
