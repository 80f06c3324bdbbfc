"""Auto-release of a registry credential: the pull Secret of a namespace that asks for one.

A namespace annotated with an instance, or named by the registry add-on, gets a Secret with a fresh
credential, and its default ServiceAccount names it, so that pods pull without saying anything. When
such a namespace is created this has happened before the creator hears of it. From then on a control
loop keeps it so: it renews the credential at half its life, heals what somebody edits or deletes, and
takes everything back when the wish or the namespace goes: the Secret, and the credential itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from weakref import WeakValueDictionary

from towline.cluster.controllers.control_loop import Copies, Route, control
from towline.cluster.controllers.credential_revocation import CredentialRevocation, Issued
from towline.cluster.controllers.ownership import is_being_deleted
from towline.cluster.controllers.pull_accounts import PullAccounts
from towline.cluster.controllers.registry_addon import Wish, is_addon, wishes_for
from towline.cluster.controllers.released_secret import (
    LABEL,
    TYPE,
    Release,
    is_released,
    read_release,
    released_secret,
    superseded_patch,
)
from towline.cluster.credential import CredentialIssuer
from towline.cluster.event_recorder import EventRecorder
from towline.cluster.kubernetes import ApiError, Kubernetes, Object, Resource
from towline.cluster.object_key import ObjectKey, key_of
from towline.cluster.reflector import Reflector
from towline.cluster.resources import CONFIG_MAPS, NAMESPACES, SECRETS, SERVICE_ACCOUNTS
from towline.kube.annotations import RELEASE_CREDENTIAL
from towline.kube.event import EventSource, EventType, Happening, ObjectReference
from towline.problem import Problem

LOOK_AGAIN = 600.0  # seconds; a machine that slept has lost time that no timer has seen pass


class CredentialRelease:
    """Releases credentials into namespaces: at once when they are created, and ever after."""

    def __init__(
        self, kubernetes: Kubernetes, issuer: CredentialIssuer, clock: Callable[[], float]
    ) -> None:
        self._kubernetes = kubernetes
        self._issuer = issuer
        self._revocation = CredentialRevocation(issuer)
        self._clock = clock
        self._accounts = PullAccounts(kubernetes)
        self._events = EventRecorder(kubernetes, EventSource("credential-release"), clock)
        # Creation and control loop come for the same namespace at the same time: one goes first,
        # the other finds the work done.
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._namespaces: Reflector | None = None

    async def namespace_created(self, name: str, annotations: Mapping[str, str]) -> None:
        """Release the credential that a new namespace asks for; a `Problem` undoes the namespace.

        Not so what the add-on wants for all of them: what fails of that is tried again.
        """
        wishes = await wishes_for(self._kubernetes, name, annotations)
        if not wishes:
            return
        async with self._turn(name):
            try:
                await self._release(name, wishes)
            except Problem:
                if annotations.get(RELEASE_CREDENTIAL, "").strip():
                    raise

    async def settle_all(self) -> None:
        """Bring all namespaces to what they ask for now; what fails is tried again by `run`."""
        for namespace in (await self._kubernetes.list(NAMESPACES)).items:
            with suppress(ApiError):
                await self.reconcile(key_of(namespace))

    async def withdraw_all(self) -> None:
        """Revoke everything that was released: the cluster ends. What cannot be revoked now ends by
        itself within the hour.
        """
        for namespace in (await self._kubernetes.list(NAMESPACES)).items:
            with suppress(Problem):
                await self._end(namespace["metadata"]["name"])

    async def run(self, copies: Copies) -> None:
        """Keep all namespaces as they ask to be, until cancelled."""
        self._namespaces = copies[NAMESPACES]
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._events.run())
            tasks.create_task(control(self, copies))

    def routes(self) -> Mapping[Resource, Route[ObjectKey]]:
        """Namespaces, released Secrets, the accounts that name them, and the add-on."""
        return {
            NAMESPACES: lambda thing: (key_of(thing),),
            SECRETS: lambda thing: _namespace_key(thing) if is_released(thing) else (),
            CONFIG_MAPS: lambda thing: self._all() if is_addon(thing) else (),
            SERVICE_ACCOUNTS: _namespace_key,
        }

    async def reconcile(self, key: ObjectKey) -> float | None:
        """Bring one namespace to what it asks for; seconds until a credential begins or ends."""
        async with self._turn(key.name):
            namespace = await self._living(key.name)
            try:
                if namespace is None:
                    await self._end(key.name)
                    return None
                annotations = namespace["metadata"].get("annotations") or {}
                wishes = await wishes_for(self._kubernetes, key.name, annotations)
                releases = await self._release(key.name, wishes)
            except Problem as problem:
                if namespace is not None:
                    self._complain(namespace, problem)
                raise ApiError(503, "CredentialNotReleased", problem.cause) from problem
        if not releases:
            return None
        times = [time for one in releases for time in one.times(key.name)]
        return min(max(1.0, min(times) - self._clock()), LOOK_AGAIN)

    def _all(self) -> tuple[ObjectKey, ...]:
        """Every namespace: whichever the add-on names now, and did before."""
        return tuple(map(key_of, self._namespaces.list())) if self._namespaces else ()

    async def _living(self, name: str) -> Object | None:
        """The namespace, unless it is gone or going; asked when it is our turn, not before."""
        try:
            namespace = await self._kubernetes.get(NAMESPACES, "", name)
        except ApiError as error:
            if error.code == 404:
                return None
            raise
        return None if is_being_deleted(namespace) else namespace

    async def _end(self, namespace: str) -> None:
        """Revoke what was released into a namespace that is gone or going."""
        await self._released(namespace)
        await self._revocation.revoke(namespace)

    def _turn(self, namespace: str) -> asyncio.Lock:
        return self._turns.setdefault(namespace, asyncio.Lock())

    async def _release(self, namespace: str, wishes: Sequence[Wish]) -> list[Release]:
        """Make sure that these credentials and no others are there, valid, and named by accounts."""
        secrets, releases = await self._released(namespace), []
        for wish in wishes:
            release = self._usable(namespace, wish.instance, secrets)
            if release is None:
                release = await self._issue(namespace, wish.instance)
            if wish.every_account:
                await self._accounts.name_in_all(namespace, release.name)
            else:
                await self._accounts.name_in_default(namespace, release.name)
            releases.append(release)
        await self._take_back(namespace, secrets, keep=releases)
        return [await self._revoke_superseded(namespace, one) for one in releases]

    def _usable(self, namespace: str, instance: str, secrets: list[Object]) -> Release | None:
        for secret in secrets:
            found = read_release(secret)
            if found is None or found.instance != instance or not found.is_intact:
                continue
            if secret.get("type") == TYPE and self._clock() < found.renewal_at(namespace):
                return found
        return None

    async def _issue(self, namespace: str, instance: str) -> Release:
        """Write a fresh credential; the old one stays valid a while for the pulls that go on."""
        login = await self._issuer.issue(instance, namespace)
        latest = Issued(login.instance_id, login.credential_id)
        superseded = self._revocation.supersede(namespace, latest, self._clock())
        body = released_secret(login, instance, superseded)
        name = body["metadata"]["name"]
        try:
            written = await self._kubernetes.create(SECRETS, namespace, body)
        except ApiError as error:
            if error.reason != "AlreadyExists":
                raise
            written = await self._overwrite(namespace, name, body)
        release = read_release(written)
        assert release is not None, "it was written just now"
        return release

    async def _overwrite(self, namespace: str, name: str, body: Object) -> Object:
        held = await self._kubernetes.get(SECRETS, namespace, name)
        if held.get("type") != TYPE:  # a Secret's type never changes
            options = {"preconditions": {"uid": held["metadata"]["uid"]}}
            await self._kubernetes.delete(SECRETS, namespace, name, options=options)
            return await self._kubernetes.create(SECRETS, namespace, body)
        others = dict.fromkeys(held.get("data") or {})
        patch = {"metadata": body["metadata"], "data": {**others, **body["data"]}}
        return await self._kubernetes.patch(SECRETS, namespace, name, patch)

    async def _released(self, namespace: str) -> list[Object]:
        """The Secrets of a namespace; the credentials in them are remembered."""
        found = await self._kubernetes.list(SECRETS, namespace, selectors={"labelSelector": LABEL})
        for release in map(read_release, found.items):
            if release is not None and release.is_intact:
                self._revocation.learn(namespace, (release.credential, *release.superseded))
        return list(found.items)

    async def _revoke_superseded(self, namespace: str, release: Release) -> Release:
        """Revoke the credentials before this one whose grace is over, and strike them out."""
        instance_id, now = release.credential.instance_id, self._clock()
        await self._revocation.revoke(namespace, lambda one: one.revoked_at <= now)
        left = self._revocation.superseded(namespace, instance_id)
        if left == release.superseded:
            return release
        await self._kubernetes.patch(SECRETS, namespace, release.name, superseded_patch(left))
        return replace(release, superseded=left)

    async def _take_back(
        self, namespace: str, secrets: list[Object], *, keep: Collection[Release]
    ) -> None:
        """Revoke and remove all others; a Secret goes last, for it says what is to be revoked."""
        kept = {one.name for one in keep}
        names = [one["metadata"]["name"] for one in secrets if one["metadata"]["name"] not in kept]
        for name in names:
            await self._accounts.drop(namespace, name)
        ids = {one.credential.instance_id for one in keep}
        await self._revocation.revoke(namespace, lambda one: one.instance_id not in ids)
        for name in names:
            try:
                await self._kubernetes.delete(SECRETS, namespace, name)
            except ApiError as error:
                if error.code != 404:
                    raise

    def _complain(self, namespace: Object, problem: Problem) -> None:
        message = f"Cannot release a registry credential: {problem.cause}; {problem.remedy}"
        about = ObjectReference.to(namespace)
        self._events.record(Happening(about, EventType.WARNING, "FailedCredentialRelease", message))


def _namespace_key(thing: Object) -> tuple[ObjectKey, ...]:
    return (ObjectKey("", thing["metadata"]["namespace"]),)
