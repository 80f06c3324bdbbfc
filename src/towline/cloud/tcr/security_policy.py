"""The allowlist of a public endpoint: Create-, Modify-, DeleteSecurityPolicy and their like.

An entry has no name but its place in the list (`PolicyIndex`), which others take when it goes. The
list therefore has a version, and `CidrBlock` goes before an index. There is a list only as long as
the endpoint is open; behind it stands what the cloud calls a security group.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Network

import msgspec

from towline.cloud.action import Action, Answer, AnyAction, Parameters
from towline.cloud.context import Context
from towline.cloud.refusal import Refusal
from towline.cloud.tcr.public_endpoint import endpoint_of
from towline.resource.public_endpoint import AccessRule, EndpointStatus, PublicEndpoint
from towline.store.error import NotFound

MAX_RULES = 1000  # ours; the list is one record, written as a whole
MAX_DESCRIPTION = 256
Rules = tuple[AccessRule, ...]


class CreateSecurityPolicy(Parameters, frozen=True, kw_only=True):
    """Who may come."""

    registry_id: str
    cidr_block: str
    description: str


class SecurityPolicy(Parameters, frozen=True, kw_only=True):
    """One entry, as it is given; all of it may be missing, what is needed depends on the action."""

    policy_index: int | None = None
    description: str = ""
    cidr_block: str = ""
    policy_version: str = ""


class SeveralPolicies(Parameters, frozen=True, kw_only=True):
    """Several entries, of which all are made or removed, or none."""

    registry_id: str
    security_group_policy_set: tuple[SecurityPolicy, ...]


class ModifySecurityPolicy(Parameters, frozen=True, kw_only=True):
    """What is to stand at an index."""

    registry_id: str
    policy_index: int
    cidr_block: str
    description: str


class DeleteSecurityPolicy(Parameters, frozen=True, kw_only=True):
    """Which entry to remove: the one of a CIDR, else the one at an index of a version."""

    registry_id: str
    policy_index: int | None = None
    policy_version: str = ""
    cidr_block: str = ""


class DescribeSecurityPolicies(Parameters, frozen=True, kw_only=True):
    """Whose list to show."""

    registry_id: str


class Changed(Answer, frozen=True, kw_only=True):
    """The instance whose list has changed."""

    registry_id: str


class ShownPolicy(Answer, frozen=True, kw_only=True):
    """One entry as it is told; no field is ever null, for Terraform would panic."""

    policy_index: int
    description: str
    cidr_block: str
    policy_version: str


class SecurityPolicies(Answer, frozen=True, kw_only=True):
    """The whole list, in its order."""

    security_policy_set: tuple[ShownPolicy, ...]


async def create_security_policy(context: Context, asked: CreateSecurityPolicy) -> Changed:
    """Add an entry at the end of the list."""
    rule = _rule(asked.cidr_block, asked.description)
    return await _create(context, asked.registry_id, [rule])


async def create_multiple_security_policy(context: Context, asked: SeveralPolicies) -> Changed:
    """Add several entries at the end of the list, in their order."""
    rules = [_rule(one.cidr_block, one.description) for one in _several(asked)]
    return await _create(context, asked.registry_id, rules)


async def modify_security_policy(context: Context, asked: ModifySecurityPolicy) -> Changed:
    """Put another entry in the place of one."""
    rule = _rule(asked.cidr_block, asked.description)

    def modify(endpoint: PublicEndpoint) -> Rules:
        index = _index(endpoint, asked.policy_index)
        others = (*endpoint.rules[:index], *endpoint.rules[index + 1 :])
        _check_new(others, [rule])
        return (*endpoint.rules[:index], rule, *endpoint.rules[index + 1 :])

    return await _change(context, asked.registry_id, modify)


async def delete_security_policy(context: Context, asked: DeleteSecurityPolicy) -> Changed:
    """Remove an entry; those behind it move up."""
    wanted = SecurityPolicy(
        policy_index=asked.policy_index,
        cidr_block=asked.cidr_block,
        policy_version=asked.policy_version,
    )
    return await _delete(context, asked.registry_id, [wanted])


async def delete_multiple_security_policy(context: Context, asked: SeveralPolicies) -> Changed:
    """Remove several entries; the indexes are those before any of them is gone."""
    return await _delete(context, asked.registry_id, _several(asked))


async def describe_security_policies(
    context: Context, asked: DescribeSecurityPolicies
) -> SecurityPolicies:
    """Show the list of an endpoint that is open."""
    instance = context.resources.instance(asked.registry_id)
    endpoint = endpoint_of(context.resources, instance.id)
    if endpoint.status is not EndpointStatus.OPENED:
        raise _no_group(instance.id)
    shown = tuple(
        ShownPolicy(
            policy_index=index,
            description=rule.description,
            cidr_block=rule.written or rule.cidr,
            policy_version=str(endpoint.version),
        )
        for index, rule in enumerate(endpoint.rules)
    )
    return SecurityPolicies(security_policy_set=shown)


ACTIONS: Mapping[str, AnyAction] = {
    "CreateSecurityPolicy": Action(CreateSecurityPolicy, create_security_policy),
    "CreateMultipleSecurityPolicy": Action(SeveralPolicies, create_multiple_security_policy),
    "ModifySecurityPolicy": Action(ModifySecurityPolicy, modify_security_policy),
    "DeleteSecurityPolicy": Action(DeleteSecurityPolicy, delete_security_policy),
    "DeleteMultipleSecurityPolicy": Action(SeveralPolicies, delete_multiple_security_policy),
    "DescribeSecurityPolicies": Action(DescribeSecurityPolicies, describe_security_policies),
}


def _several(asked: SeveralPolicies) -> tuple[SecurityPolicy, ...]:
    if not asked.security_group_policy_set:
        raise Refusal("InvalidParameter", "SecurityGroupPolicySet is empty.")
    return asked.security_group_policy_set


def _rule(cidr_block: str, description: str) -> AccessRule:
    if len(description) > MAX_DESCRIPTION:
        raise Refusal(
            "InvalidParameter", f"Description must not be longer than {MAX_DESCRIPTION} characters."
        )
    cidr = _cidr(cidr_block)
    written = "" if cidr_block == cidr else cidr_block
    return AccessRule(cidr=cidr, description=description, written=written)


def _cidr(text: str) -> str:
    """The CIDR of an address or of a CIDR; refused when bits are set behind its prefix, for then
    nobody knows what was meant.
    """
    try:
        network = IPv4Network(text, strict=False)
    except ValueError:
        network = None
    # IPv4Network also reads netmasks, and wildcard masks, which the cloud does not.
    if network is None or text not in {str(network.network_address), str(network)}:
        raise Refusal(
            "InvalidParameter",
            f"CidrBlock `{text}` is neither an IPv4 address nor a CIDR like 203.0.113.0/24.",
        )
    return str(network)


async def _create(context: Context, registry_id: str, rules: Sequence[AccessRule]) -> Changed:
    def create(endpoint: PublicEndpoint) -> Rules:
        _check_new(endpoint.rules, rules)
        return (*endpoint.rules, *rules)

    instance = context.resources.instance(registry_id)
    endpoint = endpoint_of(context.resources, instance.id)
    if endpoint.status is not EndpointStatus.OPENED:
        raise Refusal(
            "OperationDenied",
            f"The current public network access status of {instance.id} is {endpoint.status},"
            " not Opened.",
        )
    return await _change(context, instance.id, create)


async def _delete(context: Context, registry_id: str, wanted: Sequence[SecurityPolicy]) -> Changed:
    def delete(endpoint: PublicEndpoint) -> Rules:
        gone = {_place(endpoint, one) for one in wanted}
        return tuple(rule for index, rule in enumerate(endpoint.rules) if index not in gone)

    return await _change(context, registry_id, delete)


async def _change(
    context: Context, registry_id: str, change: Callable[[PublicEndpoint], Rules]
) -> Changed:
    instance = context.resources.instance(registry_id)

    def update(endpoint: PublicEndpoint) -> PublicEndpoint:
        if endpoint.status is not EndpointStatus.OPENED:
            raise _no_group(instance.id)
        return msgspec.structs.replace(
            endpoint, rules=change(endpoint), version=endpoint.version + 1
        )

    try:
        await context.resources.public_endpoints.update("", instance.id, update)
    except NotFound:
        raise _no_group(instance.id) from None
    return Changed(registry_id=instance.id)


def _check_new(held: Sequence[AccessRule], rules: Sequence[AccessRule]) -> None:
    known = {rule.cidr for rule in held}
    for rule in rules:
        if rule.cidr in known:
            raise Refusal("OperationDenied", f"{rule.cidr} is in the allowlist already.")
        known.add(rule.cidr)
    if len(known) > MAX_RULES:
        raise Refusal(
            "OperationDenied.QuotaOverLimit", f"An allowlist has at most {MAX_RULES} entries."
        )


def _place(endpoint: PublicEndpoint, wanted: SecurityPolicy) -> int:
    """Where the entry stands that is meant."""
    if wanted.cidr_block:
        cidr = _cidr(wanted.cidr_block)
        for index, rule in enumerate(endpoint.rules):
            if rule.cidr == cidr:
                return index
        raise Refusal("ResourceNotFound", f"{cidr} is not in the allowlist.")
    if wanted.policy_index is None:
        raise Refusal("MissingParameter", "Either CidrBlock or PolicyIndex must be given.")
    if wanted.policy_version and wanted.policy_version != str(endpoint.version):
        raise Refusal(
            "OperationDenied",
            f"The allowlist has changed: its version is {endpoint.version},"
            f" not {wanted.policy_version}.",
        )
    return _index(endpoint, wanted.policy_index)


def _index(endpoint: PublicEndpoint, index: int) -> int:
    if not 0 <= index < len(endpoint.rules):
        raise Refusal("ResourceNotFound", f"The allowlist has no entry with the index {index}.")
    return index


def _no_group(instance_id: str) -> Refusal:
    return Refusal(
        "ResourceNotFound", f"Failed to get security group id from registry: {instance_id}"
    )
