"""A registry that speaks HTTP is pulled from only when the pod says so, and a list may name several."""

from __future__ import annotations

from demo.image import greeting
from demo.outside import OTHER_PLAIN, PLAIN, SELF_SIGNED
from demo.story import Story
from demo.workload import PLAIN_HTTP, SKIP_VERIFY, namespace

TITLE = "External registries over HTTP, and pods from two registries"
NAMESPACE = "plain-http"
IMAGE = f"{PLAIN}/outside/app:1"
OTHER = f"{OTHER_PLAIN}/outside/other:1"
SIGNED = f"{SELF_SIGNED}/outside/app:2"


def tell(story: Story) -> None:
    """Alone, two of them, and together with the self-signed one."""
    for image, words in ((IMAGE, "plain"), (OTHER, "plain, too"), (SIGNED, "self-signed")):
        story.outside.push(story.layout(greeting(words)), image)
    story.apply("default", namespace(NAMESPACE))

    story.tell("Without the annotation HTTPS is spoken to it.")
    story.run_pod(NAMESPACE, "strict", IMAGE)
    story.fails(NAMESPACE, "strict", "http: server gave HTTP response to HTTPS client")

    story.tell("With it: HTTP.")
    story.run_pod(NAMESPACE, "plain", IMAGE, annotations={PLAIN_HTTP: PLAIN})
    story.runs(NAMESPACE, "plain")

    story.tell("Two containers from two registries over HTTP: with one listed the other fails.")
    story.run_pod(NAMESPACE, "half", IMAGE, OTHER, annotations={PLAIN_HTTP: PLAIN})
    story.fails(NAMESPACE, "half", OTHER, "http: server gave HTTP response to HTTPS client")

    story.tell("With a list of both it runs.")
    both = {PLAIN_HTTP: f"{PLAIN},{OTHER_PLAIN}"}
    story.run_pod(NAMESPACE, "both", IMAGE, OTHER, annotations=both)
    story.runs(NAMESPACE, "both")

    story.tell("One over HTTP, one self-signed; where both lists name one, HTTP wins.")
    mixed = {SKIP_VERIFY: f"{SELF_SIGNED},{PLAIN}", PLAIN_HTTP: f"10.16.1.1:5000, {PLAIN}"}
    story.run_pod(NAMESPACE, "mixed", IMAGE, SIGNED, annotations=mixed)
    story.runs(NAMESPACE, "mixed")
    for name in ("strict", "plain", "half", "both", "mixed"):
        story.remove_pod(NAMESPACE, name)
