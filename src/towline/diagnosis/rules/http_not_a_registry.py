"""http.not-a-registry: what answers there is no registry."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.reading import Request
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import (
    CALCULATING,
    NOT_FOUND,
    OTHER_NOT_FOUND,
    PAGE,
    REDIRECTED,
    TO_REGISTRY,
    XML,
)
from towline.diagnosis.sign import asking, by, mentions, says, status
from towline.diagnosis.subject import image
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Correct host and port of {image(facts)}: a web page answers there"),
        who=Who.POD_AUTHOR,
    )


RULE = Rule(
    code="http.not-a-registry",
    title="What answers there is no registry",
    remedy=remedy,
    proof=in_the_way("http.not-a-registry"),
    decided_by="GET /v2/: neither 200 with JSON nor 401, no Docker-Distribution-Api-Version",
    about=(
        "A web server answers that knows nothing of the registry protocol: a wrong "
        "host, a portal's sign-in page, an ingress without a route. containerd prints "
        "`not found` for it, as for a tag that does not exist."
    ),
    looks=(
        ("containerd", "failed to resolve image: hub.example/team/app:1.0: not found"),
        (
            "docker",
            (
                "Error response from daemon: unknown: <html> <head><title>404 Not "
                "Found</title></head> <body> <center><h1>404 Not Found</h1></center> "
                "<hr><center>nginx/1.24.0</center> </body> </html>"
            ),
        ),
        (
            "podman",
            (
                "pinging container registry hub.example: StatusCode: 404, "
                '"<html>\\r\\n<head><title>404 Not Found</title></head>\\r..."'
            ),
        ),
    ),
    signs=(
        (TO_REGISTRY | CALCULATING) & PAGE & ~status(401, 403, 429, 500, 502, 503, 504),
        mentions("config blob") & PAGE & ~XML & ~status(403, 429, 500, 502, 503, 504),
        mentions("unexpected media type text/html", "for image(): text/html"),
        asking(Request.PING) & status(404),
        says("malformed http") & ~says("x15"),
    ),
    look_alikes=(
        asking(Request.PING) & REDIRECTED,
        TO_REGISTRY & NOT_FOUND & by("containerd", "oras", "docker") & ~OTHER_NOT_FOUND,
        mentions("(text/html) from remote"),
    ),
)
