"""containerd itself, asked the same of the same registries, says what we say.

Debian's containerd 1.6 is run with folders of its own, and asked by `ctr`. What differs from 1.7
asked by the kubelet is made equal first: Go 1.20 put `tls: failed to verify certificate: ` before
certificate errors, 1.7 names method and URL of unexpected statuses; and `ctr`, which is a client
of the daemon, says `commit failed: ` and the digest of an index where the kubelet's plugin does not.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web
from tests.certificates import Wish, issue
from tests.images import file, image, index, tar
from tests.registries import ScriptedRegistry, scripted

from towline.content.layers import LayerStore
from towline.linux.wire import SocketWire
from towline.oci import media_type
from towline.oci.digest import Digest
from towline.oci.platform import Platform
from towline.oci.reference import Reference
from towline.pull.attempt import PullFailed
from towline.pull.flow import pull
from towline.pull.keyring import Keyring, Login
from towline.pull.policy import RegistryPolicy
from towline.pull.progress import NoProgress

pytestmark = [
    pytest.mark.root,
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("containerd") is None, reason="needs Debian's containerd"),
]


def own_address() -> str:
    """An address of this machine that is not its loopback, which containerd treats differently."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("192.0.2.1", 9))  # sends nothing
        address: str = sock.getsockname()[0]
        return address


@pytest.fixture(scope="module")
def containerd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A containerd without its Kubernetes plugin; its socket."""
    folder = tmp_path_factory.mktemp("containerd")
    config = folder / "config.toml"
    config.write_text(
        f'version = 2\nroot = "{folder}/root"\nstate = "{folder}/state"\n'
        'disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]\n'
        f'[grpc]\naddress = "{folder}/sock"\n[ttrpc]\naddress = "{folder}/sock.ttrpc"\n'
    )
    with (folder / "log").open("wb") as log:
        command = ["containerd", "-c", str(config)]
        daemon = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while not (folder / "sock").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        try:
            yield folder / "sock"
        finally:
            daemon.terminate()
            daemon.wait()


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def answering(status: int, content: bytes = b"") -> Handler:
    """Always this."""

    async def handler(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=content)

    return handler


@dataclass(frozen=True, slots=True)
class Case:
    """A registry's fault, and how it is pulled from."""

    name: str
    tag: str = "latest"
    private: bool = False
    login: Login | None = None
    certificate: Wish | None = None
    nobody: bool = False
    token: Mapping[str, Handler] = field(default_factory=dict)
    second_layer: Callable[[bytes], Handler] | None = None

    def registry(self) -> ScriptedRegistry:
        """Made anew, with an image of its own: containerd keeps what it has seen of a layer."""
        name = self.name.encode()
        made = image(tar(file("a", name * 100)), tar(file("b", name * 200)))
        listed = index((made, "linux/s390x"))
        foreign = (listed, media_type.OCI_INDEX)
        overrides = dict(self.token)
        if self.second_layer is not None:
            lost = made.layers[1]
            overrides[f"GET /{lost}"] = self.second_layer(made.blobs[lost])
        return ScriptedRegistry(
            made,
            {"foreign": foreign, str(Digest.of(listed)): foreign},
            overrides,
            login=("robot", "secret") if self.private else None,
        )


ROBOT = Login("robot", "secret")
CASES = [
    Case("no-such-tag", tag="late-st"),
    Case("no-login", private=True),
    Case("wrong-password", private=True, login=Login("robot", "wrong")),
    Case("token-refused", private=True, token={"GET /token": answering(401)}),
    Case("token-fails", private=True, login=ROBOT, token={"POST /token": answering(500)}),
    Case("no-token", private=True, token={"GET /token": answering(200, b"{}")}),
    Case("token-is-html", private=True, token={"GET /token": answering(200, b"<html>")}),
    Case("token-is-empty", private=True, token={"GET /token": answering(200)}),
    Case("self-signed", certificate=Wish((own_address(),))),
    Case("other-address", certificate=Wish(("10.1.1.1",))),
    Case("no-address-names", certificate=Wish(("h.io",))),
    Case("refused", nobody=True),
    Case("no-platform", tag="foreign"),
    Case("layer-missing", second_layer=lambda _: answering(404)),
    Case("layer-forbidden", second_layer=lambda _: answering(403)),
    Case("layer-other", second_layer=lambda content: answering(200, content[::-1])),
    # A layer that ends early is not here: which of two of its errors containerd tells is a race.
    Case("layer-long", second_layer=lambda content: answering(200, content + b"!")),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_we_say_what_containerd_says(case: Case, containerd: Path, tmp_path: Path) -> None:
    """After its `ctr: ` and our `failed to pull and unpack image "…": `."""
    certificate = issue(tmp_path, case.certificate) if case.certificate else None
    async with scripted(case.registry(), certificate, own_address()) as registry:
        address = f"{own_address()}:1" if case.nobody else registry.address
        reference = f"{address}/team/app:{case.tag}"
        plain = certificate is None and not case.nobody
        theirs = await _containerd_says(containerd, reference, case.login, plain=plain)
        ours = await _we_say(tmp_path, reference, case.login, plain=plain)

    assert ours == theirs


async def _containerd_says(
    containerd: Path, reference: str, login: Login | None, *, plain: bool
) -> str:
    command = ["ctr", "-a", str(containerd), "images", "pull", "--snapshotter", "native"]
    command += ["--plain-http"] if plain else []
    command += ["--user", f"{login.username}:{login.password}"] if login else []
    process = await asyncio.create_subprocess_exec(
        *command, reference, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    _, errors = await process.communicate()
    text = errors.decode().partition("ctr: ")[2].strip()
    text = text.replace(": x509: ", ": tls: failed to verify certificate: x509: ")
    text = re.sub(r"(platform in manifest) sha256:[0-9a-f]{64}", r"\1", text)
    return text.replace(": commit failed: ", ": ")


async def _we_say(tmp_path: Path, reference: str, login: Login | None, *, plain: bool) -> str:
    layers, wire = LayerStore(tmp_path / "layers"), SocketWire()
    host = reference.partition("/")[0]
    annotations = {"eks.tke.cloud.tencent.com/registry-http-endpoint": "all"} if plain else {}
    try:
        with pytest.raises(PullFailed) as caught:
            await pull(
                Reference.parse(reference),
                RegistryPolicy.from_annotations(annotations),
                Keyring(((host, login),) if login else ()),
                wire=wire,
                layers=layers,
                platform=Platform("linux", "amd64"),
                progress=NoProgress(),
            )
    finally:
        wire.close()
        layers.close()
    text = re.sub(
        r"^rpc error: .*?failed to pull and unpack image \"[^\"]*\": ", "", str(caught.value)
    )
    return re.sub(r"unexpected status from \w+ request to [^ ]+: ", "unexpected status: ", text)
