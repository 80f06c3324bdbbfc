"""A tag that is not there is not found, and the runtime says so with code NotFound."""

from __future__ import annotations

from demo.story import DOMAIN, REGISTRY, Story
from demo.workload import namespace

TITLE = "A tag that does not exist"


def tell(story: Story) -> None:
    """The credential is good: only therefore one learns that the image is missing."""
    story.link()
    story.push("team/tagged:1", "tagged")
    story.apply("default", namespace("tags", release=REGISTRY))
    image = f"{DOMAIN}/team/tagged:late-st"
    story.run_pod("tags", "late", image)
    story.fails(
        *("tags", "late", "code = NotFound"),
        f'failed to resolve reference "{image}": {image}: not found',
    )
    story.remove_pod("tags", "late")
