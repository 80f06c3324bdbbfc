"""Work that blocks, done in a thread and always to its end."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


async def in_thread(work: Callable[[], _T]) -> _T:
    """Do it in a thread. Who is cancelled waits for its end first: a thread cannot be stopped, and
    must not go on after a lock was given up.
    """
    return await _to_its_end(asyncio.get_running_loop().run_in_executor(None, work))


async def in_own_thread(work: Callable[[], _T]) -> _T:
    """The same for what may take minutes, as to read what has yet to come over a network: it takes
    no place in the pool, and so keeps nobody else's work waiting. Who is cancelled waits for its end
    here, too; a thread whose event loop is gone does not keep the process.
    """
    done = concurrent.futures.Future[_T]()
    threading.Thread(target=_do, args=(work, done), daemon=True).start()
    return await _to_its_end(asyncio.wrap_future(done))


def _do(work: Callable[[], _T], done: concurrent.futures.Future[_T]) -> None:
    try:
        done.set_result(work())
    except BaseException as error:  # noqa: BLE001  # it is raised where it is waited for
        done.set_exception(error)


async def _to_its_end(running: asyncio.Future[_T]) -> _T:
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        with contextlib.suppress(Exception):
            await asyncio.shield(running)
        raise
