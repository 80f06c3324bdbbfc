"""What an installation trusts, looked at before and after: nothing may be trusted more, unasked."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bench.situation.ground import BARE, KEYED, Ground
from demo.workload import PLAIN_HTTP, SKIP_VERIFY

PULL = "tcr:PullRepository"
_ANNOTATIONS = (SKIP_VERIFY, PLAIN_HTTP)


@dataclass(frozen=True, slots=True)
class Trust:
    """Each a set of short texts that can be compared."""

    annotations: frozenset[str]
    """Hosts that anybody's annotations let through, wherever they stand; without scheme and port."""
    allowlist: frozenset[str]
    """Ranges that may come to the endpoint, but for our own elastic IPs."""
    rules: frozenset[str]
    """Ranges that security groups let out to, but for single addresses."""
    grants: frozenset[str]
    """What accounts may do beyond pulling from the one namespace of the image."""

    def more_than(self, before: Trust) -> list[str]:
        """What is trusted now that was not trusted before."""
        return [
            f"{kind}: {one}"
            for kind in ("annotations", "allowlist", "rules", "grants")
            for one in sorted(getattr(self, kind) - getattr(before, kind))
        ]


def trust(ground: Ground) -> Trust:
    """Ask the cluster and the cloud."""
    listed = [
        item
        for namespace in (BARE, KEYED)
        for item in json.loads(
            ground.story.installation.kubectl(
                *("-n", namespace, "get", "pods,deployments", "-o", "json")
            )
            .succeeded()
            .out
        )["items"]
    ]
    return Trust(
        frozenset(_annotated(listed)),
        frozenset(_allowed(ground)),
        frozenset(_let_out(ground)),
        frozenset(_granted(ground)),
    )


def _annotated(listed: Iterable[dict[str, Any]]) -> Iterable[str]:
    for item in listed:
        template = item["spec"].get("template", {}).get("metadata", {})
        for metadata in (item["metadata"], template):
            for key in _ANNOTATIONS:
                for word in metadata.get("annotations", {}).get(key, "").split(","):
                    if word.strip():
                        yield f"{key}: {_host(word.strip())}"


def _host(word: str) -> str:
    bare = (word.partition("://")[2] or word).partition("/")[0]
    return bare.partition(":")[0]


def _allowed(ground: Ground) -> Iterable[str]:
    if not ground.is_open():
        return ()
    ours = {one["AddressIp"] for one in ground.vpc_call("DescribeAddresses")["AddressSet"]}
    policies = ground.registry_call("DescribeSecurityPolicies")["SecurityPolicySet"] or ()
    return [one["CidrBlock"] for one in policies if one["CidrBlock"].split("/32")[0] not in ours]


def _let_out(ground: Ground) -> Iterable[str]:
    for group in ground.vpc_call("DescribeSecurityGroups")["SecurityGroupSet"]:
        found = ground.vpc_call(
            "DescribeSecurityGroupPolicies", SecurityGroupId=group["SecurityGroupId"]
        )["SecurityGroupPolicySet"]
        for rule in found["Egress"] or ():
            block = rule["CidrBlock"] or "anywhere"
            single = block.endswith("/32") or "/" not in block
            if rule["Action"] == "ACCEPT" and not (single and block != "anywhere"):
                yield f"{group['SecurityGroupId']}: {block}"


def _granted(ground: Ground) -> Iterable[str]:
    for account in ground.registry_call("DescribeServiceAccounts")["ServiceAccounts"] or ():
        for grant in account["Permissions"] or ():
            for action in grant["Actions"]:
                if (grant["Resource"], action) != ("team", PULL):
                    yield f"{account['Name']}: {action} of {grant['Resource']}"
