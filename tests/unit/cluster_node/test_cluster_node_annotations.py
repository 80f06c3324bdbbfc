"""Annotations of the cluster, of a node and of a pod: the later one wins."""

from __future__ import annotations

import pytest
from tests import virtual_time
from tests.fake_kubernetes import FakeKubernetes

from towline.cluster.kubernetes import Object, Unreachable
from towline.cluster.node.inherited_annotations import inherited_annotations
from towline.cluster.resources import CONFIG_MAPS, NAMESPACES, NODES
from towline.kube.annotations import REGISTRY_HTTP_ENDPOINT, RESOLV_CONF, SECURITY_GROUP_ID
from towline.problem import Problem

NODE = "eklet-subnet-a"


async def cluster(text: str | None, annotations: dict[str, str] | None) -> FakeKubernetes:
    """A cluster with such a configuration, and such a node."""
    kubernetes = FakeKubernetes(virtual_time.clock)
    await kubernetes.create(NAMESPACES, "", {"metadata": {"name": "kube-system"}})
    if text is not None:
        config: Object = {"metadata": {"name": "eks-config"}, "data": {"pod.annotations": text}}
        await kubernetes.create(CONFIG_MAPS, "kube-system", config)
    if annotations is not None:
        node: Object = {"metadata": {"name": NODE, "annotations": annotations}}
        await kubernetes.create(NODES, "", node)
    return kubernetes


async def test_the_annotations_of_a_node_win_over_those_of_the_cluster() -> None:
    """What is written there and does not concern pods is left where it is."""
    text = f"{RESOLV_CONF}: |\n  nameserver 1.1.1.1\n{SECURITY_GROUP_ID}: sg-a\nother: b\n"
    kubernetes = await cluster(text, {SECURITY_GROUP_ID: "sg-b", "towline.dev/x": "y"})

    assert await inherited_annotations(kubernetes, NODE) == {
        RESOLV_CONF: "nameserver 1.1.1.1\n",
        SECURITY_GROUP_ID: "sg-b",
    }


@pytest.mark.parametrize("text", [None, "", "{}"])
async def test_a_cluster_without_any_gives_none(text: str | None) -> None:
    """Nor does a node that is not there."""
    assert await inherited_annotations(await cluster(text, None), NODE) == {}


@pytest.mark.parametrize("text", ["a: [", "- a", f"{REGISTRY_HTTP_ENDPOINT}: [a, b]"])
async def test_a_configuration_that_cannot_be_read_is_told(text: str) -> None:
    """Rather than passed over: pods would be made otherwise than somebody meant."""
    with pytest.raises(Problem) as told:
        await inherited_annotations(await cluster(text, {}), NODE)

    assert told.value.code == "eks-config-malformed"


async def test_an_api_that_does_not_answer_is_no_empty_configuration() -> None:
    """Whoever asks has to ask again."""
    kubernetes = await cluster("", {})
    kubernetes.trouble = Unreachable("nobody is there")

    with pytest.raises(Unreachable):
        await inherited_annotations(kubernetes, NODE)
