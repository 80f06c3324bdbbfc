"""What pods ask for by annotation: another resolver, security groups, a public address with a cap."""

from __future__ import annotations

import json
import re
import time

from demo.command import Unexpected
from demo.installation import until
from demo.story import DOMAIN, REGISTRY, Story, expect
from demo.workload import namespace
from towline.kube.annotations import EIP_ATTRIBUTES, LAZY, RESOLV_CONF, SECURITY_GROUP_ID

TITLE = "Annotations of pods: another resolver, security groups, a public address with a cap"
NAMESPACE = "attachments"
PUBLIC_RESOLVER = "nameserver 198.18.0.53"
MEGABYTES, MEGABITS_PER_SECOND = 20, 10
LEAST_SECONDS = 15
PROGRESS = re.compile(
    r'Pulling image "[^"]+": \d+\.\d of 2\d\.\d MB, (?P<rate>\d+\.\d) MB/s, \d+s left'
)


def tell(story: Story) -> None:
    """Each changes what a pull meets."""
    image = story.push("team/attached:1", "attached")
    public = story.installation.instance(REGISTRY)["publicAddress"]
    story.link()
    story.apply("default", namespace(NAMESPACE, release=REGISTRY))
    _resolver(story, image, f"dial tcp {public}:443: i/o timeout")
    _security_group(story, image)
    _capped_address(story)


def _resolver(story: Story, image: str, timeout: str) -> None:
    story.tell(
        "A public resolver does not know the link's name: the pull goes to the public address."
    )
    story.towline("egress", "create")
    annotations = {RESOLV_CONF: PUBLIC_RESOLVER}
    story.run_pod(NAMESPACE, "resolver", image, annotations=annotations)
    story.fails(NAMESPACE, "resolver", timeout)
    traced = story.towline("trace", f"{NAMESPACE}/resolver", DOMAIN, "-o", "json").out
    expect(json.loads(traced)["resolution"]["answerer"], "public-zone", "who names the registry")
    story.remove_pod(NAMESPACE, "resolver")
    story.towline("egress", "delete")


def _security_group(story: Story, image: str) -> None:
    story.tell("A security group that lets only names be asked for: the link's address times out.")
    made = json.loads(story.towline("security-group", "create", "names", "-o", "json").out)
    story.towline("security-group", "add-rule", "names", "egress", "accept:udp:53")
    annotations = {SECURITY_GROUP_ID: made["id"]}
    story.run_pod(NAMESPACE, "grouped", image, annotations=annotations)
    story.fails(NAMESPACE, "grouped", ":443: i/o timeout")

    story.tell("With a rule for port 443, the same pod runs by itself.")
    story.towline("security-group", "add-rule", "names", "egress", "accept:tcp:443")
    story.runs(NAMESPACE, "grouped", patience=90)
    story.remove_pod(NAMESPACE, "grouped")
    until(
        "security group that nobody uses",
        lambda: story.installation.towline("security-group", "delete", "names").code == 0,
    )


def _capped_address(story: Story) -> None:
    story.tell(f"A pod with a public address of its own, {MEGABITS_PER_SECOND} Mbit/s wide.")
    image = story.push("team/heavy:1", "heavy", megabytes=MEGABYTES)
    story.towline("link", "resolve", "off", REGISTRY)
    story.towline("public-access", "open", REGISTRY)
    story.towline("public-access", "allow", REGISTRY, "0.0.0.0/0")
    attributes = json.dumps({"InternetMaxBandwidthOut": MEGABITS_PER_SECOND})
    began = time.monotonic()
    wishes = {EIP_ATTRIBUTES: attributes, LAZY: "off"}  # else it would not wait for its image
    story.run_pod(NAMESPACE, "capped", image, annotations=wishes)
    _progress(story, "capped")
    story.runs(NAMESPACE, "capped", patience=90)
    seconds = time.monotonic() - began
    if seconds < LEAST_SECONDS:
        raise Unexpected(f"{MEGABYTES} MB came in {seconds:.1f} s: nothing held them back")
    story.tell(f"{MEGABYTES} MB took {seconds:.0f} s.")
    _leave(story)


def _progress(story: Story, name: str) -> None:
    """`kubectl describe` must tell meanwhile how far it is, at a rate that can be true."""
    found: list[re.Match[str]] = []

    def is_told() -> bool:
        described = story.installation.kubectl("-n", NAMESPACE, "describe", "pod", name)
        found[:] = PROGRESS.finditer(described.succeeded().out)
        return bool(found)

    until("progress in the pod's events", is_told)
    story.teller.quote(found[0][0])
    rate = float(found[0]["rate"])
    if rate > MEGABITS_PER_SECOND / 8 * 1.2:
        raise Unexpected(f"{rate} MB/s come through a wire of {MEGABITS_PER_SECOND} Mbit/s")


def _leave(story: Story) -> None:
    story.remove_pod(NAMESPACE, "capped")
    until(
        "end of its public address",
        lambda: json.loads(story.installation.towline("eip", "list", "-o", "json").out) == [],
    )
    story.towline("public-access", "close", REGISTRY)
    story.towline("link", "resolve", "on", REGISTRY)
