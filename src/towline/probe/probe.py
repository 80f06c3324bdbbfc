"""Going the way of a pull with open eyes, and writing down what is met.

Name, address, proxy, TLS, `/v2/`, challenge, token, manifest, config, layers, disk: in the order of
a pull, each with what tells look-alikes apart, until something fails so that nothing behind it can
be seen. A probe takes no longer than its vantage has patience, and keeps what it has seen by then.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from pathlib import Path

from towline.diagnosis.observation import HttpOutcome, Observations
from towline.oci.challenge import Challenge
from towline.oci.manifest import Index, Manifest
from towline.oci.media_type import CONFIGS
from towline.oci.reference import InvalidReference, Reference
from towline.probe.exchange import Ask
from towline.probe.image import chosen, layers_of, see_config, see_layers, see_space
from towline.probe.manifest import (
    Found,
    Repository,
    see_manifest,
    see_reference,
    see_tags,
    with_children,
)
from towline.probe.opener import Opener, read_challenge
from towline.probe.talk import Talk
from towline.probe.target import Target
from towline.probe.vantage import Vantage
from towline.probe.way import Eyes
from towline.pull.keyring import Login
from towline.pull.wire import Transport, Url

MAX_LOGINS = 2
_CLOSED_TO_US = frozenset({401, 403})


async def probe(target: Target, vantage: Vantage) -> Observations:
    """Look at an image from a vantage. It never fails: what fails is what it is to see."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    seen = Observations(target.image, vantage=vantage.name, platform=str(target.platform))
    try:
        reference = Reference.parse(target.image)
        registry = _registry(target, reference)
    except InvalidReference as error:
        return replace(seen, invalid=error.reason, complete=True)
    seen = replace(
        seen,
        domain=reference.domain,
        repository=reference.repository,
        target=reference.target,
        logins=target.logins(),
    )
    transport = target.policy.transport(reference.domain)
    talk = Talk(Eyes(vantage), transport, target.policy.pins)
    walk = _Walk(target, talk, registry, seen, vantage.store)
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(vantage.patience.total):
                await walk.go()
                walk.seen = replace(walk.seen, complete=True)
    finally:
        talk.close()
    return replace(walk.noted(), requests=talk.requests, seconds=loop.time() - began)


def _registry(target: Target, reference: Reference) -> Url:
    plain = target.policy.transport(reference.domain) is Transport.PLAIN
    url = Url.parse(f"{'http' if plain else 'https'}://{reference.host}/")
    if url is None:
        raise InvalidReference(target.image, "invalid port in the registry's address")
    return url


class _Walk:
    """One probe while it is made."""

    def __init__(
        self, target: Target, talk: Talk, registry: Url, seen: Observations, store: Path | None
    ) -> None:
        self._target = target
        self._talk = talk
        self._registry = registry
        self._opener = Opener(talk, target.policy, registry, seen.repository)
        self._realm: Url | None = None
        self._store = store
        self.seen = seen

    async def go(self) -> None:
        """As far as it goes."""
        way = self._talk.way(self._registry)
        await way.go()
        if not way.seen.passed:
            return
        challenge = await self._ping()
        if self.seen.ping is None or self.seen.ping.outcome is not HttpOutcome.ANSWERED:
            return
        found = await self._reference(challenge)
        if found.seen.answer.status in _CLOSED_TO_US:
            await self._look_behind()
        elif found.seen.answer.status == 404:
            tags = await see_tags(self._repository(), self.seen.target)
            self.seen = replace(self.seen, manifest=replace(found.seen, tags=tags))
        elif found.manifest is not None:
            await self._image(found)

    def noted(self) -> Observations:
        """All that was seen, the ways included."""
        realm, path = self._realm, self._talk.way(self._registry).seen
        token_path = None
        if realm is not None and (realm.host, realm.port) != (path.host, path.port):
            token_path = self._talk.way(realm).seen
        tokens = tuple(self._opener.tokens)
        return replace(self.seen, path=path, token_path=token_path, tokens=tokens)

    async def _ping(self) -> Challenge | None:
        """`GET /v2/` without a key; what it wants to see."""
        got = await self._talk.fetch(Ask("GET", self._registry.with_target("/v2/")))
        self.seen = replace(self.seen, ping=got.seen)
        way = self._talk.way(self._registry)
        plain = way.seen.scheme == "http"
        if plain and (got.seen.status == 400 or got.seen.outcome is not HttpOutcome.ANSWERED):
            with contextlib.suppress(ConnectionError):
                await way.look_for_tls()
        seen, challenge = read_challenge(got.seen)
        self.seen = replace(self.seen, challenge=seen)
        return challenge

    async def _reference(self, challenge: Challenge | None) -> Found:
        """What the reference names, with the first login that opens it."""
        logins: tuple[Login | None, ...] = self._target.keyring.lookup(self._target.image)
        found = None
        for login in logins[:MAX_LOGINS] or (None,):
            found = await self._with_login(challenge, login)
            if found.seen.answer.status not in _CLOSED_TO_US:
                break
        assert found is not None, "there is at least one way to ask"
        self.seen = replace(self.seen, manifest=found.seen)
        return found

    async def _with_login(self, challenge: Challenge | None, login: Login | None) -> Found:
        await self._open(challenge, login)
        found = await see_reference(self._repository(), self.seen.target)
        seen, wanted = read_challenge(found.seen.answer)
        if seen is not None:
            self.seen = replace(self.seen, challenge=seen)
        if challenge is None and wanted is not None:  # `/v2/` is open and the repository is not
            await self._open(wanted, login)
            if self._opener.authorization:
                found = await see_reference(self._repository(), self.seen.target)
        return found

    async def _open(self, challenge: Challenge | None, login: Login | None) -> None:
        if challenge is not None:
            self._realm = self._opener.realm(challenge) or self._realm
            await self._opener.open(challenge, login)

    async def _look_behind(self) -> None:
        """Why it is closed: is the key any good, and does the token service work at all?"""
        challenge = self._challenge()
        logins = self._target.keyring.lookup(self._target.image)
        tried = self._opener.tokens[-1:]
        reached = any(token.answer and token.answer.status for token in tried)
        if challenge is not None and logins and reached:
            await self._opener.token(challenge, logins[0], ())
            await self._opener.open(challenge, None)

    def _challenge(self) -> Challenge | None:
        answers = (self.seen.ping, self.seen.manifest.answer if self.seen.manifest else None)
        found = (read_challenge(answer)[1] for answer in answers if answer is not None)
        bearer = (one for one in found if one is not None and one.scheme == "bearer")
        return next(bearer, None)

    async def _image(self, found: Found) -> None:
        """The platform's manifest, its config and its layers."""
        found = with_children(found, self._target.platform)
        self.seen = replace(self.seen, manifest=found.seen)
        if isinstance(found.manifest, Index):
            fitting = next((child for child in found.seen.children if child.fits), None)
            if fitting is None:
                return
            found = await see_manifest(self._repository(), fitting.digest)
            self.seen = replace(self.seen, image_manifest=found.seen)
        if isinstance(found.manifest, Manifest):
            await self._content(found.manifest)

    async def _content(self, manifest: Manifest) -> None:
        if self._store is not None:
            self.seen = replace(self.seen, space=see_space(self._store, manifest))
        if manifest.config.media_type not in CONFIGS:
            return
        config, read = await see_config(self._repository(), manifest)
        self.seen = replace(self.seen, config=config)
        some = chosen(layers_of(manifest, read), self._target.suspects)
        self.seen = replace(self.seen, layers=await see_layers(self._repository(), some))

    def _repository(self) -> Repository:
        name, authorization = self.seen.repository, self._opener.authorization
        return Repository(self._talk, self._registry, name, authorization)
