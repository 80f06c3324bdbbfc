"""A registry whose certificate nobody vouches for is pulled from only when the pod says so, exactly."""

from __future__ import annotations

from demo.image import greeting
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

    story.tell("On the workload instead of its pod template it does nothing, and apply says so.")
    wrong = deployment("misplaced", IMAGE, 1, own_annotations={SKIP_VERIFY: SELF_SIGNED})
    warned = story.apply(NAMESPACE, wrong)
    story.teller.quote(warned.err.strip())
    if "Warning:" not in warned.err or "template" not in warned.err:
        raise AssertionError(f"kubectl apply printed no warning: {warned.err!r}")
    for name in ("strict", "portless", "exact", "all"):
        story.remove_pod(NAMESPACE, name)
    story.kubectl("-n", NAMESPACE, "delete", "deployment", "misplaced")
