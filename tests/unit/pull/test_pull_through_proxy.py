"""Images come through proxies, and what fails on the way has Go's words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.certificates import Issued, Wish, issue
from tests.faulty_servers import (
    answering,
    hanging_up,
    listener,
    name_server,
    saying,
    server_context,
)
from tests.images import file, image, tar
from tests.proxies import RealProxy, proxying
from tests.registries import ScriptedRegistry, scripted

from towline.content.layers import LayerStore
from towline.linux.wire import SocketWire
from towline.oci.platform import Platform
from towline.oci.reference import Reference
from towline.pull.attempt import PullFailed, StepKind
from towline.pull.flow import PulledImage, pull
from towline.pull.keyring import Keyring, Login
from towline.pull.policy import AddressList, RegistryPolicy
from towline.pull.progress import NoProgress
from towline.pull.proxy import Proxies

NAME = "reg.test"
LOGIN = ("reader", "key")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Issued:
    """Signs for the registry and for proxies."""
    wish = Wish(common_name="Authority", authority=True)
    return issue(tmp_path_factory.mktemp("authority"), wish)


@pytest.fixture
def registry() -> ScriptedRegistry:
    """Wants a login, and has an image of two layers."""
    made = image(tar(file("a", b"one")), tar(file("b", b"two" * 100_000)), Cmd=["/a"])
    return ScriptedRegistry(made, login=LOGIN)


class Puller:
    """Pulls as `reader`, by a policy."""

    def __init__(
        self, folder: Path, authority: Issued, nameservers: tuple[str, ...] | None = None
    ) -> None:
        self._layers = LayerStore(folder / "layers")
        self._wire = SocketWire(None, nameservers, authority.certificate)

    def close(self) -> None:
        """Let its threads end."""
        self._wire.close()
        self._layers.close()

    async def __call__(self, policy: RegistryPolicy, host: str = NAME) -> PulledImage:
        """Fetch the image."""
        return await pull(
            Reference.parse(f"{host}/a/b:latest"),
            policy,
            Keyring(((host, Login(*LOGIN)),)),
            wire=self._wire,
            layers=self._layers,
            platform=Platform("linux", "amd64"),
            progress=NoProgress(),
        )

    async def failure(self, proxy: str) -> str:
        """How it ends through a proxy through which it cannot be had."""
        with pytest.raises(PullFailed) as caught:
            await self(RegistryPolicy(proxies=Proxies(https=proxy)))
        text = str(caught.value)
        head = f'failed to do request: Head "https://{NAME}/v2/a/b/manifests/latest": '
        assert head in text
        return text.partition(head)[2]


@pytest.fixture
def puller(tmp_path: Path, authority: Issued) -> Iterator[Puller]:
    """A puller with an empty store."""
    made = Puller(tmp_path, authority)
    yield made
    made.close()


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_an_image_comes_over_tls_through_a_proxy(
    puller: Puller, registry: ScriptedRegistry, authority: Issued, tmp_path: Path, scheme: str
) -> None:
    """The proxy sees host and port, its own login, and not a letter of what is said to the registry.

    A proxy with a certificate of its own has TLS spoken to it as well.
    """
    certificate = issue(tmp_path, Wish((NAME,)), authority)
    own = server_context(issue(tmp_path, Wish(("127.0.0.1",)), authority))
    context = own if scheme == "https" else None
    async with scripted(registry, certificate) as served:
        places, login = {NAME: served.address}, ("me", "s@cret")
        served.address = NAME  # where its token server is
        async with proxying(RealProxy(places, login), context) as proxy:
            proxies = Proxies(https=f"{scheme}://me:s%40cret@{proxy.address}")
            pulled = await puller(RegistryPolicy(proxies=proxies))

    steps = pulled.attempts[-1].steps
    assert pulled.config.command == ("/a",)
    assert set(proxy.asked) == {f"CONNECT {NAME}:443"}
    assert all("\r\nAuthorization" not in head for head in proxy.heads)
    assert not any("me:" in step.target or "cret" in repr(step) for step in steps)
    assert (StepKind.REQUEST, f"CONNECT {NAME}:443", "ok") in {
        (step.kind, step.target, step.outcome) for step in steps
    }


async def test_an_image_comes_over_plain_http_through_a_proxy(
    puller: Puller, registry: ScriptedRegistry
) -> None:
    """The proxy is told the whole URL, and its own login goes no further."""
    async with scripted(registry) as served:
        places = {NAME: served.address}
        served.address = NAME
        async with proxying(RealProxy(places, ("me", "secret"))) as proxy:
            proxies = Proxies(http=f"http://me:secret@{proxy.address}")
            plain = RegistryPolicy(plain_http=AddressList.parse("all"), proxies=proxies)
            pulled = await puller(plain)

    assert pulled.config.command == ("/a",)
    assert f"HEAD http://{NAME}/v2/a/b/manifests/latest" in proxy.asked
    assert len(proxy.asked) == len(registry.seen)


async def test_who_is_excepted_is_reached_directly(
    puller: Puller, registry: ScriptedRegistry
) -> None:
    """So is this machine, whatever the variables say."""
    async with scripted(registry) as served:
        proxies = Proxies(https="http://nobody.test:1", http="http://nobody.test:1")
        plain = RegistryPolicy(plain_http=AddressList.parse("all"), proxies=proxies)
        pulled = await puller(plain, served.address)

    assert pulled.config.command == ("/a",)


async def test_an_untrusted_certificate_behind_a_proxy_is_the_registrys(
    puller: Puller, registry: ScriptedRegistry, tmp_path: Path
) -> None:
    """It is looked at a second time, the same way."""
    expired = issue(tmp_path, Wish((NAME,), expired=True))
    async with (
        scripted(registry, expired) as served,
        proxying(RealProxy({NAME: served.address})) as proxy,
    ):
        text = await puller.failure(f"http://{proxy.address}")

    assert text.startswith(
        "tls: failed to verify certificate: x509: certificate has expired or is not yet valid"
    )
    assert len(proxy.asked) == 2


@pytest.mark.parametrize(
    ("login", "text"),
    [
        pytest.param(("me", "other"), "Proxy Authentication Required", id="login"),
        pytest.param(None, "Bad Gateway", id="nowhere"),
    ],
)
async def test_a_proxys_no_is_told_as_go_tells_it(
    puller: Puller, login: tuple[str, str] | None, text: str
) -> None:
    """The bare words of its status."""
    async with proxying(RealProxy({}, login)) as proxy:
        assert await puller.failure(f"http://me:secret@{proxy.address}") == text


async def test_a_proxy_that_fails_is_told_as_go_tells_it(puller: Puller) -> None:
    """Before it is reached the words name the proxy, afterwards they do not."""
    async with listener(hanging_up) as closing, listener(saying(b"220 smtp ready\r\n")) as mail:
        hung_up = await puller.failure(f"http://{closing}")
        nonsense = await puller.failure(f"http://{mail}")
        not_tls = await puller.failure(f"https://{mail}")

    assert hung_up == "EOF"
    assert nonsense.endswith('malformed HTTP response "220 smtp ready"')
    assert not_tls == "proxyconnect tcp: tls: first record does not look like a TLS handshake"
    refused = await puller.failure("http://127.0.0.1:1")
    assert refused == "proxyconnect tcp: dial tcp 127.0.0.1:1: connect: connection refused"
    assert await puller.failure("socks5://127.0.0.1:1") == "proxyconnect tcp: invalid proxy address"


async def test_a_proxys_name_that_nobody_knows_is_told_with_who_was_asked(
    tmp_path: Path, authority: Issued
) -> None:
    """It is looked up as the registry's would be."""
    async with name_server(answering()) as (host, port):
        puller = Puller(tmp_path, authority, (f"{host}:{port}",))
        text = await puller.failure("http://proxy.nowhere:3128")
        puller.close()

    where = f"lookup proxy.nowhere on {host}:{port}"
    assert text == f"proxyconnect tcp: dial tcp: {where}: no such host"
