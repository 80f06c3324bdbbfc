"""Pods that start before their images are here.

Where an image's own registry has indexed it (`docs/lazy.md`), its layers are laid out as files with
holes and hung on a rope: a pod may use them at once, and whoever reads what has not come waits for
it. Behind the pod the rest comes, and then they are layers like all others.

A layer hangs once, however many pods want it; each shows its own login to the registry before, and
adds it to the ways by which the layer may be filled. When the last pod that uses a rope's layers is
gone, the rope is untied, and what has come is kept for the next time. What cannot be filled is never
tried again by this process: its pods are ended, and pull in full.

Only registries of this installation are believed, over TLS that an authority vouches for: an index
decides what a container sees until its layer is whole, and the containers of others, too. A pin is
the pod's own word, and its network could lead anywhere.
"""

from __future__ import annotations

import asyncio
import shutil
import time
import uuid
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Protocol

import msgspec
import structlog

from towline.content.layer_file import DamagedLayer, LayerFile
from towline.content.layers import LayerStore
from towline.content.lazy_file import lay_out
from towline.content.lazy_shelf import LazyShelf
from towline.kube.annotations import may_be_lazy
from towline.oci.digest import Digest
from towline.pull.layers import Layer
from towline.pull.policy import RegistryPolicy
from towline.pull.shortcut import IndexReader, NotThere, Offer
from towline.pull.wire import Transport
from towline.sandbox.lazy.hanging import CannotTie, Hanging, RopeRecord, Ropes
from towline.sandbox.lazy.image_index import Indexed, read_index
from towline.sandbox.lazy.order import LazyLayer, Way
from towline.sandbox.lazy.turns import Turns
from towline.sandbox.thread_work import in_thread

WORTH = 8 * 1024 * 1024
"""Packed bytes that must be missing: less is here before anybody would notice."""
SMALLEST = 1024 * 1024
"""Packed bytes of a layer that is worth it; smaller ones are fetched beside."""
PATIENCE = 10.0
"""Seconds for the index to come, and for a rope to make headway that others wait for."""
_LOOK = 0.5
_log = structlog.get_logger("towline.lazy")


class Tenants(Protocol):
    """Those who use layers."""

    async def evict(self, layers: frozenset[Digest]) -> None:
        """End every process that may read these layers, and unmount them."""
        ...


class LazyStarts:
    """All layers of an installation that are used before they are whole."""

    def __init__(
        self,
        layers: LayerStore,
        ropes: Ropes,
        folder: Path,
        hosts: Callable[[], Collection[str]],
    ) -> None:
        """`hosts` are the registries that are believed; what is known of ropes is in the folder."""
        self._layers = layers
        self._ropes = ropes
        self._folder = folder
        self._hosts = hosts
        self._hanging = dict[Digest, Hanging]()
        self._turns = Turns()
        self._spoilt = set[Digest]()
        self._following = dict[Hanging, asyncio.Task[None]]()
        self._why_not = ""

    def give_up(self, reason: str) -> None:
        """Start nothing lazily on this machine."""
        self._why_not = reason

    def path(self, diff_id: Digest) -> Path:
        """The file of a layer, whole or not."""
        whole = self._layers.path(diff_id)
        if self.hangs(diff_id) and not whole.exists():
            return self._layers.lazy.place(diff_id).layer
        return whole

    def is_mountable(self, diff_id: Digest) -> bool:
        """Whether a layer shows all its files by itself. What hangs does, for others have no index;
        to look into it would be to wait for whoever fills it.
        """
        return self.hangs(diff_id) or self._layers.is_mountable(diff_id)

    def hangs(self, diff_id: Digest) -> bool:
        """Whether a layer may be used although it is not whole."""
        hanging = self._hanging.get(diff_id)
        return hanging is not None and hanging.end is None

    def below(self, stack: Iterable[Digest]) -> tuple[Hanging, ...]:
        """What some of these layers hang on."""
        return tuple(dict.fromkeys(self._hanging[one] for one in stack if self.hangs(one)))

    async def take(self, way: Way, offer: Offer, reader: IndexReader) -> frozenset[Digest]:
        """The layers of an image that a pod may use at once; `way` is how it fetches, without the
        login. Raises `NotThere` when it was worth trying and came to nothing.
        """
        missing = self._missing(way, offer)
        while others := self._turns.others(missing):
            await others.wait()
            missing = self._missing(way, offer)
        known = _login(way, offer)
        hung = frozenset(one for one in missing if self.hangs(one))
        for hanging in self.below(hung):
            hanging.rope.add_way(known)
        fit = [layer for one, layer in missing.items() if one not in hung and self._is_fit(layer)]
        if _size(fit) < WORTH:
            return hung
        with self._turns.taken([layer.diff_id for layer in fit]):
            try:
                return hung | await self._hang(offer, fit, known, reader)
            except NotThere:
                if hung:
                    return hung
                raise

    async def become_whole(self, layer: Layer, report: Callable[[int], None]) -> bool:
        """Wait for a layer that others use already; False when it does not hang, or nothing comes."""
        hanging, size = self._hanging.get(layer.diff_id), layer.descriptor.size
        if hanging is None:
            return False
        before, since = -1, time.monotonic()
        while not hanging.over.is_set() and time.monotonic() - since < PATIENCE:
            with suppress(TimeoutError):
                await asyncio.wait_for(hanging.over.wait(), _LOOK)
            have, want = hanging.filled
            if have != before:
                before, since = have, time.monotonic()
                report(size * have // max(want, 1))
        return self._layers.has(layer.diff_id)

    async def let_go(self, wanted: Callable[[], Collection[Digest]]) -> None:
        """Untie what nobody wants and nobody has mounted; what has come is kept. Who wants it in this
        very moment waits, and hangs it anew.
        """
        for hanging, task in list(self._following.items()):
            over = hanging.end is not None or hanging not in self._following
            if over or not hanging.layers.isdisjoint(wanted()):
                continue
            del self._following[hanging]
            with self._turns.taken(hanging.layers):
                task.cancel()
                await asyncio.wait([task])
                await self._forget(hanging)

    @asynccontextmanager
    async def running(self, tenants: Tenants) -> AsyncIterator[None]:
        """Go on with what an earlier process has hung, and see everything to its end.

        What nobody fills any more ends its tenants before anything else happens. Leaving it lets the
        ropes be: they need nobody.
        """
        async with asyncio.TaskGroup() as tasks:
            self._tasks, self._tenants = tasks, tenants
            await self._recover()
            adopting = tasks.create_task(self._adopt_whole())
            try:
                yield
            finally:
                for task in (adopting, *self._following.values()):
                    task.cancel()

    def _missing(self, way: Way, offer: Offer) -> dict[Digest, Layer]:
        """Layers that are not here, each once; none where there is to be no lazy start."""
        if self._why_not or not may_be_lazy(way.annotations):
            return {}
        layers = {one.diff_id: one for one in offer.layers if not self._layers.has(one.diff_id)}
        is_worth_it = _size(layers.values()) >= WORTH
        return layers if is_worth_it and self._is_believed(way, offer) else {}

    def _is_believed(self, way: Way, offer: Offer) -> bool:
        reference = offer.reference
        pinned = RegistryPolicy.from_annotations(way.annotations).pins.of(reference.host)
        is_verified = offer.transport is Transport.TLS and not pinned
        return is_verified and reference.domain in self._hosts()

    def _is_fit(self, layer: Layer) -> bool:
        busy = self._layers.is_coming(layer.diff_id) or layer.diff_id in self._hanging
        return layer.descriptor.size >= SMALLEST and layer.diff_id not in self._spoilt and not busy

    async def _hang(
        self, offer: Offer, layers: Sequence[Layer], way: Way, reader: IndexReader
    ) -> frozenset[Digest]:
        try:
            async with asyncio.timeout(PATIENCE):
                found = await read_index(offer.manifest.digest, layers, reader)
        except TimeoutError as error:
            raise NotThere(f"the index has not come within {PATIENCE:.0f} seconds") from error
        if _size([one.layer for one in found]) < WORTH:
            raise NotThere("the index has too little of the image")
        owed = sum(hanging.owed for hanging in self._following)
        if not self._layers.has_room(_room(found) + owed):
            raise NotThere("the disk has no room")
        task = self._tasks.create_task(self._tie(found, way))
        reason = await _to_its_end(task)
        if reason:
            raise NotThere(reason)
        return frozenset(one.layer.diff_id for one in found)

    async def _tie(self, found: Sequence[Indexed], way: Way) -> str:
        """Hang layers; why not, when they do not hang."""
        names = tuple(str(one.layer.diff_id) for one in found)
        folder, size = self._folder / uuid.uuid4().hex, _size([one.layer for one in found])
        record = RopeRecord(names, size, time.time(), _room(found))
        try:
            lazy = await in_thread(
                lambda: tuple(_laid_out(self._layers.lazy, one) for one in found)
            )
            record.write(folder)
            rope = await self._ropes.tie(lazy, way, folder)
        except CannotTie as error:
            self.give_up(str(error))
            _log.info("no-lazy-starts", reason=str(error))
            reason = str(error)
        except Exception as error:  # noqa: BLE001  # whatever it is, the image can be pulled in full
            _log.exception("lazy-start-failed", layers=names)
            reason = repr(error)
        else:
            self._keep(Hanging(rope, folder, record))
            return ""
        await in_thread(partial(shutil.rmtree, folder, ignore_errors=True))
        return reason

    def _keep(self, hanging: Hanging) -> None:
        self._hanging |= dict.fromkeys(hanging.layers, hanging)
        self._following[hanging] = self._tasks.create_task(self._follow(hanging))

    async def _follow(self, hanging: Hanging) -> None:
        try:
            trouble = await hanging.rope.finished()
            trouble = trouble or self._adopt(hanging)
            hanging.close(trouble)
            if trouble:
                await self._spoil(hanging)
            await self._forget(hanging)
        except Exception:  # noqa: BLE001  # of one rope: the others go on, and this one keeps holding
            _log.exception("lazy-layers-not-settled", layers=hanging.record.layers)

    def _adopt(self, hanging: Hanging) -> str:
        """Take the layers among the others; what is wrong with them."""
        for diff_id in hanging.layers:
            try:
                self._layers.adopt(diff_id)
            except OSError as error:
                return str(error)
        return ""

    async def _spoil(self, hanging: Hanging) -> None:
        """Have nobody left who reads what will never be whole."""
        lost = frozenset(one for one in hanging.layers if not self._layers.has(one))
        _log.warning("lazy-layers-broken", layers=sorted(map(str, lost)), end=hanging.end)
        self._spoilt |= lost
        await self._tenants.evict(lost)
        for diff_id in lost:
            self._layers.lazy.place(diff_id).remove()

    async def _forget(self, hanging: Hanging) -> None:
        for diff_id in hanging.layers:
            self._hanging.pop(diff_id, None)
        self._following.pop(hanging, None)
        await hanging.rope.untie()
        await in_thread(partial(shutil.rmtree, hanging.folder, ignore_errors=True))
        hanging.over.set()

    async def _recover(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        lost, folders = set[Digest](), list[Path]()
        for folder in sorted(self._folder.iterdir()):
            record = RopeRecord.of(folder)
            rope = await self._ropes.find(folder) if record else None
            if record and rope:
                self._keep(Hanging(rope, folder, record))
                continue
            folders.append(folder)
            lost |= record.diff_ids if record else set()
        lost = {one for one in lost if not self._layers.has(one)}
        if lost:
            await self._tenants.evict(frozenset(lost))
        for folder in folders:
            await in_thread(partial(shutil.rmtree, folder, ignore_errors=True))

    async def _adopt_whole(self) -> None:
        """Take what was whole when whoever would have taken it was killed."""
        for diff_id in self._layers.lazy.begun():
            place = self._layers.lazy.place(diff_id)
            if self.hangs(diff_id) or self._turns.others([diff_id]) or not place.has_no_hole():
                continue
            with self._turns.taken([diff_id]), suppress(DamagedLayer, OSError):
                await in_thread(partial(_verify, place.layer, diff_id))
                self._layers.adopt(diff_id)


async def _to_its_end(task: asyncio.Task[str]) -> str:
    """What it gives. Who is cancelled waits for its end first: it must not go on without us."""
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _laid_out(shelf: LazyShelf, one: Indexed) -> LazyLayer:
    place = shelf.place(one.layer.diff_id)
    place.folder.mkdir(exist_ok=True)
    place.head.write_bytes(one.head)
    lay_out(place.layer, one.index)
    return one.ordered(str(place.layer), str(place.head))


def _verify(path: Path, diff_id: Digest) -> None:
    file = LayerFile.open(path)
    file.verify()
    if file.diff_id != diff_id or not file.is_as_sealed():
        raise DamagedLayer(f"{path} does not show the files of {diff_id}")


def _login(way: Way, offer: Offer) -> Way:
    if offer.login is None:
        return way
    login = offer.login
    return msgspec.structs.replace(way, username=login.username, password=login.password)


def _room(found: Iterable[Indexed]) -> int:
    return sum(one.room for one in found)


def _size(layers: Iterable[Layer]) -> int:
    return sum(layer.descriptor.size for layer in layers)
