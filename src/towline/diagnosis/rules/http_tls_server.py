"""http.tls-server: the registry speaks TLS and was asked in plain HTTP."""

from __future__ import annotations

from towline.diagnosis.facts import Facts
from towline.diagnosis.first_obstacle import in_the_way
from towline.diagnosis.rule import Rule
from towline.diagnosis.saying import HTTPS, TO_REGISTRY
from towline.diagnosis.sign import ODD_PORT, PLAIN_HTTP, mentions, says, status
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy, Who


def remedy(facts: Facts) -> Remedy:
    """What mends it."""
    return Remedy(
        text=(f"Remove {registry(facts)} from eks.tke.cloud.tencent.com/registry-http-endpoint"),
        who=Who.POD_AUTHOR,
    )


RULE = Rule(
    code="http.tls-server",
    title="The registry speaks TLS and was asked in plain HTTP",
    remedy=remedy,
    proof=in_the_way("http.tls-server"),
    decided_by="a TLS handshake at the same port",
    signs=(
        mentions("sent an http request to an https server", "plain http request was sent to https"),
        says("malformed http response") & says("\\x15\\x03", "\x15\x03"),
        TO_REGISTRY & status(400) & (PLAIN_HTTP | ODD_PORT) & ~HTTPS,
    ),
    look_alikes=(says("malformed http response"),),
    about=(
        "The runtime was told to use plain HTTP for this registry, and the registry "
        "speaks TLS. It answers with 400 and a sentence that runtimes do not print, or "
        "with bytes that are no HTTP."
    ),
    looks=(
        (
            "containerd",
            (
                "failed to resolve image: unexpected status from HEAD request to "
                "http://hub.example:5000/v2/team/app/manifests/1.0: 400 Bad Request"
            ),
        ),
    ),
)
