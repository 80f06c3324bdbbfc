"""A registry that speaks HTTP is pulled from only when the pod says so, and lists may name several."""

from __future__ import annotations

from demo.image import greeting
from demo.outside import PLAIN, SELF_SIGNED
from demo.story import Story
from demo.workload import PLAIN_HTTP, SKIP_VERIFY, namespace

TITLE = "An external registry over HTTP, and a pod from two registries"
NAMESPACE = "plain-http"
IMAGE = f"{PLAIN}/outside/app:1"
OTHER = f"{SELF_SIGNED}/outside/app:2"


def tell(story: Story) -> None:
    """Alone, and together with the self-signed one."""
    story.outside.push(story.layout(greeting("plain")), IMAGE)
    story.outside.push(story.layout(greeting("self-signed")), OTHER)
    story.apply("default", namespace(NAMESPACE))

    story.tell("Without the annotation HTTPS is spoken to it.")
    story.run_pod(NAMESPACE, "strict", IMAGE)
    story.fails(NAMESPACE, "strict", "http: server gave HTTP response to HTTPS client")

    story.tell("With it: HTTP.")
    story.run_pod(NAMESPACE, "plain", IMAGE, annotations={PLAIN_HTTP: PLAIN})
    story.runs(NAMESPACE, "plain")

    story.tell("Two containers from two registries; where both lists name one, HTTP wins.")
    both = {SKIP_VERIFY: f"{SELF_SIGNED},{PLAIN}", PLAIN_HTTP: f"10.16.1.1:5000, {PLAIN}"}
    story.run_pod(NAMESPACE, "both", IMAGE, OTHER, annotations=both)
    story.runs(NAMESPACE, "both")
    for name in ("strict", "plain", "both"):
        story.remove_pod(NAMESPACE, name)
