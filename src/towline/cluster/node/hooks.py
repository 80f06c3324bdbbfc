"""What is done when a container has begun, and before it is told to end."""

from __future__ import annotations

import asyncio

from towline.cluster.node.probing import ProbeBroken, Target, get
from towline.cluster.node.provider import Reach, StartFailed
from towline.kube.probe import Handler

_REQUEST_SECONDS = 30.0  # an HTTP hook that is not answered by then has failed


class HookFailed(Exception):
    """The hook did not do what it should; the text says why."""


async def run_hook(reach: Reach, target: Target, hook: Handler) -> None:
    """Do it; raises `HookFailed`. Who stops waiting ends it."""
    if hook.sleep is not None:
        await asyncio.sleep(hook.sleep.seconds)
    elif hook.exec is not None:
        try:
            done = await reach.execute(target.id, hook.exec.command)
        except StartFailed as error:
            raise HookFailed(str(error)) from error
        if done.code:
            words = " ".join(hook.exec.command)
            raise HookFailed(f"command '{words}' exited with {done.code}: {done.output}")
    elif hook.http_get is not None:
        await _request(reach, target, hook)


async def _request(reach: Reach, target: Target, hook: Handler) -> None:
    assert hook.http_get is not None
    try:
        answer = await get(reach, target, hook.http_get, _REQUEST_SECONDS)
    except ProbeBroken as error:
        raise HookFailed(str(error)) from error
    if not answer.success:
        raise HookFailed(answer.output)
