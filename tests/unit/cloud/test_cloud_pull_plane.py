"""DescribePullPlane: what the control plane knows of one pull."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from tests.clouds import ACCESS_IP, link_running, open_context, refused, running_instance
from tests.vpc_calls import attached, subnet_of, vpc_of

from towline.cloud.action import AnyAction
from towline.cloud.context import Context
from towline.cloud.own.pull_plane import ACTIONS
from towline.cloud.parse import convert
from towline.cloud.tcr.product import ACTIONS as TCR
from towline.diagnosis.plane import CredentialState, Known, Plane
from towline.network.trace_stop import Stop
from towline.resource.credential import digest_of_secret

IMAGE = "demo.tencentcloudcr.com/team/web:1"
EVERY: Mapping[str, AnyAction] = {**ACTIONS, **TCR}


async def answered(context: Context, action: str, **asked: Any) -> dict[str, Any]:
    """The fields of an answer."""
    wanted = EVERY[action]
    answer = await wanted.run(context, convert(asked, wanted.parameters, strict=True))
    return dict(msgspec.to_builtins(answer))


async def plane(context: Context, **asked: Any) -> Plane:
    """The facts, as a client reads them."""
    answer = await answered(context, "DescribePullPlane", **{"Image": IMAGE, **asked})
    return msgspec.convert(answer["Plane"], Plane)


async def test_an_instance_is_found_by_its_name_with_its_namespaces(tmp_path: Path) -> None:
    """A namespace that does not exist is told, with those that are nearly called so."""
    async with open_context(tmp_path) as context:
        registry = await running_instance(context)
        before = await plane(context)
        await answered(
            context, "CreateNamespace", RegistryId=registry, NamespaceName="teams", IsPublic=True
        )
        near = await plane(context)
        there = await plane(context, Image="demo.tencentcloudcr.com/teams/web:1")
        mistyped = await plane(context, Image="demos.tencentcloudcr.com/teams/web:1")

        assert before.instance is not None
        assert (before.instance.id, before.namespace_exists) == (registry, Known.NO)
        assert near.near_namespaces == ("teams",)
        assert (there.namespace_exists, there.namespace_is_public) == (Known.YES, Known.YES)
        assert (mistyped.instance, mistyped.near_instances) == (None, ("demo.tencentcloudcr.com",))


async def test_the_way_from_a_pod_is_told_with_the_link(tmp_path: Path) -> None:
    """First there is none, then a link whose name resolution is off."""
    async with open_context(tmp_path) as context:
        registry, vpc = await running_instance(context), await vpc_of(context)
        subnet = await subnet_of(context, vpc)
        pod = await attached(context, vpc, subnet)
        without = await plane(context, Source=pod.pod_name)
        await answered(
            context,
            "ManageInternalEndpoint",
            RegistryId=registry,
            Operation="Create",
            VpcId=vpc,
            SubnetId=subnet,
        )
        await link_running(context, vpc, registry)
        with_link = await plane(context, Source=pod.pod_name)

        assert without.trace is not None
        assert (without.trace.stop, without.link) == (Stop.NO_NAT_GATEWAY, None)
        assert without.way_out is not None
        assert without.way_out.route_table_id
        assert with_link.link is not None
        assert (with_link.link.access_ip, with_link.link.resolves) == (ACCESS_IP, False)


async def test_a_credential_is_told_by_its_digest(tmp_path: Path) -> None:
    """Good, switched off, of nobody, or with another's secret; without one there is none."""
    async with open_context(tmp_path) as context:
        registry = await running_instance(context)
        made = await answered(
            context, "CreateInstanceToken", RegistryId=registry, TokenType="longterm"
        )
        shown = {"Username": made["Username"], "SecretSha256": digest_of_secret(made["Token"])}

        async def state(**asked: Any) -> CredentialState:
            return (await plane(context, **asked)).credential.state

        assert await state(**shown) is CredentialState.OK
        assert await state(**{**shown, "SecretSha256": "0"}) is CredentialState.WRONG_PASSWORD
        assert await state(**{**shown, "Username": "me"}) is CredentialState.WRONG_USER
        assert await state() is CredentialState.NONE
        await answered(
            context,
            "ModifyInstanceToken",
            RegistryId=registry,
            TokenId=made["TokenId"],
            Enable=False,
        )
        assert await state(**shown) is CredentialState.DISABLED


async def test_an_account_may_not_pull_from_other_namespaces(tmp_path: Path) -> None:
    """What it may is told, for the remedy is to give it more."""
    async with open_context(tmp_path) as context:
        registry = await running_instance(context)
        await answered(
            context, "CreateNamespace", RegistryId=registry, NamespaceName="other", IsPublic=False
        )
        made = await answered(
            context,
            "CreateServiceAccount",
            RegistryId=registry,
            Name="robot",
            Permissions=[{"Resource": "other", "Actions": ["tcr:PullRepository"]}],
        )
        shown = {"Username": made["Name"], "SecretSha256": digest_of_secret(made["Password"])}
        seen = (await plane(context, **shown)).credential

        assert seen.service_account
        assert (seen.state, seen.namespaces) == (CredentialState.OTHER_NAMESPACE, ("other",))


async def test_what_names_nothing_is_refused(tmp_path: Path) -> None:
    """An image that is none, and a place that is nowhere."""
    async with open_context(tmp_path) as context:
        await running_instance(context)

        with refused("InvalidParameterValue"):
            await plane(context, Image="demo.tencentcloudcr.com/Team/web")
        with refused("ResourceNotFound"):
            await plane(context, Source="nobody/here")
