"""Why an image cannot be pulled, asked from outside of every pod: before there is one, or by a person.

A registry of ours is looked at by its door on this machine, since its name means something inside
the VPCs only; how the network stands between, the control plane says. Any other registry is looked at
as this machine sees it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from towline.client.lookout import Lookout
from towline.client.pull_planes import PullQuestion
from towline.cluster.joined_calls import JoinedCalls
from towline.diagnosis.facts import Facts
from towline.diagnosis.observation import Observations
from towline.diagnosis.plane import Plane, PodSeen
from towline.diagnosis.pod_credential import with_pod
from towline.network.attachment import own_nameservers
from towline.oci.platform import Platform
from towline.oci.reference import InvalidReference, Reference
from towline.probe.probe import probe
from towline.probe.target import Target
from towline.problem import Problem
from towline.pull.keyring import Keyring, Login
from towline.pull.policy import AddressList, RegistryPolicy
from towline.pull.wire import Transport

_LOOPBACK = "127.0.0.1"


class Planes(Protocol):
    """Who knows what the control plane knows."""

    async def plane(self, asked: PullQuestion) -> Plane:
        """The facts about a pull; raises `Problem`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageQuestion:
    """Which image, for whom."""

    image: str
    keyring: Keyring = field(default_factory=Keyring)
    policy: RegistryPolicy = field(default_factory=RegistryPolicy)
    pod: PodSeen | None = None
    """The pod that it is for, or the one that will be."""
    source: str = ""
    """From where in the network: a pod, or a subnet."""
    annotations: Mapping[str, str] = field(default_factory=dict)


class ImageExaminer:
    """Gathers the facts about images. What many want to know of one image at the same moment, as of
    twenty pods that are created together, is found out for all of them.
    """

    def __init__(self, planes: Planes | None, lookout: Lookout, platform: Platform) -> None:
        """Without `planes` the control plane stays unknown."""
        self._planes = planes
        self._lookout = lookout
        self._platform = platform
        self._asked = JoinedCalls[PullQuestion, Plane]()
        self._looked = JoinedCalls[tuple[str, Keyring], Observations]()

    async def facts(self, asked: ImageQuestion) -> Facts:
        """All that is known of an image from here."""
        return await self.looked_at(asked, await self.known(asked))

    async def known(self, asked: ImageQuestion) -> Facts:
        """What the records say, without a look."""
        pod = asked.pod and replace(asked.pod, platform=str(self._platform))
        return Facts(image=asked.image, pod=pod, plane=await self._plane(asked))

    async def looked_at(self, asked: ImageQuestion, known: Facts) -> Facts:
        """The same with what a probe sees, which may take as long as its patience."""
        return replace(known, seen=await self._look(asked, known.plane))

    async def _plane(self, asked: ImageQuestion) -> Plane | None:
        reference, planes = _reference(asked.image), self._planes
        if planes is None or reference is None:
            return None
        logins = asked.keyring.lookup(asked.image)
        question = PullQuestion(
            image=asked.image,
            source=asked.source,
            resolver=next(iter(own_nameservers(asked.annotations)), ""),
            plain_http=asked.policy.transport(reference.domain) is Transport.PLAIN,
            login=logins[0] if logins else None,
        )
        try:
            plane = await self._asked.ask(question, lambda: planes.plane(question))
        except Problem:
            return None
        return with_pod(plane, asked.pod) if asked.pod else plane

    async def _look(self, asked: ImageQuestion, plane: Plane | None) -> Observations:
        target = Target(asked.image, self._platform, asked.keyring, asked.policy)
        reference = _reference(asked.image)
        if plane is None or plane.instance is None or reference is None:
            return await probe(target, self._lookout(plane))
        port = plane.instance.loopback_port
        if not port:
            return Observations(asked.image)
        near = _by_loopback(target, reference, port)
        key = near.image, near.keyring
        seen = await self._looked.ask(key, lambda: probe(near, self._lookout(None)))
        return replace(seen, image=asked.image, domain=reference.domain)


def _by_loopback(target: Target, reference: Reference, port: int) -> Target:
    """The same image by the registry's door on this machine, with the same credentials."""
    door = f"{_LOOPBACK}:{port}"
    separator = "@" if reference.digest else ":"
    logins: tuple[Login, ...] = target.keyring.lookup(target.image)
    return replace(
        target,
        image=f"{door}/{reference.repository}{separator}{reference.target}",
        keyring=Keyring(tuple((door, login) for login in logins)),
        policy=RegistryPolicy(plain_http=AddressList(frozenset({door}))),
    )


def _reference(image: str) -> Reference | None:
    try:
        return Reference.parse(image)
    except InvalidReference:
        return None
