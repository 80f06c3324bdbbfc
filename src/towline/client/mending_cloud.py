"""Changes in the cloud that mend a pull, as steps that can be undone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from towline.client.cloud_registry import Registries
from towline.client.cloud_security import SecurityGroups
from towline.client.cloud_view import InstanceView, LinkView, SecurityRuleView
from towline.client.cloud_wait import until_linked, until_unlinked
from towline.client.egress import Cloud, Egress, EgressWish
from towline.client.step import Step
from towline.diagnosis.mending import (
    AllowAddress,
    CloudChange,
    CreateLink,
    Domain,
    GrantPull,
    LetOut,
    MakeEgress,
    OpenEndpoint,
    ResolveOn,
)
from towline.problem import Problem

PULL = "tcr:PullRepository"
_EGRESS = "Egress"


@dataclass(frozen=True, slots=True)
class CloudMender:
    """Makes what a mending wants of the cloud."""

    registries: Registries
    cloud: Cloud
    groups: SecurityGroups
    seconds: float = 60.0
    """How long to wait for each thing that the cloud only promises."""

    async def steps(self, change: CloudChange) -> list[Step]:
        """What is to be done for one change; raises `Problem` when its objects are not there."""
        match change:
            case MakeEgress():
                return await self._egress(change)
            case LetOut():
                return [self._let_out(change)]
            case CreateLink() | ResolveOn() | OpenEndpoint() | AllowAddress() | GrantPull():
                instance = await self.registries.instance(change.instance)
                return [await self._of_instance(change, instance)]
            case _:
                assert_never(change)

    async def _of_instance(
        self,
        change: CreateLink | ResolveOn | OpenEndpoint | AllowAddress | GrantPull,
        instance: InstanceView,
    ) -> Step:
        access, seconds = self.cloud.access, self.seconds
        match change:
            case CreateLink():
                return self._link(change, instance)
            case ResolveOn():
                return self._resolve(change, instance)
            case OpenEndpoint():
                return Step(
                    str(change),
                    lambda: access.open(instance, seconds),
                    lambda: access.close(instance, seconds),
                )
            case AllowAddress(_, cidr):
                return Step(
                    str(change),
                    lambda: access.allow(instance, cidr, "towline fix"),
                    lambda: access.deny(instance, cidr),
                )
            case GrantPull():
                return await self._grant(change, instance)
            case _:
                assert_never(change)

    def _link(self, change: CreateLink, instance: InstanceView) -> Step:
        async def make() -> None:
            await self.registries.create_link(instance, change.vpc_id, change.subnet_id)
            await self._linked(instance, change.vpc_id)

        async def unmake() -> None:
            link = await self._linked(instance, change.vpc_id)
            await self.registries.delete_link(instance, link)
            await until_unlinked(self.registries, instance, change.vpc_id, self.seconds)

        return Step(str(change), make, unmake)

    def _resolve(self, change: ResolveOn, instance: InstanceView) -> Step:
        default = change.domain is Domain.DEFAULT

        async def make() -> None:
            link = await self._linked(instance, change.vpc_id)
            await self.registries.resolve_on(instance, link, default=default)

        async def unmake() -> None:
            link = await self._linked(instance, change.vpc_id)
            await self.registries.resolve_off(instance, link, default=default)

        return Step(str(change), make, unmake)

    async def _linked(self, instance: InstanceView, vpc_id: str) -> LinkView:
        return await until_linked(self.registries, instance, vpc_id, self.seconds)

    async def _grant(self, change: GrantPull, instance: InstanceView) -> Step:
        accounts = await self.registries.accounts(instance)
        account = next((one for one in accounts if one.name == change.account), None)
        if account is None:
            raise Problem(
                "no-such-credential",
                cause=f"{change.instance} has no service account {change.account!r} any more",
                remedy=f"see what there is: `towline credential list {change.instance}`",
            )
        before = {grant.resource: grant.actions for grant in account.permissions}
        held = before.get(change.registry_namespace, [])
        after = {**before, change.registry_namespace: [*held, PULL]}
        return Step(
            str(change),
            lambda: self.registries.set_permissions(instance, change.account, after),
            lambda: self.registries.set_permissions(instance, change.account, before),
        )

    async def _egress(self, change: MakeEgress) -> list[Step]:
        subnet = await self.cloud.networks.place(change.subnet_id)
        lets_in = [change.instance] if change.instance else []
        registries = [await self.registries.instance(name) for name in lets_in]
        return await Egress(self.cloud, EgressWish(subnet, None, tuple(registries))).plan()

    def _let_out(self, change: LetOut) -> Step:
        group_id = change.group_id
        rule = SecurityRuleView(
            protocol="TCP", port=str(change.port), cidr_block=change.address, action="ACCEPT"
        )

        async def unmake() -> None:
            for held in (await self.groups.rules(group_id)).egress:
                if (held.cidr_block, held.port) == (rule.cidr_block, rule.port):
                    await self.groups.remove(group_id, _EGRESS, held.policy_index)
                    return

        return Step(str(change), lambda: self.groups.add(group_id, _EGRESS, rule), unmake)
