"""Private network access, carried out with the official SDK in the documentation's order."""

from __future__ import annotations

import os
import signal

from demo.installation import until
from demo.story import Story, expect
from demo.tencent import Account, Answer, Sdk
from demo.workload import namespace

TITLE = "Private access by the official SDK: a link, its address, its name"
REGISTRY = "linked"
NAMESPACE = "by-sdk"


def tell(story: Story) -> None:
    """A registry of its own, linked step by step; what is asked too early is refused."""
    sdk = Sdk(Account.of(story.installation.data), story.teller)
    registry = sdk("tcr", "CreateInstance", RegistryName=REGISTRY, RegistryType="basic")[
        "RegistryId"
    ]
    until("running registry", lambda: _status(sdk, registry) == "Running")
    sdk("tcr", "CreateNamespace", RegistryId=registry, NamespaceName="team", IsPublic=True)
    image = story.push("team/app:1", "over a link made by the SDK", registry=REGISTRY)
    public = story.installation.instance(REGISTRY)["publicAddress"]
    story.apply("default", namespace(NAMESPACE))
    place = sdk("vpc", "DescribeSubnets")["SubnetSet"][0]
    vpc = {"VpcId": place["VpcId"]}
    where = {**vpc, "SubnetId": place["SubnetId"]}

    story.tell("As long as the link has no address, its name cannot be switched on.")
    agent = story.installation.role_pid("agent")
    os.kill(agent, signal.SIGSTOP)
    try:
        sdk("tcr", "ManageInternalEndpoint", RegistryId=registry, Operation="Create", **where)
        asked = {"InstanceId": registry, "EniLBIp": "10.0.0.2", "UsePublicDomain": True, **vpc}
        refusal = sdk.refused("tcr", "CreateInternalEndpointDns", **asked)
        expect(refusal, "UnsupportedOperation", "the answer to a name asked for too early")
    finally:
        os.kill(agent, signal.SIGCONT)
    until("access IP", lambda: bool(_link(sdk, registry)["AccessIp"]))

    story.tell("With an address but without a name, the domain leads to the public address.")
    story.run_pod(NAMESPACE, "unnamed", image)
    story.fails(NAMESPACE, "unnamed", f"dial tcp {public}:443: i/o timeout")

    story.tell("With the name, the pod runs.")
    asked["EniLBIp"] = _link(sdk, registry)["AccessIp"]
    sdk("tcr", "CreateInternalEndpointDns", **asked)
    story.runs(NAMESPACE, "unnamed", patience=90)

    story.tell("And back again, in the other order: the name first.")
    refusal = sdk.refused(
        "tcr", "ManageInternalEndpoint", RegistryId=registry, Operation="Delete", **where
    )
    expect(refusal, "ResourceInsufficient.ErrorVpcDnsStatus", "the answer to a deletion too early")
    sdk("tcr", "DeleteInternalEndpointDns", **asked)
    sdk("tcr", "ManageInternalEndpoint", RegistryId=registry, Operation="Delete", **where)
    until("end of the link", lambda: not _links(sdk, registry))
    story.remove_pod(NAMESPACE, "unnamed")


def _status(sdk: Sdk, registry: str) -> str:
    found = sdk("tcr", "DescribeInstances", Registryids=[registry])["Registries"]
    return str(found[0]["Status"])


def _links(sdk: Sdk, registry: str) -> list[Answer]:
    answer = sdk("tcr", "DescribeInternalEndpoints", RegistryId=registry)
    return list(answer["AccessVpcSet"] or ())


def _link(sdk: Sdk, registry: str) -> Answer:
    return _links(sdk, registry)[0]
