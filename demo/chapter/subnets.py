"""Two subnets of one VPC with route tables of their own, and a subnet that has no address left."""

from __future__ import annotations

import json
from dataclasses import dataclass

from demo.installation import until
from demo.story import DOMAIN, REGISTRY, Story, expect
from demo.tencent import Account, Sdk
from demo.workload import deployment, namespace, pod

TITLE = "Subnets: each its own way out, and no more pods than addresses"
NAMESPACE = "subnets"
ROOM = 5
"""Addresses of a /29 that pods may have: not the network's, the gateway's, or the last."""


def tell(story: Story) -> None:
    """A cluster grows by two subnets, and shrinks again."""
    image = story.push("team/subnets:1", "from a subnet")
    story.link()
    story.towline("link", "resolve", "off", REGISTRY)
    story.apply("default", namespace(NAMESPACE, release=REGISTRY))
    grown = Grown.begin(story, image)
    _route_tables(grown)
    story.towline("link", "resolve", "on", REGISTRY)
    _last_address(grown)
    grown.end()


@dataclass(frozen=True, slots=True)
class Grown:
    """A cluster with two more subnets, and an image for their pods."""

    story: Story
    sdk: Sdk
    image: str
    cluster: str
    vpc: str
    before: tuple[str, ...]
    """The subnets that it had."""
    open: str
    narrow: str

    @classmethod
    def begin(cls, story: Story, image: str) -> Grown:
        """Make the subnets and let the cluster have them."""
        sdk = Sdk(Account.of(story.installation.data), story.teller)
        cluster = next(
            one
            for one in sdk("tke", "DescribeEKSClusters")["Clusters"]
            if one["SubnetIds"][0] == _subnet(story, "default")
        )
        for name, cidr in (("open", "10.0.200.0/24"), ("narrow", "10.0.201.0/29")):
            story.towline("subnet", "create", name, cidr, "--vpc", cluster["VpcId"])
        made = cls(
            story,
            sdk,
            image,
            cluster["ClusterId"],
            cluster["VpcId"],
            tuple(cluster["SubnetIds"]),
            _subnet(story, "open"),
            _subnet(story, "narrow"),
        )
        made.have(*made.before, made.open, made.narrow)
        return made

    def have(self, *subnets: str) -> None:
        """Let the cluster's pods be in these subnets."""
        self.sdk("tke", "UpdateEKSCluster", ClusterId=self.cluster, SubnetIds=list(subnets))
        until("nodes of these subnets", lambda: self._nodes() == {*map(_node, subnets)})

    def run_in(self, subnet: str, name: str) -> None:
        """A pod in a subnet."""
        manifest = json.loads(pod(name, self.image))
        manifest["spec"]["nodeSelector"] = _selector(subnet)
        self.story.apply(NAMESPACE, json.dumps(manifest))

    def end(self) -> None:
        """As it was before."""
        self.have(*self.before)
        until("subnets without an address in use", self._deleted)

    def _deleted(self) -> bool:
        for name in ("open", "narrow"):
            self.story.installation.towline("subnet", "delete", name)
        found = self.story.installation.towline("subnet", "list", "-o", "json").succeeded()
        return not {"open", "narrow"} & {one["name"] for one in json.loads(found.out)}

    def _nodes(self) -> set[str]:
        """Those that are ready."""
        got = self.story.installation.kubectl("get", "nodes", "-o", "json").succeeded()
        return {
            node["metadata"]["name"]
            for node in json.loads(got.out)["items"]
            for one in node["status"].get("conditions", ())
            if (one["type"], one["status"]) == ("Ready", "True")
        }


def _route_tables(grown: Grown) -> None:
    """Only who goes by the table with the route gets out."""
    story = grown.story
    public = story.installation.instance(REGISTRY)["publicAddress"]
    story.tell("The registry is open to everybody; one of two subnets has a way to it.")
    story.towline("public-access", "open", REGISTRY)
    story.towline("public-access", "allow", REGISTRY, "0.0.0.0/0")
    story.towline("eip", "create", "outward")
    story.towline("nat-gateway", "create", "outward", "outward")
    story.towline("route-table", "create", "outward")
    story.towline("route-table", "add-route", "outward", "0.0.0.0/0", "outward")
    story.towline("route-table", "associate", "outward", "open")
    grown.run_in(grown.open, "with-a-way")
    grown.run_in(grown.narrow, "without")
    story.runs(NAMESPACE, "with-a-way")
    story.fails(NAMESPACE, "without", f"dial tcp {public}:443: i/o timeout")
    traced = story.towline("trace", f"{NAMESPACE}/without", DOMAIN, "-o", "json").out
    expect(json.loads(traced)["stop"], "table-not-associated", "what stops the packet")

    for name in ("with-a-way", "without"):
        story.remove_pod(NAMESPACE, name)
    tables = json.loads(story.towline("route-table", "list", "-o", "json").out)
    main = next(one["id"] for one in tables if one["main"] and one["vpc"] == grown.vpc)
    story.towline("route-table", "associate", main, "open")
    story.towline("nat-gateway", "delete", "outward")
    story.towline("route-table", "delete", "outward")
    story.towline("eip", "delete", "outward")
    story.towline("public-access", "close", REGISTRY)


def _last_address(grown: Grown) -> None:
    """The sixth pod of a /29 waits, and the node says why, until another one is gone."""
    story = grown.story
    story.tell(f"A /29 has {ROOM} addresses for pods; a Deployment wants one more.")
    manifest = json.loads(deployment("crowd", grown.image, ROOM + 1))
    manifest["spec"]["template"]["spec"]["nodeSelector"] = _selector(grown.narrow)
    story.apply(NAMESPACE, json.dumps(manifest))

    def phases() -> list[str]:
        return sorted(one["status"]["phase"] for one in story.installation.pods(NAMESPACE))

    until("pod that waits beside five that run", lambda: phases() == ["Pending", *["Running"] * 5])
    described = story.kubectl("describe", "node", _node(grown.narrow)).out
    condition = next(line for line in described.splitlines() if "NetworkUnavailable" in line)
    story.teller.quote(condition)
    expect("EKLetHasInsufficientSubnetIP" in condition, wanted=True, what="the node's condition")

    story.kubectl("-n", NAMESPACE, "delete", "deployment", "crowd")
    until("end of the crowd", lambda: phases() == [])


def _subnet(story: Story, name: str) -> str:
    found = json.loads(story.installation.towline("subnet", "list", "-o", "json").succeeded().out)
    return str(next(one["id"] for one in found if one["name"] == name))


def _node(subnet: str) -> str:
    return f"eklet-{subnet}"


def _selector(subnet: str) -> dict[str, str]:
    return {"kubernetes.io/hostname": _node(subnet)}
