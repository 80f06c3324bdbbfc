"""A Deployment runs from a private image, with a credential that nobody had to carry there."""

from __future__ import annotations

from demo.command import Unexpected
from demo.story import REGISTRY, Story
from demo.workload import deployment, namespace

TITLE = "A private image, and a credential released into the namespace"
NAMESPACE = "private"


def tell(story: Story) -> None:
    """Two replicas run, and their own words can be read."""
    story.link()
    image = story.push("team/app:1", "from a private registry")
    story.tell("The credential is there before the namespace's creation returns.")
    story.apply("default", namespace(NAMESPACE, release=REGISTRY))
    secrets = story.kubectl(
        "-n", NAMESPACE, "get", "serviceaccount", "default", "-o", "jsonpath={.imagePullSecrets}"
    ).out
    if "dockercfg" not in secrets:
        raise Unexpected(f"the default ServiceAccount has no pull secret: {secrets!r}")

    story.apply(NAMESPACE, deployment("app", image, 2))
    story.kubectl("-n", NAMESPACE, "rollout", "status", "deployment/app", "--timeout=90s")
    words = story.kubectl("-n", NAMESPACE, "logs", "deployment/app").out
    story.teller.quote(words)
    if not words.startswith("hello from app-"):
        raise Unexpected(f"the container's own output is {words!r}")

    described = story.kubectl("-n", NAMESPACE, "describe", "pod", "-l", "app=app").out
    for text in ("Successfully assigned", "Pulling image", "Successfully pulled image", "Started"):
        if text not in described:
            raise Unexpected(f"`kubectl describe` does not say {text!r}:\n{described}")
