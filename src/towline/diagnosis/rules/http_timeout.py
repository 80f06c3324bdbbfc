"""http.timeout: the registry accepts the request and never answers."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import (
    AWAITING_HEADERS,
    BARE_DEADLINE,
    CLOSED,
    DEADLINE,
    TO_REGISTRY,
    WAITING_FOR_CONNECTION,
)
from towline.diagnosis.sign import HANGS, LAYERS_BEGUN, UNANSWERED, is_just, status
from towline.diagnosis.verdict import Remedy, Who


def remedy(_facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=("Look at the registry: it hangs behind its listener"),
        who=Who.REGISTRY_ADMIN,
        retry_helps=True,
    )


RULE = Rule(
    code="http.timeout",
    title="The registry accepts the request and never answers",
    remedy=remedy,
    proof=in_the_way("http.timeout"),
    decided_by="GET /v2/ with a deadline",
    signs=(
        TO_REGISTRY & AWAITING_HEADERS & ~WAITING_FOR_CONNECTION,
        TO_REGISTRY & UNANSWERED & is_just("context canceled"),
        TO_REGISTRY & status(408),
        HANGS & ~LAYERS_BEGUN,
    ),
    look_alikes=(
        WAITING_FOR_CONNECTION & TO_REGISTRY,
        DEADLINE,
        BARE_DEADLINE,
        ~UNANSWERED & is_just("context canceled"),
        TO_REGISTRY & CLOSED & UNANSWERED,
    ),
    about=(
        "The connection stands, the request is sent, and no answer begins. containerd "
        "waits for it without end, or gives up after minutes with `context canceled`, "
        "which no user did."
    ),
    looks=(
        (
            "containerd",
            (
                'failed to resolve reference "hub.example/team/app:1.0": failed to do request: '
                'Head "https://hub.example/v2/team/app/manifests/1.0": context canceled'
            ),
        ),
        (
            "docker",
            (
                'Error response from daemon: Get "https://hub.example/v2/": net/http: request '
                "canceled (Client.Timeout exceeded while awaiting headers)"
            ),
        ),
    ),
)
