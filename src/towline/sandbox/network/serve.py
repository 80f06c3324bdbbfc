"""The network of one installation, for the length of an `async with`.

Entering it means that the kernel is as the records say, that names are answered, and that what an
earlier process left of pods is known. Leaving it closes the sockets and leaves the kernel as it is:
pods run on until somebody removes them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import TracebackType

from towline.linux.host_wire import HostWire
from towline.linux.ledger import Ledger
from towline.resource import kind
from towline.resource.uplink import Uplink
from towline.sandbox.network.addresses import Addresses
from towline.sandbox.network.cluster_subnets import ClusterSubnets
from towline.sandbox.network.doors import Doors
from towline.sandbox.network.handover import Handover
from towline.sandbox.network.keeper import Keeper
from towline.sandbox.network.naming import Naming
from towline.sandbox.network.pod_network import PodNetwork
from towline.sandbox.network.records import Records
from towline.sandbox.network.resolvers import Resolvers
from towline.sandbox.network.routine import Routine
from towline.store.store import Store

_SHAPE = (
    kind.VPC,
    kind.SUBNET,
    kind.LINK,
    kind.INSTANCE,
    kind.ROUTE_TABLE,
    kind.NAT_GATEWAY,
    kind.ELASTIC_IP,
    kind.PUBLIC_ENDPOINT,
)
_NAMES = (kind.VPC, kind.INSTANCE, kind.CUSTOM_DOMAIN, kind.PRIVATE_ZONE, kind.ZONE_RECORD)


class Network:
    """The agent's half of the network: what it lends are `pods` and `subnets_of` clusters."""

    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        doors_socket: Path,
        naming: Naming,
        uplink: HostWire | None = None,
    ) -> None:
        """With an `uplink`, the installation's internet leads to the host's own network."""
        served = asyncio.Event()
        records, addresses = Records(store), Addresses(store)
        self._handover = Handover(doors_socket, served.set)
        doors, resolvers = Doors(self._handover), Resolvers(ledger.names, records, naming)
        self._keeper = Keeper(ledger.names, records, addresses, doors, resolvers)
        self.pods = PodNetwork(ledger.names, records, addresses, self._keeper)
        # Answering names waits for nobody: what is changed in the kernel takes longer.
        self._routines = (
            Routine(store, _SHAPE, self._converge),
            Routine(store, _NAMES, resolvers.follow_zones),
            Routine(store, (), self._keeper.announce, bell=served),
            Routine(store, (kind.SECURITY_GROUP,), self.pods.guards.converge),
        )
        self._uplink = uplink
        self._leads = Uplink(leads_out=uplink is not None, resolver=naming.uplink)
        self._stack = AsyncExitStack()
        self._records = records

    async def __aenter__(self) -> Network:
        await self._stack.enter_async_context(self._running())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        return await self._stack.__aexit__(kind, error, traceback)

    def subnets_of(self, cluster_id: str = "") -> ClusterSubnets:
        """Where the pods of a cluster may be; without an id, of the installation's own."""
        return ClusterSubnets(self._records, cluster_id)

    async def _converge(self) -> None:
        await self._keeper.converge()
        if self._uplink is not None:
            await asyncio.to_thread(self._uplink.lay)

    @asynccontextmanager
    async def _running(self) -> AsyncIterator[None]:
        await self._records.tell_uplink(self._leads)
        await self.pods.recover()
        failure: BaseException | None = None
        try:
            await self._converge()
            async with asyncio.TaskGroup() as tasks:
                work = [tasks.create_task(routine.run()) for routine in self._routines]
                work.append(tasks.create_task(self._handover.run()))
                # What the block raises is passed on as it is, not wrapped into the group.
                try:
                    yield
                except BaseException as error:  # noqa: BLE001  # raised again below
                    failure = error
                for task in work:
                    task.cancel()
        finally:
            self._keeper.close()
        if failure is not None:
            raise failure
