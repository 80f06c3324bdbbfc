"""An image that is not what it says, or that reaches for the host, fails clearly and leaves nothing."""

from __future__ import annotations

from pathlib import Path

from demo.command import Unexpected
from demo.image import climbing, linked_outside
from demo.outside import BROKEN, PLAIN
from demo.story import Story
from demo.workload import PLAIN_HTTP, namespace

TITLE = "Wrong bytes, missing bytes, and layers that reach out of their root"
NAMESPACE = "broken"
ESCAPED = Path("/tmp/towline-escaped")


def tell(story: Story) -> None:
    """Each fails, nothing of it stays behind, and the host is untouched."""
    story.apply("default", namespace(NAMESPACE))
    story.outside.push(story.layout(climbing()), f"{PLAIN}/broken/climbing:1")
    story.outside.push(story.layout(linked_outside()), f"{PLAIN}/broken/linked:1")
    cases = {
        "other": (f"{BROKEN}/broken/other:1", "unexpected commit digest"),
        "short": (f"{BROKEN}/broken/short:1", "unexpected EOF"),
        "climbing": (f"{PLAIN}/broken/climbing:1", "failed to extract layer"),
        "linked": (f"{PLAIN}/broken/linked:1", "failed to extract layer"),
    }
    for name, (image, text) in cases.items():
        story.run_pod(NAMESPACE, name, image, annotations={PLAIN_HTTP: "all"})
        story.fails(NAMESPACE, name, text)
        story.remove_pod(NAMESPACE, name)
    if ESCAPED.exists():
        raise Unexpected(f"a layer wrote {ESCAPED} on the host")
    partial = list((story.installation.data / "layers").rglob("*partial*/*"))
    if partial:
        raise Unexpected(f"partial layers are left: {partial}")
