"""From a verdict to a plan: what can be done about a failed pull with what lies in our hands.

No plan ever trusts more than before, unless the wish allows it. A certificate that nobody vouches
for is pinned by its fingerprint rather than skipped, a security group is opened for one address, a
credential is made for one namespace.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from towline.diagnosis.facts import Facts
from towline.diagnosis.known_annotation import CERTIFICATE
from towline.diagnosis.mend_annotation import (
    mend_certificate,
    mend_http_server,
    mend_realm_certificate,
    mend_tls_server,
)
from towline.diagnosis.mend_credential import mend_credential
from towline.diagnosis.mend_image import mend_tag
from towline.diagnosis.mend_network import mend_way
from towline.diagnosis.mending import Mending, Wish
from towline.diagnosis.verdict import Verdict

Planner = Callable[[Facts, Wish], Mending | None]

_BY_CODE: Mapping[str, Planner] = {
    "tls.http-server": mend_http_server,
    "http.tls-server": mend_tls_server,
    "auth.realm-tls": mend_realm_certificate,
    "manifest.tag-unknown": mend_tag,
}
_BY_STAGE: Mapping[str, Planner] = {
    "dns": mend_way,
    "net": mend_way,
    "auth": mend_credential,
    "authz": mend_credential,
}


def mend(verdict: Verdict, facts: Facts, wish: Wish) -> Mending | None:
    """What would mend it; None when that does not lie in our hands."""
    if verdict.code in CERTIFICATE:
        return mend_certificate(verdict.code, facts, wish)
    planner = _BY_CODE.get(verdict.code) or _BY_STAGE.get(verdict.stage)
    return planner(facts, wish) if planner is not None else None
