"""Runs a controller: looks at every object that changed, and again when that failed.

Controllers are *level-triggered*: `reconcile` is told which object, not what happened to it, reads
the state that is, and takes one step towards the state that should be. Losing or repeating a
notification therefore costs time and nothing else.

What a controller cannot make sense of is its own defect or an object that no validation should have
let through. Either is logged in full and confined to that object: one tenant's strange object must
not stop the cluster for all others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Protocol, TypeVar

import structlog

from towline.cluster.controllers.work_queue import WorkQueue
from towline.cluster.kubernetes import ApiError, Object, Resource
from towline.cluster.reflector import Reflector

WORKERS = 4  # objects of one controller looked at side by side
BREATH = 0.02  # seconds between looks at one object: many changes together need one look, not many

K = TypeVar("K", bound=Hashable)

Route = Callable[[Object], Iterable[K]]
"""Which keys have to be looked at because of an object."""

Copies = Mapping[Resource, Reflector]

_log = structlog.get_logger()


class Controller(Protocol[K]):
    """Brings objects to the state that they ask for; a key names what is looked at in one go."""

    def routes(self) -> Mapping[Resource, Route[K]]:
        """Whose changes matter, and for which of the controller's keys."""
        ...

    async def reconcile(self, key: K) -> float | None:
        """Take the next step for one key; seconds after which to look again, whatever happens.

        Raises `ApiError` when a step failed; it is tried again, later each time.
        """
        ...


async def control(controller: Controller[K], copies: Copies) -> None:
    """Run a controller over copies that are kept current elsewhere, until cancelled."""
    queue = WorkQueue[K]()
    for resource, route in controller.routes().items():
        copies[resource].listen(_listener(queue, route))
    for resource, route in controller.routes().items():
        await copies[resource].synced.wait()
        for thing in copies[resource].list():
            _add(queue, route, thing)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(WORKERS):
            tasks.create_task(_work(controller, queue))


def _listener(
    queue: WorkQueue[K], route: Route[K]
) -> Callable[[Object | None, Object | None], None]:
    def changed(before: Object | None, after: Object | None) -> None:
        for thing in (before, after):
            if thing is not None:
                _add(queue, route, thing)

    return changed


def _add(queue: WorkQueue[K], route: Route[K], thing: Object) -> None:
    try:
        for key in route(thing):
            queue.add(key)
    except Exception:  # noqa: BLE001  # logged in full, confined to this object
        _log.exception("cannot tell whom this concerns", name=thing["metadata"]["name"])


async def _work(controller: Controller[K], queue: WorkQueue[K]) -> None:
    while True:
        key = await queue.take()
        try:
            again = await controller.reconcile(key)
        except ApiError as error:
            name = type(controller).__name__
            _log.debug("will try again", controller=name, key=key, error=error.message)
            queue.failed(key)
        except Exception:  # noqa: BLE001  # logged in full, confined to this object
            _log.exception("defect", controller=type(controller).__name__, key=key)
            queue.failed(key)
        else:
            queue.succeeded(key)
            if again is not None:
                queue.add_after(key, again)
        finally:
            asyncio.get_running_loop().call_later(BREATH, queue.done, key)
