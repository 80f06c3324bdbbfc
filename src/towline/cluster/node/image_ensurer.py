"""Gets a container its image: the kubelet's `EnsureImageExists`.

What is decided here are the policy, the back-off and the words. Nothing is shared between pods: an
image that another pod has is asked for again, with this pod's own credentials.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from towline.cluster.kubernetes import Kubernetes
from towline.cluster.node import texts
from towline.cluster.node.back_off import BackOff
from towline.cluster.node.completion_teller import Awaited, CompletionTeller
from towline.cluster.node.container_state import Waiting
from towline.cluster.node.diagnosing import Diagnosing, Trouble
from towline.cluster.node.provider import Image, Images
from towline.cluster.node.pull_progress import told
from towline.cluster.node.pull_secrets import pull_secrets
from towline.cluster.node.voice import Voice
from towline.kube.pod import Container, Pod, PullPolicy
from towline.oci.reference import InvalidReference, Reference
from towline.problem import Problem
from towline.pull.attempt import Attempt, PullFailed
from towline.pull.keyring import InvalidDockerConfig, Keyring
from towline.pull.progress import Tally

PARALLEL_PULLS = 32  # of one node; a pull that waits for a dead address costs next to nothing


class Held(Exception):
    """A container cannot be started now."""

    def __init__(self, waiting: Waiting | None) -> None:
        super().__init__(waiting.message if waiting else "")
        self.waiting = waiting
        """What the status says; None when there is nothing to say but that it is being made."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Whose image is wanted."""

    pod: Pod
    container: Container
    voice: Voice

    @property
    def back_off_key(self) -> str:
        """Back-off is by pod and image."""
        return f"{self.pod.metadata.uid}_{self.container.image}"

    def say(self, words: texts.Words) -> None:
        """Record an event about the container."""
        self.voice.say(words, self.container.name)


class ImageEnsurer:
    """The images of one node's pods."""

    def __init__(
        self,
        kubernetes: Kubernetes,
        images: Images,
        diagnosing: Diagnosing,
        completions: CompletionTeller,
        clock: Callable[[], float],
    ) -> None:
        self._kubernetes = kubernetes
        self._images = images
        self._diagnosing = diagnosing
        self._completions = completions
        self._clock = clock
        self._back_off = BackOff()
        self._failures: dict[str, str] = {}
        self._told: set[str] = set()
        self._slots = asyncio.Semaphore(PARALLEL_PULLS)

    async def ensure(self, wish: Wish) -> Image:
        """The image; raises `Held` after the events that say why there is none."""
        uid, text = wish.pod.metadata.uid, wish.container.image
        self._check_name(wish)
        policy = wish.container.image_pull_policy
        if policy is not PullPolicy.ALWAYS and (found := await self._images.find(uid, text)):
            wish.say(texts.present(text))
            return found
        if policy is PullPolicy.NEVER:
            wish.say(texts.never_pull(text))
            raise _held(wish, texts.ERR_IMAGE_NEVER_PULL, texts.never_pull_message(text))
        self._check_back_off(wish)
        return await self._pull(wish)

    def forget(self, pod_uid: str) -> None:
        """Drop what is remembered of a pod that is gone."""
        self._back_off.forget(f"{pod_uid}_")
        self._diagnosing.forget(pod_uid)
        self._completions.forget(pod_uid)
        self._told.discard(pod_uid)
        for key in [key for key in self._failures if key.startswith(f"{pod_uid}_")]:
            del self._failures[key]

    def _check_name(self, wish: Wish) -> None:
        try:
            Reference.parse(wish.container.image)
        except InvalidReference as error:
            message = texts.invalid_image_message(wish.container.image, error.reason)
            wish.say(texts.inspect_failed(message))
            self._diagnosing.explain(_trouble(wish, message))
            raise _held(wish, texts.INVALID_IMAGE_NAME, message) from error

    def _check_back_off(self, wish: Wish) -> None:
        key, text = wish.back_off_key, wish.container.image
        if not self._back_off.holds(key, self._clock()):
            return
        wish.say(texts.back_off_pulling(text))
        message = texts.back_off_pulling_message(text)
        if last := self._failures.get(key):
            message = f"{message}: {last}"
        raise _held(wish, texts.IMAGE_PULL_BACK_OFF, message)

    async def _pull(self, wish: Wish) -> Image:
        text, wanted = wish.container.image, self._clock()
        await self._tell_of_cache(wish)
        wish.say(texts.pulling(text))
        try:
            keyring = await self._keyring(wish)
            async with self._slots:
                began = self._clock()
                with told(text, wish.say) as progress, self._watching(wish, progress):
                    image = await self._images.pull(wish.pod.metadata.uid, text, keyring, progress)
        except PullFailed as error:
            raise self._failed(wish, str(error), error.attempt) from error
        except InvalidDockerConfig as error:
            raise self._failed(wish, str(error)) from error
        except Problem as error:
            raise self._failed(wish, error.cause) from error
        now = self._clock()
        wish.say(texts.pulled(text, now - began, now - wanted, image.size))
        await self._tell_of_rest(wish, image)
        return image

    async def _tell_of_rest(self, wish: Wish, image: Image) -> None:
        """Say that the pod does not wait for its whole image, and later how the rest came."""
        uid, text = wish.pod.metadata.uid, wish.container.image
        missing = await self._images.missing(uid, image)
        if missing is not None:
            wish.say(texts.lazy_start(text, missing))
            self._completions.follow(Awaited(uid, image, text, wish.voice))

    async def _tell_of_cache(self, wish: Wish) -> None:
        """Say once of a pod which image cache it has."""
        uid = wish.pod.metadata.uid
        if uid in self._told:
            return
        self._told.add(uid)
        spec = wish.pod.spec
        names = (each.image for each in (*spec.init_containers, *spec.containers))
        found = await self._images.cache_for(uid, tuple(dict.fromkeys(names)))
        if found is not None:
            wish.voice.say(texts.cache_used(found))

    async def _keyring(self, wish: Wish) -> Keyring:
        found = await pull_secrets(self._kubernetes, wish.pod)
        if found.missing:
            wish.voice.say(texts.missing_pull_secrets(found.missing))
        return found.keyring

    def _watching(self, wish: Wish, progress: Tally) -> AbstractContextManager[None]:
        return self._diagnosing.watching(_trouble(wish), progress)

    def _failed(self, wish: Wish, error: str, attempt: Attempt | None = None) -> Held:
        wish.say(texts.pull_failed(wish.container.image, error))
        self._back_off.failed(wish.back_off_key, self._clock())
        self._failures[wish.back_off_key] = f"{texts.ERR_IMAGE_PULL}: {error}"
        self._diagnosing.explain(_trouble(wish, error, attempt))
        return _held(wish, texts.ERR_IMAGE_PULL, error)


def _trouble(wish: Wish, text: str = "", attempt: Attempt | None = None) -> Trouble:
    return Trouble(wish.pod, wish.container, wish.voice, text, attempt)


def _held(wish: Wish, reason: str, message: str) -> Held:
    """Every way in which a start fails on its image ends with this event."""
    wish.say(texts.failed(reason))
    return Held(Waiting(reason, message))
