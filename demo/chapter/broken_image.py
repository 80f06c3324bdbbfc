"""An image that is not what it says, or that reaches for the host, fails clearly and leaves nothing."""

from __future__ import annotations

from pathlib import Path

from demo.command import Unexpected
from demo.image import climbing, greeting, linked_outside
from demo.installation import until
from demo.outside import BROKEN, PLAIN
from demo.story import Story
from demo.workload import PLAIN_HTTP, namespace

TITLE = "Wrong bytes, missing bytes, and layers that reach out of their root"
NAMESPACE = "broken"
ESCAPED = Path("/tmp/towline-escaped")


def tell(story: Story) -> None:
    """Each fails, nothing of it stays behind but the download that was cut, and the host is untouched."""
    ESCAPED.unlink(missing_ok=True)
    story.apply("default", namespace(NAMESPACE))
    story.outside.push(story.layout(climbing()), f"{PLAIN}/broken/climbing:1")
    story.outside.push(story.layout(linked_outside()), f"{PLAIN}/broken/linked:1")
    cases = {
        "other": (f"{BROKEN}/broken/other:1", "unexpected commit digest"),
        "short": (f"{BROKEN}/broken/short:1", "unexpected EOF"),
        "climbing": (f"{PLAIN}/broken/climbing:1", "failed to extract layer"),
        "linked": (f"{PLAIN}/broken/linked:1", "failed to extract layer"),
    }
    before = _kept_after_a_good_image(story)
    for name, (image, text) in cases.items():
        story.run_pod(NAMESPACE, name, image, annotations={PLAIN_HTTP: "all"})
        story.fails(NAMESPACE, name, text)
        story.remove_pod(NAMESPACE, name)
    if ESCAPED.exists():
        raise Unexpected(f"a layer wrote {ESCAPED} on the host")
    until(
        "agent that has put all of it away", lambda: _is_put_away(story.installation.data, before)
    )


def _is_put_away(data: Path, before: set[Path]) -> bool:
    """Nothing new but the bytes of the one layer that came short: the next pull goes on with them."""
    left = _kept(data) - before
    cut = {path for path in data.glob("layers/partial/*") if path.is_dir()}
    return left <= cut and len(left) <= 1


def _kept_after_a_good_image(story: Story) -> set[Path]:
    """What there is when the layer that all of them share, which is sound, has come in."""
    image = f"{PLAIN}/broken/whole:1"
    story.outside.push(story.layout(greeting("whole")), image)
    story.run_pod(NAMESPACE, "whole", image, annotations={PLAIN_HTTP: "all"})
    story.runs(NAMESPACE, "whole")
    during = _kept(story.installation.data)
    story.remove_pod(NAMESPACE, "whole")
    until("end of its sandbox", lambda: _kept(story.installation.data) < during)
    return _kept(story.installation.data)


def _kept(data: Path) -> set[Path]:
    """The pods' folders, the layers, and whatever of a layer has come in so far."""
    folders = ("sandboxes/*", "sandboxes/pods/*", "layers/sha256/*", "layers/partial/*")
    return {path for folder in folders for path in data.glob(folder)}
