"""A tag that does not exist is replaced by the one that somebody names, never by a guess."""

from __future__ import annotations

from dataclasses import replace

from towline.diagnosis.facts import Facts
from towline.diagnosis.mending import Mending, SetImage, Wish
from towline.oci.reference import InvalidReference, Reference


def mend_tag(facts: Facts, wish: Wish) -> Mending | None:
    """Take the wished tag, where one is wished."""
    pod = facts.pod
    if pod is None or not wish.tag:
        return None
    try:
        after = replace(Reference.parse(pod.image), tag=wish.tag, digest=None)
    except InvalidReference:
        return None
    if str(after) == pod.image:
        return None
    return wish.mending(SetImage(pod.namespace, pod.patched, pod.image, str(after)))
