"""The first thing in the way to a host: its name, its proxy, its address, its TLS, in this order."""

from __future__ import annotations

from towline.diagnosis.dial_obstacle import dial_obstacle
from towline.diagnosis.facts import Facts
from towline.diagnosis.name_obstacle import name_obstacle, sinkhole
from towline.diagnosis.observed_path import PathSeen
from towline.diagnosis.obstacle import Obstacle
from towline.diagnosis.proxy_obstacle import proxy_obstacle
from towline.diagnosis.tls_obstacle import tls_obstacle


def way_obstacle(path: PathSeen) -> Obstacle | None:
    """What ends the way; None when it is open, or was not gone to its end."""
    if path.passed:
        return None
    if path.proxy is not None:
        through = proxy_obstacle(path.proxy, path.authority)
        if through is not None or path.tls is None:
            return through
    elif path.dns is not None:
        before = name_obstacle(path.dns) or sinkhole(path) or dial_obstacle(path.dials)
        if before is not None:
            return before
    if path.tls is None or path.scheme == "http":
        return None
    return tls_obstacle(path.tls)


def registry_obstacle(facts: Facts) -> Obstacle | None:
    """What ends the way to the image's registry."""
    path = facts.seen.path if facts.seen else None
    return way_obstacle(path) if path is not None else None
