"""What may be said of a pod's pull by somebody who looked from elsewhere than the pod's own network.

The registry's answers are the same for everybody; names, routes, proxies and disks are not. And a
runtime that speaks of the manifest has come past TLS, whatever the certificate looks like from here.
"""

from __future__ import annotations

from dataclasses import replace

from towline.diagnosis.catalogue import STAGES
from towline.diagnosis.diagnose import diagnose
from towline.diagnosis.facts import Facts
from towline.diagnosis.verdict import Confidence, Verdict

_OF_THE_PLACE = frozenset({"dns", "proxy", "net", "storage"})
"""Stages that are another matter from every place."""


def diagnose_from_elsewhere(facts: Facts) -> Verdict | None:
    """Why the pull fails, `seen` being of another place; proved only what is so for the pod too."""
    unseen = diagnose(replace(facts, seen=None))
    if unseen is not None and unseen.confidence is Confidence.PROVED:
        return unseen
    found = diagnose(facts)
    if found is None or found.confidence is not Confidence.PROVED:
        return found
    here_only = found.stage in _OF_THE_PLACE
    if unseen is not None and (here_only or _came_further(unseen, found)):
        return unseen
    return _doubted(found, facts) if here_only else found


def _came_further(runtime: Verdict, found: Verdict) -> bool:
    """Whether the runtime's words are of a later stage than where the way ends from here."""
    codes = (runtime.code, *runtime.alternatives)
    first = min(STAGES.index(code.partition(".")[0]) for code in codes)
    return first > STAGES.index(found.stage)


def _doubted(found: Verdict, facts: Facts) -> Verdict:
    vantage = facts.seen.vantage if facts.seen is not None else ""
    told = f"that is how it looks from {vantage}, which is not in the pod's network"
    return replace(found, confidence=Confidence.ONE_OF, evidence=(*found.evidence, told))
