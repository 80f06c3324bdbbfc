"""http.forbidden-page: a web firewall refuses, with a page instead of a registry's error."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import DENIED, PAGE, TO_REGISTRY, XML
from towline.diagnosis.sign import status
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Admit this client at the firewall before {registry(facts)}"),
        who=Who.NETWORK_ADMIN,
    )


RULE = Rule(
    code="http.forbidden-page",
    title="A web firewall refuses, with a page instead of a registry's error",
    remedy=remedy,
    proof=in_the_way("http.forbidden-page"),
    decided_by="the content type of the 403",
    signs=(TO_REGISTRY & PAGE & status(403) & ~XML,),
    look_alikes=(TO_REGISTRY & status(403) & ~PAGE & ~DENIED,),
    about=(
        "The 403 is a page and not the registry's JSON: a web firewall, a gateway or an"
        " access list stands before the registry. containerd drops the body, so the two"
        " read alike."
    ),
    looks=(
        (
            "docker",
            (
                "Error response from daemon: error parsing HTTP 403 response body: invalid "
                "character '<' looking for beginning of value: \"<html>\\r\\n<head><title>403 "
                'Forbidden</title></head>"'
            ),
        ),
        (
            "podman",
            (
                "pinging container registry hub.example: StatusCode: 403, "
                '"<html><head><title>403 Forbidden</title>..."'
            ),
        ),
    ),
)
