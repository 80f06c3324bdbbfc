"""The laboratory: every situation built in one landscape, pulled from, and looked at."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from tests.laboratory.certificate_kind import ALERTING, Certificates
from tests.laboratory.faulty_registry import Registry, RegistryService
from tests.laboratory.handshake_service import shaking_hands
from tests.laboratory.http_service import Service, http_service
from tests.laboratory.landscape import DEAD_NEIGHBOURS, Landscape, Way, landscape
from tests.laboratory.name_service import NameService
from tests.laboratory.name_service import Resolver as Behaviour
from tests.laboratory.passing_on import Ends
from tests.laboratory.picture import TAG
from tests.laboratory.proxy_service import connecting, proxy_host
from tests.laboratory.real_registry import RealRegistry, running
from tests.laboratory.situation import ConnectingProxy, Host, Named, Situation

from towline.content.layers import LayerStore
from towline.kube.annotations import REGISTRY_HTTP_ENDPOINT, REGISTRY_INSECURE_SKIP_VERIFY
from towline.linux import network_namespace
from towline.linux.namespace_socket import SocketMaker
from towline.oci.digest import Digest
from towline.pull.keyring import Keyring
from towline.pull.policy import RegistryPolicy
from towline.pull.proxy import Proxies

DOMAIN = "lab.example"
_NAME_WAYS = {Behaviour.DROPPED: Way.DROPPED, Behaviour.UNREACHABLE: Way.NO_ROUTE}
_SERVED = (Behaviour.HONEST, Behaviour.FAILING, Behaviour.REFUSING, Behaviour.SILENT)
NAME_SERVERS: dict[Behaviour, str] = {
    kind: f"10.79.53.{n}" for n, kind in enumerate(Behaviour, 1) if kind is not Behaviour.NONE
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a host of a situation is."""

    host: Host
    name: str
    address: str

    @property
    def authority(self) -> str:
        """As it stands in an image's name."""
        return self.name if self.host.port == 443 else f"{self.name}:{self.host.port}"


@dataclass(frozen=True)
class Site:
    """A situation in its place."""

    situation: Situation
    places: Mapping[str, Place]
    """By role: `here`, `token`, `blobs`, `proxy`."""
    store: LayerStore
    disk: Path
    """Where that is."""

    @cached_property
    def words(self) -> dict[str, str]:
        """What the words in a situation's texts stand for."""
        here = self.places["here"]
        names = {role: place.authority for role, place in self.places.items()}
        names |= {f"{role}_address": place.address for role, place in self.places.items()}
        scheme = "http" if here.host.certificate is None else "https"
        defaults = {"token": here.authority, "blobs": here.authority}
        own = {"scheme": scheme, "address": here.address, "digest": self._digest}
        return {**defaults, **names, **own}

    @property
    def _digest(self) -> str:
        """Of the manifest that the registry's tag means."""
        service = self.places["here"].host.service
        if not isinstance(service, Registry):
            return ""
        manifests = service.paint(self.situation.name).manifests
        return str(Digest.of(manifests[TAG][0])) if TAG in manifests else ""

    @property
    def image(self) -> str:
        """What is to be pulled."""
        return self.situation.image.format_map(self.words)

    @property
    def keyring(self) -> Keyring:
        """The client's keys."""
        situation = self.situation
        pairs = list(situation.more_logins)
        if situation.login is not None:
            pairs.append((situation.login_for, situation.login))
        return Keyring(tuple((key.format_map(self.words), login) for key, login in pairs))

    @property
    def policy(self) -> RegistryPolicy:
        """As the pod's annotations say, and the client's environment."""
        annotations = {
            REGISTRY_HTTP_ENDPOINT: self.situation.plain_http.format_map(self.words),
            REGISTRY_INSECURE_SKIP_VERIFY: self.situation.unverified.format_map(self.words),
        }
        return replace(RegistryPolicy.from_annotations(annotations), proxies=self.proxies)

    @property
    def proxies(self) -> Proxies:
        """What the client's environment says."""
        proxy = self.situation.proxy.url.format_map(self.words) if self.situation.proxy else ""
        return Proxies(https=proxy, no_proxy=self.situation.no_proxy.format_map(self.words))

    @property
    def name_servers(self) -> tuple[str, ...]:
        """Those that the client asks, in order."""
        kinds = (self.situation.before, self.situation.resolver)
        return tuple(NAME_SERVERS[kind] for kind in kinds if kind in NAME_SERVERS)


@dataclass(slots=True)
class Laboratory:
    """All situations, standing."""

    land: Landscape
    ca_file: Path
    """The authority that clients trust."""
    sites: dict[str, Site] = field(default_factory=dict)


@asynccontextmanager
async def laboratory(situations: tuple[Situation, ...]) -> AsyncIterator[Laboratory]:
    """Build everything, for the length of the block."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tl-lab-")))
        land = await stack.enter_async_context(landscape())
        store = LayerStore(folder / "layers")
        stack.callback(store.close)
        certificates = Certificates(folder)
        lab = Laboratory(land, certificates.trusted.certificate)
        stack.enter_context(_without_the_machines_authorities())
        for number, situation in enumerate(situations):
            disk, kept = folder, store
            if situation.disk:
                disk = folder / f"disk-{number}"
                kept = stack.enter_context(_small_store(disk, situation.disk))
            places = dict(_places(situation, number))
            lab.sites[situation.name] = Site(situation, places, kept, disk)
        await land.lay(dict(_ways(lab)))
        await _open_name_servers(stack, lab)
        real = stack.enter_context(running(folder / "real"))
        opening = _Opening(stack, lab, certificates, real)
        for site in lab.sites.values():
            await opening.open(site)
        yield lab


@contextmanager
def _without_the_machines_authorities() -> Iterator[None]:
    """Believe in none of them for the length of the block.

    Nobody here is signed by one, and reading them all, again for every probe, takes longer than the probes.
    """
    before = dict(os.environ)
    os.environ |= {"SSL_CERT_FILE": os.devnull, "SSL_CERT_DIR": os.devnull}
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _places(situation: Situation, number: int) -> Iterator[tuple[str, Place]]:
    hosts = {"here": situation.registry, "token": situation.token, "blobs": situation.blobs}
    if situation.proxy is not None:
        hosts["proxy"] = proxy_host(situation.proxy)
    label = re.sub("[^a-z0-9]+", "-", situation.name)
    for index, (role, host) in enumerate(hosts.items()):
        if host is not None:
            name = f"{label}.{DOMAIN}" if role == "here" else f"{role}.{label}.{DOMAIN}"
            yield role, Place(host, name, _address(host, number * 4 + index))


def _address(host: Host, number: int) -> str:
    if host.way is Way.DEAD_NEIGHBOUR:
        return DEAD_NEIGHBOURS.format(10 + number % 200)
    high, low = divmod(number, 250)
    return f"198.18.{high}.{low + 1}" if host.public else f"10.80.{high}.{low + 1}"


def _ways(lab: Laboratory) -> Iterator[tuple[str, Way]]:
    for site in lab.sites.values():
        for place in site.places.values():
            yield place.address, place.host.way
    for kind, address in NAME_SERVERS.items():
        yield address, _NAME_WAYS.get(kind, Way.OPEN)


async def _open_name_servers(stack: AsyncExitStack, lab: Laboratory) -> None:
    places = [place for site in lab.sites.values() for place in site.places.values()]
    zone = {place.name: _answer(place) for place in places if place.host.named is not Named.NOT}
    for kind in _SERVED:
        sock = await asyncio.to_thread(
            network_namespace.bind_datagram, lab.land.world, NAME_SERVERS[kind], 53
        )
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda kind=kind: NameService(kind, zone),  # type: ignore[misc]  # its default binds the loop's value
            sock=sock,
        )
        stack.callback(transport.close)


def _answer(place: Place) -> tuple[str, ...]:
    match place.host.named:
        case Named.HERE:
            return (*place.host.also, place.address)
        case Named.EMPTY:
            return ()
        case other:
            return (other.value,)


@dataclass(frozen=True, slots=True)
class _Opening:
    """Opens the servers of one situation after the other."""

    stack: AsyncExitStack
    lab: Laboratory
    certificates: Certificates
    real: Service
    """The way to a registry that is a process of its own."""

    async def open(self, site: Site) -> None:
        """All hosts that somebody listens at."""
        for place in site.places.values():
            service = self._service(site, place)
            if service is not None and place.host.way is not Way.DEAD_NEIGHBOUR:
                await self._listen(place, service)

    async def _listen(self, place: Place, service: Service) -> None:
        host = place.host
        sock = await asyncio.to_thread(
            network_namespace.listen, self.lab.land.world, place.address, host.port
        )
        kind = host.certificate
        context = None if kind is None else self.certificates.context(kind, place.name)
        if context is not None and kind in ALERTING:
            service, context = shaking_hands(context), None
        tasks = set[asyncio.Task[None]]()
        server = await asyncio.start_server(_polite(service, tasks), sock=sock, ssl=context)
        self.stack.push_async_callback(_shut, server, tasks)

    def _service(self, site: Site, place: Place) -> Service | None:
        service = place.host.service
        if isinstance(service, RealRegistry):
            return self.real
        if isinstance(service, ConnectingProxy):
            return connecting(self._reach)
        if isinstance(service, Registry):
            bound = service.bound(site.words)
            return http_service(RegistryService(bound, site.situation.name).answer)
        return service

    async def _reach(self, name: str, port: int) -> Ends:
        places = [place for site in self.lab.sites.values() for place in site.places.values()]
        (address,) = {place.address for place in places if place.name == name}
        sockets = SocketMaker(network_namespace.path_of(self.lab.land.world))
        made = await asyncio.to_thread(sockets.stream, address)
        await asyncio.get_running_loop().sock_connect(made, (address, port))
        return await asyncio.open_connection(sock=made)


async def _shut(server: asyncio.Server, tasks: set[asyncio.Task[None]]) -> None:
    server.close()
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)


def _polite(service: Service, tasks: set[asyncio.Task[None]]) -> Service:
    """A service that closes what it opened, and whose client may hang up at any moment."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None, "a server's handler is a task"
        tasks.add(task)
        try:
            await service(reader, writer)
        except (OSError, EOFError):
            pass
        except asyncio.CancelledError:
            pass  # the laboratory closes; a cancelled handler would be reported as an error
        finally:
            tasks.discard(task)
            writer.close()

    return serve


@contextmanager
def _small_store(folder: Path, options: str) -> Iterator[LayerStore]:
    """A layer store on a disk of its own."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tl-lab", folder], check=True)
    try:
        store = LayerStore(folder / "layers")
        try:
            yield store
        finally:
            store.close()
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
