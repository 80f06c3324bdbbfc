"""A registry whose certificate nobody vouches for is pulled from only when the pod says so, exactly."""

from __future__ import annotations

import json

from demo.command import Unexpected
from demo.image import greeting
from demo.installation import until
from demo.outside import SELF_SIGNED
from demo.story import Story
from demo.workload import SKIP_VERIFY, deployment, namespace

TITLE = "An external registry with a self-signed certificate"
NAMESPACE = "self-signed"
UNKNOWN = "x509: certificate signed by unknown authority"
IMAGE = f"{SELF_SIGNED}/outside/app:1"


def tell(story: Story) -> None:
    """The address counts with its port; `all` counts everywhere."""
    story.outside.push(story.layout(greeting("self-signed")), IMAGE)
    story.apply("default", namespace(NAMESPACE))

    story.tell("Without the annotation the certificate is refused.")
    story.run_pod(NAMESPACE, "strict", IMAGE)
    story.fails(NAMESPACE, "strict", UNKNOWN)

    story.tell("With the host but not the port: still refused.")
    host = SELF_SIGNED.partition(":")[0]
    story.run_pod(NAMESPACE, "portless", IMAGE, annotations={SKIP_VERIFY: host})
    story.fails(NAMESPACE, "portless", UNKNOWN)

    for name, value in (("exact", f" {SELF_SIGNED} "), ("all", "all")):
        story.tell(f"With the annotation {value!r} it runs.")
        story.run_pod(NAMESPACE, name, IMAGE, annotations={SKIP_VERIFY: value})
        story.runs(NAMESPACE, name)

    _edit_afterwards(story)

    story.tell("On the workload instead of its pod template it does nothing, and apply says so.")
    wrong = deployment("misplaced", IMAGE, 1, own_annotations={SKIP_VERIFY: SELF_SIGNED})
    warned = story.apply(NAMESPACE, wrong)
    story.teller.quote(warned.err.strip())
    if "Warning:" not in warned.err or "template" not in warned.err:
        raise Unexpected(f"kubectl apply printed no warning: {warned.err!r}")
    for name in ("strict", "portless", "exact", "all"):
        story.remove_pod(NAMESPACE, name)
    story.kubectl("-n", NAMESPACE, "delete", "deployment", "misplaced")


def _edit_afterwards(story: Story) -> None:
    story.tell("Added to a pod that exists already it does nothing either.")
    story.kubectl(
        *("-n", NAMESPACE, "annotate", "pod", "strict", f"{SKIP_VERIFY}={SELF_SIGNED}"),
    )
    before = _pulls(story)
    until("further attempt of the annotated pod", lambda: _pulls(story) > before)
    story.fails(NAMESPACE, "strict", UNKNOWN)


def _pulls(story: Story) -> int:
    """How often the pod's image was being pulled, as its events count it."""
    listed = story.installation.kubectl(
        *("-n", NAMESPACE, "get", "events", "-o", "json"),
        "--field-selector=reason=Pulling,involvedObject.name=strict",
    )
    events = json.loads(listed.succeeded().out)["items"]
    return sum(int(event.get("count") or 1) for event in events)
