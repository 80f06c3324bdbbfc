"""What mends a cause that the control plane knows, and how it sharpens what a probe saw."""

from __future__ import annotations

from dataclasses import replace

from towline.diagnosis.facts import Facts
from towline.diagnosis.known import Known
from towline.diagnosis.known_annotation import (
    annotation_known,
    annotation_wanted,
    changed_certificate,
)
from towline.diagnosis.known_credential import credential_known
from towline.diagnosis.known_way import way_code, way_known
from towline.diagnosis.observed_path import TrustOutcome
from towline.diagnosis.obstacle import Obstacle
from towline.diagnosis.subject import registry
from towline.diagnosis.verdict import Remedy

_ON_THE_WAY = ("net.", "dns.")


def known_remedy(code: str, facts: Facts) -> Remedy | None:
    """The remedy with the objects by their names; None when the records say nothing of this code."""
    known = _of_code(code, facts)
    if known is not None:
        return known.remedy
    if facts.pod is None or not code.startswith("tls."):
        return None
    return annotation_wanted(code, facts.pod, registry(facts), _fingerprint(facts))


def _fingerprint(facts: Facts) -> str:
    """Of the certificate that the registry showed."""
    path = facts.seen.path if facts.seen is not None else None
    return path.tls.chain[0].sha256 if path and path.tls and path.tls.chain else ""


def _is_another_than_pinned(facts: Facts) -> bool:
    path = facts.seen.path if facts.seen is not None else None
    return bool(path and path.tls and TrustOutcome.NOT_PINNED in path.tls.problems)


def sharpened(obstacle: Obstacle | None, facts: Facts) -> Obstacle | None:
    """What stands in the way, as exactly as the records have it; by them alone before any probe."""
    if obstacle is None:
        return _by_records(facts) if facts.seen is None else None
    known = _of_code(obstacle.code, facts)
    if known is None:
        return obstacle
    evidence = (*obstacle.evidence, *known.evidence)
    return replace(obstacle, cause=known.cause, evidence=evidence)


def _by_records(facts: Facts) -> Obstacle | None:
    code = way_code(facts.plane) if facts.plane is not None else ""
    known = _of_code(code, facts) if code else None
    return Obstacle(code, known.evidence, known.cause) if known is not None else None


def _of_code(code: str, facts: Facts) -> Known | None:
    if code.startswith(_ON_THE_WAY):
        return way_known(facts.plane, facts.pod) if facts.plane is not None else None
    if code.startswith("tls.") and facts.pod is not None:
        if _is_another_than_pinned(facts):
            return changed_certificate(facts.pod, registry(facts), _fingerprint(facts))
        return annotation_known(code, facts.pod, registry(facts))
    found = credential_known(facts)
    return found[1] if found is not None and found[0] == code else None
