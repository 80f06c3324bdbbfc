"""Which released credentials are valid, and how they end.

A credential that another one has followed stays valid for a while, for the pulls that go on with
it. Which ones these are stands in the Secret, so that a restart forgets none; it is remembered here
as well, because a Secret may be deleted, or edited, or go with its namespace, before anybody has
read it. What neither knows any more ends by itself: a credential lives for an hour.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from towline.cluster.credential import CredentialIssuer

GRACE = 900.0  # seconds; an image whose layers take longer to pull than this is a rare one


@dataclass(frozen=True, slots=True)
class Issued:
    """A credential that is valid until it is revoked."""

    instance_id: str
    credential_id: str
    revoked_at: float = math.inf
    """When its grace is over; infinite while no other has followed it."""


class CredentialRevocation:
    """Revokes the credentials of namespaces; remembers those that are still to be revoked."""

    def __init__(self, issuer: CredentialIssuer) -> None:
        self._issuer = issuer
        self._valid: defaultdict[str, dict[str, Issued]] = defaultdict(dict)

    def learn(self, namespace: str, credentials: Iterable[Issued]) -> None:
        """Remember valid credentials of a namespace; a grace that is known already stands."""
        known = self._valid[namespace]
        for one in credentials:
            held = known.get(one.credential_id, one)
            until = min(held.revoked_at, one.revoked_at)
            known[one.credential_id] = replace(held, revoked_at=until)

    def supersede(self, namespace: str, latest: Issued, now: float) -> tuple[Issued, ...]:
        """Let all others of the instance of a new credential end when their grace is over.

        Returns these others.
        """
        self.learn(namespace, [latest])
        end = float(int(now + GRACE))  # whole seconds, as a Secret can say it
        others = [
            replace(one, revoked_at=end)
            for one in self._valid[namespace].values()
            if one.instance_id == latest.instance_id and one.credential_id != latest.credential_id
        ]
        self.learn(namespace, others)
        return self.superseded(namespace, latest.instance_id)

    def superseded(self, namespace: str, instance_id: str) -> tuple[Issued, ...]:
        """The credentials for an instance that wait for the end of their grace, the next first."""
        waiting = [
            one
            for one in self._valid[namespace].values()
            if one.instance_id == instance_id and one.revoked_at < math.inf
        ]
        return tuple(sorted(waiting, key=lambda one: one.revoked_at))

    async def revoke(
        self, namespace: str, condition: Callable[[Issued], bool] = lambda _: True
    ) -> None:
        """Revoke the credentials of a namespace that fit; all of them when nothing is said.

        Raises `Problem`; what was not revoked is remembered.
        """
        known = self._valid[namespace]
        for one in [issued for issued in known.values() if condition(issued)]:
            await self._issuer.revoke(one.instance_id, one.credential_id)
            known.pop(one.credential_id, None)
        if not known:
            self._valid.pop(namespace, None)
