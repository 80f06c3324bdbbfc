"""What is amiss in the cloud: links, endpoints, credentials, and ways out that lead nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from towline.client.cloud_registry import Registries
from towline.client.cloud_view import (
    AccountView,
    InstanceView,
    LinkView,
    NatGatewayView,
    RouteTableView,
    TokenView,
)
from towline.client.egress import Cloud
from towline.client.finding import Finding, Report, Severity

_DAY = 86_400_000  # milliseconds
_SOON = 7 * _DAY
_ANYWHERE = "0.0.0.0/0"


@dataclass(frozen=True, slots=True)
class CloudDoctor:
    """Looks at everything that the cloud has. `now` is in milliseconds since the epoch."""

    registries: Registries
    cloud: Cloud
    now: int

    async def report(self) -> Report:
        """The findings; raises `Problem` when the cloud does not answer."""
        findings = list[Finding]()
        for instance in await self.registries.instances():
            findings += await self._of_instance(instance)
        for gateway in await self.cloud.gateways.gateways():
            findings += _gateway(gateway)
        for table in await self.cloud.routing.tables():
            findings += _table(table)
        return Report(tuple(findings))

    async def _of_instance(self, instance: InstanceView) -> list[Finding]:
        if instance.status != "Running":
            return [_not_running(instance)]
        links = [await self._link(instance, one) for one in await self.registries.links(instance)]
        findings = [finding for finding in links if finding is not None]
        findings += await self._endpoint(instance)
        for token in await self.registries.tokens(instance):
            if token.enabled:
                findings += self._expiry(instance, _named(token), token.expired_at)
        for account in await self.registries.accounts(instance):
            if not account.disable:
                findings += self._expiry(instance, _named(account), account.expires_at)
        return findings

    async def _link(self, instance: InstanceView, link: LinkView) -> Finding | None:
        name = instance.registry_name
        about = f"link from {link.vpc_id} to the registry {name}"
        if link.status != "Running" or not link.access_ip:
            return Finding(
                severity=Severity.CRITICAL,
                code="link-not-running",
                about=about,
                cause=f"the link is {link.status} and has no access address yet",
                remedy="wait a moment; if it stays so, see whether the agent runs and the subnet "
                f"{link.subnet_id} has an address left",
                commands=("towline status", f"towline link show {name} --vpc {link.vpc_id}"),
            )
        if any(await self.registries.resolved(instance, link)):
            return None
        return Finding(
            severity=Severity.WARNING,
            code="link-not-resolved",
            about=about,
            cause=f"no name of the registry leads to the link's address {link.access_ip}: in "
            f"{link.vpc_id} they mean the public address",
            remedy="switch the resolution of its domain on in the VPC",
            commands=(f"towline link resolve on {name} --vpc {link.vpc_id}",),
        )

    async def _endpoint(self, instance: InstanceView) -> Iterator[Finding]:
        access, name = self.cloud.access, instance.registry_name
        if await access.status(instance) != "Opened":
            return iter(())
        allowed = [rule.cidr_block for rule in await access.rules(instance)]
        return _endpoint(name, allowed)

    def _expiry(self, instance: InstanceView, who: str, end: int) -> list[Finding]:
        if end <= 0 or end - self.now > _SOON:
            return []
        name = instance.registry_name
        left = (end - self.now) // _DAY
        expired = end <= self.now
        return [
            Finding(
                severity=Severity.CRITICAL if expired else Severity.WARNING,
                code="credential-expired" if expired else "credential-expires",
                about=f"{who} of the registry {name}",
                cause="it has expired" if expired else f"it expires in {left} days",
                remedy="give those who use it a new one, and delete it",
                commands=(f"towline credential list {name}",),
            )
        ]


def _named(credential: TokenView | AccountView) -> str:
    if isinstance(credential, TokenView):
        return f"token {credential.id}"
    return f"service account {credential.name}"


def _not_running(instance: InstanceView) -> Finding:
    return Finding(
        severity=Severity.CRITICAL,
        code="registry-not-running",
        about=f"registry {instance.registry_name}",
        cause=f"it is {instance.status}",
        remedy="see whether the registry's role runs",
        commands=("towline status", f"towline instance show {instance.registry_name}"),
    )


def _endpoint(name: str, allowed: list[str]) -> Iterator[Finding]:
    if _ANYWHERE in allowed:
        yield Finding(
            severity=Severity.WARNING,
            code="endpoint-open-to-all",
            about=f"registry {name}",
            cause=f"its public endpoint lets everybody come: {_ANYWHERE} is on its allowlist",
            remedy="allow the elastic IPs of those who pull, and take this entry away",
            commands=(f"towline public-access deny {name} {_ANYWHERE}",),
        )
    if not allowed:
        yield Finding(
            severity=Severity.WARNING,
            code="endpoint-admits-nobody",
            about=f"registry {name}",
            cause="its public endpoint is open and its allowlist is empty, which admits nobody",
            remedy="allow the elastic IPs of those who pull, or close the endpoint",
            commands=(f"towline public-access close {name}",),
        )


def _gateway(gateway: NatGatewayView) -> Iterator[Finding]:
    name = f"{gateway.nat_gateway_name} ({gateway.nat_gateway_id})"
    if not gateway.public_ip_address_set:
        yield Finding(
            severity=Severity.CRITICAL,
            code="nat-without-eip",
            about=f"NAT gateway {name}",
            cause=f"it has no elastic IP, so nothing leaves {gateway.vpc_id} by it",
            remedy="bind an elastic IP to it",
            commands=(
                "towline eip create out",
                f"towline nat-gateway bind {gateway.nat_gateway_id} out",
            ),
        )
    elif gateway.state != "AVAILABLE":
        yield Finding(
            severity=Severity.CRITICAL,
            code="nat-not-available",
            about=f"NAT gateway {name}",
            cause=f"it is {gateway.state}",
            remedy="wait a moment; if it stays so, see whether the agent runs",
            commands=("towline status",),
        )


def _table(table: RouteTableView) -> Iterator[Finding]:
    if table.main or table.association_set or not table.route_set:
        return
    yield Finding(
        severity=Severity.WARNING,
        code="route-table-without-subnets",
        about=f"route table {table.route_table_name} ({table.route_table_id})",
        cause=f"it has routes, and no subnet of {table.vpc_id} goes by it",
        remedy="let the subnets whose pods need its routes go by it",
        commands=(f"towline route-table associate {table.route_table_id} SUBNET",),
    )
