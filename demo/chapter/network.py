"""A pod reaches its registry only over a link whose name resolves: until then its dial times out."""

from __future__ import annotations

from demo.story import REGISTRY, Story
from demo.workload import namespace

TITLE = "No way, a way without a name, a way: the private link"
TEXT = ":443: i/o timeout"


def tell(story: Story) -> None:
    """The same pod fails twice, then runs, and nobody touches it in between."""
    image = story.push("team/linked:1", "over the private link")
    public = story.installation.instance(REGISTRY)["publicAddress"]
    story.apply("default", namespace("network", release=REGISTRY))

    story.tell("There is no link: the domain leads to the public address, and nothing goes there.")
    story.run_pod("network", "unlinked", image)
    story.fails("network", "unlinked", f"dial tcp {public}{TEXT}", "ErrImagePull")

    story.tell("A link, but the domain does not resolve to it: the same.")
    story.towline("link", "create", REGISTRY)
    story.run_pod("network", "unnamed", image)
    story.fails("network", "unnamed", f"dial tcp {public}{TEXT}")

    story.tell("With private resolution on, both pods start by themselves.")
    story.towline("link", "resolve", "on", REGISTRY)
    for name in ("unlinked", "unnamed"):
        story.runs("network", name, patience=90)
        story.remove_pod("network", name)
