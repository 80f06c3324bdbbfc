"""A pod pulls through the proxy that its annotation names, which it alone can reach."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.images import busybox_tar, image
from tests.proxies import RealProxy, proxying_at
from tests.registries import ScriptedRegistry, scripted
from tests.sandboxes import ANYBODY, UID, World, identity

from towline.kube.annotations import REGISTRY_NO_PROXY, REGISTRY_PROXY
from towline.linux import network_namespace
from towline.linux.sweep import sweep
from towline.pull.attempt import PullFailed
from towline.pull.progress import NoProgress
from towline.sandbox.provider import Sandbox

pytestmark = pytest.mark.root
NAME = "reg.test"


async def test_a_pod_pulls_through_a_proxy_of_its_own_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the registry's name nor its address mean anything there, and what the agent's own
    environment says of proxies is not for pods.
    """
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    world = World.below(tmp_path)
    try:
        async with (
            scripted(ScriptedRegistry(image(busybox_tar()))) as registry,
            Sandbox(world.network, world.settings) as sandbox,
        ):
            network_namespace.create(world.ledger.names.pod(UID))
            sock = network_namespace.listen(world.ledger.names.pod(UID), "127.0.0.1", 0)
            async with proxying_at(RealProxy({NAME: registry.address}), sock) as proxy:
                wish = {REGISTRY_PROXY: f"http://{proxy.address}", REGISTRY_NO_PROXY: "10.0.0.0/8"}
                await sandbox.open(identity(**wish))
                pulled = await sandbox.pull(UID, f"{NAME}/team/app:latest", ANYBODY, NoProgress())
                with pytest.raises(PullFailed) as caught:
                    await sandbox.pull(UID, "10.0.0.9/team/app:latest", ANYBODY, NoProgress())
    finally:
        sweep(world.ledger)

    assert pulled.reference == f"{NAME}/team/app:latest"
    assert f"HEAD http://{NAME}/v2/team/app/manifests/latest" in proxy.asked
    assert "dial tcp 10.0.0.9:80: connect: network is unreachable" in str(caught.value)
