"""reference.short-name: the image names no registry, so the runtime asks its default one."""

from __future__ import annotations

from towline.diagnosis.answered import answered
from towline.diagnosis.facts import Facts
from towline.diagnosis.rule import Proof, Rule
from towline.diagnosis.saying import DOCKER_HUB, INSUFFICIENT, NO_NAME, PULL_DENIED
from towline.diagnosis.sign import by, mentions
from towline.diagnosis.subject import image
from towline.diagnosis.verdict import Remedy, Who
from towline.diagnosis.way_obstacle import way_obstacle
from towline.oci.reference import DEFAULT_DOMAIN

_NOT_THERE = frozenset({401, 403, 404})


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Write the registry's host in front of {image(facts)}: host/path:tag"),
        who=Who.POD_AUTHOR,
    )


def proof(facts: Facts) -> Proof | None:
    """No host is written, and the default registry is out of reach or does not have it."""
    seen = facts.seen
    if seen is None or seen.domain != DEFAULT_DOMAIN or seen.path is None:
        return None
    if seen.image.startswith((f"{DEFAULT_DOMAIN}/", "index.docker.io/")):
        return None
    answer = seen.manifest.answer if seen.manifest else None
    if seen.path.passed and (answer is None or answer.status not in _NOT_THERE):
        return None
    obstacle = way_obstacle(seen.path)
    met = obstacle.evidence if obstacle else ()
    asked = (answered(answer),) if answer else met
    return Proof((f"{seen.image} names no host, so {DEFAULT_DOMAIN} is asked", *asked))


RULE = Rule(
    code="reference.short-name",
    title="The image names no registry, so the runtime asks its default one",
    remedy=remedy,
    proof=proof,
    decided_by="whether a dot, a colon or localhost stands before the first slash",
    signs=(
        mentions(
            "short-name",
            "short name",
            "missing registry or repository",
            "unqualified-search",
            "object required",
        ),
        DOCKER_HUB & NO_NAME & mentions("/library/"),
        DOCKER_HUB & NO_NAME & ~by("containerd"),
    ),
    look_alikes=(
        DOCKER_HUB & NO_NAME,
        mentions("docker.io/library/") & (INSUFFICIENT | PULL_DENIED),
    ),
    about=(
        "A name whose first part has no dot, no colon and is not localhost has no "
        "registry in it. containerd and docker then ask Docker Hub for it, podman asks "
        "the registries of registries.conf, or refuses."
    ),
    looks=(
        (
            "podman",
            (
                'short-name "app" did not resolve to an alias and no unqualified-search '
                'registries are defined in "/etc/containers/registries.conf"'
            ),
        ),
    ),
)
