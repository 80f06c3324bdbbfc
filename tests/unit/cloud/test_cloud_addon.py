"""The registry add-on of a cluster: which credentials are released into which namespaces."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from tests.clouds import open_context, refused, running_instance
from tests.clusters import call, cluster_of, obey, values

from towline.cloud.context import Context
from towline.resource.addon import RegistryRelease

DEMO = {"name": "demo", "dockerServer": "demo.tencentcloudcr.com"}


async def phase(context: Context, cluster_id: str) -> str:
    """The phase of the add-on."""
    told = await call(context, "DescribeAddon", ClusterId=cluster_id, AddonName="tcr")
    (addon,) = told["Addons"]
    return str(addon["Phase"])


async def test_an_addon_is_installing_until_it_is_in_its_cluster(tmp_path: Path) -> None:
    """Its values name instances by their domains, and namespaces, of which `*` means all."""
    async with open_context(tmp_path) as context:
        cluster_id, instance_id = await cluster_of(context), await running_instance(context)
        other = await running_instance(context, "other")
        this = {"ClusterId": cluster_id, "AddonName": "tcr"}
        asked = values(
            DEMO,
            {
                "dockerServer": "other-vpc.tencentcloudcr.com",
                "namespaces": "a, b",
                "serviceAccounts": "default",
            },
        )
        await call(context, "InstallAddon", **this, RawValues=asked, DryRun=True)
        none = await call(context, "DescribeAddon", ClusterId=cluster_id)
        await call(context, "InstallAddon", **this, RawValues=asked)
        first = await phase(context, cluster_id)
        await obey(context.settings.clusters, context.resources)
        second = await phase(context, cluster_id)
        with refused("ResourceInUse"):
            await call(context, "InstallAddon", **this)
        (addon,) = context.resources.addons.list(cluster_id)
        told = await call(context, "DescribeAddonValues", **this)

    assert none["Addons"] == []
    assert (first, second) == ("Installing", "Succeeded")
    assert addon.releases == (
        RegistryRelease(instance_id=instance_id, instance_name="demo", every_account=True),
        RegistryRelease(instance_id=other, instance_name="other", namespaces=("a", "b")),
    )
    assert json.loads(told["Values"]) == json.loads(base64.b64decode(asked))
    assert json.loads(told["DefaultValues"])["global"]["imagePullSecretsCrs"] == []


async def test_an_addon_is_changed_and_deleted(tmp_path: Path) -> None:
    """What is not given stays; the record goes when the cluster's role has removed it."""
    async with open_context(tmp_path) as context:
        cluster_id = await cluster_of(context)
        await running_instance(context)
        this: dict[str, Any] = {"ClusterId": cluster_id, "AddonName": "tcr"}
        with refused("ResourceNotFound"):
            await call(context, "UpdateAddon", **this)
        await call(context, "InstallAddon", **this)
        await obey(context.settings.clusters, context.resources)
        await call(context, "UpdateAddon", **this, RawValues=values(DEMO))
        changing = await phase(context, cluster_id)
        await obey(context.settings.clusters, context.resources)
        await call(context, "UpdateAddon", **this, AddonVersion="1.0.1")
        (addon,) = context.resources.addons.list(cluster_id)
        for _ in range(2):
            await call(context, "DeleteAddon", **this)
        ending = await phase(context, cluster_id)
        with refused("FailedOperation"):
            await call(context, "UpdateAddon", **this)
        await obey(context.settings.clusters, context.resources)
        with refused("ResourceNotFound"):
            await call(context, "DescribeAddon", **this)

    assert (changing, ending) == ("Upgrading", "Terminating")
    assert (addon.version, len(addon.releases)) == ("1.0.1", 1)


async def test_values_that_would_be_in_vain_are_refused(tmp_path: Path) -> None:
    """A login of one's own, accounts other than the default one, entries of host files."""
    async with open_context(tmp_path) as context:
        cluster_id = await cluster_of(context)
        await running_instance(context)
        hosts = base64.b64encode(b'{"global":{"hosts":[{"domain":"a"}]}}').decode()
        for raw, code in (
            (values({**DEMO, "dockerPassword": "secret"}), "UnsupportedOperation"),
            (values({**DEMO, "serviceAccounts": "builder"}), "UnsupportedOperation"),
            (values({**DEMO, "type": "podman"}), "UnsupportedOperation"),
            (hosts, "UnsupportedOperation"),
            (values({"dockerServer": "elsewhere.example"}), "InvalidParameter"),
            (values(DEMO, DEMO), "InvalidParameter"),
            (values({**DEMO, "colour": "red"}), "InvalidParameter"),
            ("no base64", "InvalidParameter"),
            (base64.b64encode(b"\xff").decode(), "InvalidParameter"),
            (base64.b64encode(b"[" * 5000).decode(), "InvalidParameter"),
        ):
            with refused(code):
                await call(
                    context, "InstallAddon", ClusterId=cluster_id, AddonName="tcr", RawValues=raw
                )
        with refused("InvalidParameter"):
            await call(context, "InstallAddon", ClusterId=cluster_id, AddonName="cbs")

        assert context.resources.addons.list(cluster_id) == ()
