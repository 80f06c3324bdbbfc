"""Two clusters beside the installation's own, in two networks that know nothing of each other."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path

from demo.installation import until
from demo.story import DOMAIN, REGISTRY, Story, expect
from demo.tencent import Account, Sdk
from demo.workload import pod

TITLE = "More than one cluster: the same addresses twice, one registry, then two"
RANGE, SUBNET_RANGE = "10.6.0.0/16", "10.6.1.0/24"
SECOND = "second"
_NODE = "eklet-{}"


@dataclass(frozen=True, slots=True)
class Twin:
    """A cluster in a VPC of its own."""

    name: str
    vpc: str
    subnet: str
    cluster: str
    kubeconfig: Path


def tell(story: Story) -> None:
    """Each cluster has an API of its own, and what is in one is not in the other."""
    sdk = Sdk(Account.of(story.installation.data), story.teller)
    story.tell("Two VPCs with the same addresses, and a cluster in each.")
    twins = [_make(story, sdk, name) for name in ("left", "right")]
    image = story.push("team/twins:1", "from one registry to two networks")
    try:
        for twin in twins:
            where = ["--vpc", twin.vpc, "--subnet", twin.subnet]
            story.towline("link", "create", REGISTRY, *where, "--resolve")
            _install(sdk, twin, DOMAIN)
            _kubectl(story, twin, "apply", "-f", "-", stdin=pod("app", image))
        for twin in twins:
            _runs(story, twin, "app")
            _stays_in_its_cluster(story, twin)
        _pull_from_two(story, sdk, twins[0], image)
    finally:
        story.tell("A cluster that is deleted takes its pods along; then its network can go.")
        for twin in twins:
            _remove(story, sdk, twin)


def _make(story: Story, sdk: Sdk, name: str) -> Twin:
    vpc = sdk("vpc", "CreateVpc", VpcName=name, CidrBlock=RANGE)["Vpc"]["VpcId"]
    subnet = sdk(
        "vpc",
        "CreateSubnet",
        VpcId=vpc,
        SubnetName=name,
        CidrBlock=SUBNET_RANGE,
        Zone="ap-guangzhou-1",
    )["Subnet"]["SubnetId"]
    cluster = sdk(
        "tke",
        "CreateEKSCluster",
        K8SVersion="1.30.0",
        VpcId=vpc,
        ClusterName=name,
        SubnetIds=[subnet],
    )["ClusterId"]
    until("running cluster", lambda: _status(sdk, cluster) == "Running")
    credential = sdk("tke", "DescribeEKSClusterCredential", ClusterId=cluster)
    kubeconfig = story.folder / f"{name}.kubeconfig"
    kubeconfig.write_text(credential["Kubeconfig"])
    return Twin(name, vpc, subnet, cluster, kubeconfig)


def _status(sdk: Sdk, cluster: str) -> str:
    found = sdk("tke", "DescribeEKSClusters", ClusterIds=[cluster])["Clusters"]
    return str(found[0]["Status"])


def _install(sdk: Sdk, twin: Twin, *domains: str) -> None:
    """Have credentials of these registries released into every namespace of a cluster."""
    entries = [{"name": one, "namespaces": "*", "dockerServer": one} for one in domains]
    values = json.dumps({"global": {"imagePullSecretsCrs": entries}}).encode()
    asked = {"ClusterId": twin.cluster, "AddonName": "tcr"}
    raw = base64.b64encode(values).decode()
    installed = sdk("tke", "DescribeAddon", ClusterId=twin.cluster)["Addons"]
    sdk("tke", "UpdateAddon" if installed else "InstallAddon", **asked, RawValues=raw)

    def done() -> bool:
        (addon,) = sdk("tke", "DescribeAddon", **asked)["Addons"]
        return bool(addon["Phase"] == "Succeeded")

    until("installed add-on", done)


def _pull_from_two(story: Story, sdk: Sdk, twin: Twin, image: str) -> None:
    story.tell("One VPC may be linked to two registries: a pod with an image of each.")
    story.towline("instance", "create", SECOND)
    story.towline("namespace", "create", SECOND, "team")
    other = story.push("team/other:1", "from another registry", registry=SECOND)
    where = ["--vpc", twin.vpc, "--subnet", twin.subnet]
    story.towline("link", "create", SECOND, *where, "--resolve")
    _install(sdk, twin, DOMAIN, other.partition("/")[0])
    until("both credentials", lambda: len(_pull_secrets(story, twin)) == 2)
    _kubectl(story, twin, "apply", "-f", "-", stdin=pod("both", image, other))
    _runs(story, twin, "both")


def _pull_secrets(story: Story, twin: Twin) -> list[str]:
    account = _kubectl(story, twin, "get", "serviceaccount", "default", "-o", "json")
    return [one["name"] for one in json.loads(account).get("imagePullSecrets", [])]


def _runs(story: Story, twin: Twin, name: str) -> None:
    _kubectl(story, twin, "wait", f"pod/{name}", "--for=condition=Ready", "--timeout=60s")


def _stays_in_its_cluster(story: Story, twin: Twin) -> None:
    nodes = _kubectl(story, twin, "get", "nodes", "-o", "name").split()
    expect(nodes, [f"node/{_NODE.format(twin.subnet)}"], f"the nodes of {twin.name}")
    pods = _kubectl(story, twin, "get", "pods", "--all-namespaces", "-o", "name").split()
    expect(pods, ["pod/app"], f"the pods of {twin.name}")


def _remove(story: Story, sdk: Sdk, twin: Twin) -> None:
    refusal = sdk.refused("vpc", "DeleteSubnet", SubnetId=twin.subnet)
    expect(refusal, "ResourceInUse", "the answer to the end of a subnet with a cluster")
    story.towline("cluster", "delete", twin.name, "--yes")
    for link in json.loads(story.installation.towline("link", "list", "-o", "json").out):
        if link["vpc"] == twin.vpc:
            story.towline("link", "resolve", "off", link["instance"], "--vpc", twin.vpc)
            story.towline("link", "delete", link["instance"], "--vpc", twin.vpc)
    story.towline("subnet", "delete", twin.subnet)
    story.towline("vpc", "delete", twin.vpc)


def _kubectl(story: Story, twin: Twin, *arguments: str, stdin: str = "") -> str:
    story.teller.command(f"kubectl --kubeconfig {twin.kubeconfig.name} " + " ".join(arguments))
    reach = ["--kubeconfig", str(twin.kubeconfig)]
    return story.installation.kubectl(*reach, *arguments, stdin=stdin).succeeded().out
