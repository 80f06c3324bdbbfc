"""Security groups, through the cloud's API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from towline.client.choice import Choice
from towline.client.cloud import CloudClient
from towline.client.cloud_view import SecurityGroupView, SecurityRulesView, SecurityRuleView, view

_MANY = "100"  # the product wants its numbers as text
_GROUP: Choice[SecurityGroupView] = Choice(
    "security group",
    lambda group: group.security_group_id,
    lambda group: group.security_group_name,
    "name one by its id; see `towline security-group list`",
)


class SecurityGroups:
    """Groups and their rules."""

    def __init__(self, client: CloudClient) -> None:
        self._client = client

    async def groups(self) -> list[SecurityGroupView]:
        """All groups."""
        answer = await self._call("DescribeSecurityGroups", {"Limit": _MANY})
        return view(answer["SecurityGroupSet"], list[SecurityGroupView])

    async def group(self, name: str) -> SecurityGroupView:
        """The group of this name or id; raises `Problem`."""
        return _GROUP.of(await self.groups(), name)

    async def create(self, name: str, description: str) -> SecurityGroupView:
        """Make a group; without rules it lets nothing pass."""
        asked = {"GroupName": name, "GroupDescription": description}
        made = await self._call("CreateSecurityGroup", asked)
        return view(made["SecurityGroup"], SecurityGroupView)

    async def delete(self, group_id: str) -> None:
        """Remove a group that nobody uses."""
        await self._call("DeleteSecurityGroup", {"SecurityGroupId": group_id})

    async def rules(self, group_id: str) -> SecurityRulesView:
        """The rules of both directions, in the order in which they are asked."""
        asked = {"SecurityGroupId": group_id}
        answer = await self._call("DescribeSecurityGroupPolicies", asked)
        return view(answer["SecurityGroupPolicySet"], SecurityRulesView)

    async def add(self, group_id: str, direction: str, rule: SecurityRuleView) -> None:
        """Put a rule before all others; `direction` is `Egress` or `Ingress`."""
        policy = {
            "Protocol": rule.protocol,
            "Port": rule.port,
            "CidrBlock": rule.cidr_block,
            "Action": rule.action,
            "PolicyIndex": 0,
        }
        await self._change("CreateSecurityGroupPolicies", group_id, direction, policy)

    async def remove(self, group_id: str, direction: str, index: int) -> None:
        """Take out the rule at an index."""
        policy = {"PolicyIndex": index}
        await self._change("DeleteSecurityGroupPolicies", group_id, direction, policy)

    async def _change(
        self, action: str, group_id: str, direction: str, policy: Mapping[str, Any]
    ) -> None:
        asked = {
            "SecurityGroupId": group_id,
            "SecurityGroupPolicySet": {direction: [policy]},
        }
        await self._call(action, asked)

    async def _call(self, action: str, params: Mapping[str, Any]) -> dict[str, Any]:
        return await self._client.call("vpc", "2017-03-12", action, params)
