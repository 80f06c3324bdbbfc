"""An image is pulled over real sockets; every way to fail has containerd's words.

The registries are scripted ones in this process, so that each fault can be had on demand.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from tests.certificates import Wish, issue
from tests.images import MadeImage, busybox_tar, file, image, index, tar
from tests.registries import ScriptedRegistry, scripted

from towline.content.layers import LayerStore
from towline.linux.wire import SocketWire
from towline.oci import media_type
from towline.oci.digest import Digest
from towline.oci.platform import Platform
from towline.oci.reference import Reference
from towline.pull.attempt import PullFailed, StepKind
from towline.pull.flow import PulledImage, pull
from towline.pull.keyring import Keyring, Login
from towline.pull.policy import AddressList, Pins, RegistryPolicy
from towline.pull.progress import NoProgress

AMD64 = Platform("linux", "amd64")
ALL_HTTP = RegistryPolicy(plain_http=AddressList(frozenset({"all"})))
ALL_UNVERIFIED = RegistryPolicy(unverified=AddressList(frozenset({"all"})))
DENIED = (
    "pull access denied, repository does not exist or may require authorization: "
    "server message: insufficient_scope: authorization failed"
)


class Puller:
    """Everything a pull needs but the reference."""

    def __init__(self, layers: LayerStore) -> None:
        self.layers = layers
        self.wire = SocketWire(dial_timeout=2)
        self.policy = ALL_HTTP
        self.keyring = Keyring()

    async def __call__(self, reference: str, **changes: object) -> PulledImage:
        """Pull, with these attributes changed first."""
        for name, value in changes.items():
            setattr(self, name, value)
        return await pull(
            Reference.parse(reference),
            self.policy,
            self.keyring,
            wire=self.wire,
            layers=self.layers,
            platform=AMD64,
            progress=NoProgress(),
        )


@pytest.fixture
def puller(tmp_path: Path) -> Iterator[Puller]:
    """A puller with an empty store."""
    layers = LayerStore(tmp_path / "layers")
    made = Puller(layers)
    yield made
    made.wire.close()
    layers.close()


@pytest.fixture(scope="module")
def small() -> MadeImage:
    """An image of two small layers."""
    return image(tar(file("a", b"one")), tar(file("b", b"two" * 1000)), Cmd=["/a"])


async def failure(pulled: Awaitable[PulledImage]) -> str:
    """The text with which a pull fails."""
    with pytest.raises(PullFailed) as caught:
        await pulled
    return str(caught.value)


def told(reference: str, text: str, code: str = "Unknown") -> str:
    """The whole text around the interesting part."""
    desc = f'failed to pull and unpack image "{reference}": {text}'
    return f"rpc error: code = {code} desc = {desc}"


def resolving(reference: str, text: str, code: str = "Unknown") -> str:
    """The whole text of a reference that could not be resolved."""
    return told(reference, f'failed to resolve reference "{reference}": {text}', code)


async def test_an_image_is_pulled_with_its_config_and_layers(
    puller: Puller, small: MadeImage
) -> None:
    """The layers are there, the size is the sum, the questions are containerd's."""
    async with scripted(ScriptedRegistry(small)) as registry:
        pulled = await puller(f"{registry.address}/team/app")

    assert pulled.digest == small.digest
    assert pulled.config.command == ("/a",)
    assert pulled.diff_ids == small.diff_ids
    assert all(puller.layers.has(diff_id) for diff_id in small.diff_ids)
    assert pulled.size == len(small.manifest) + sum(map(len, small.blobs.values()))
    assert registry.seen[:3] == [
        "HEAD /v2/team/app/manifests/latest",
        f"GET /v2/team/app/manifests/{small.digest}",
        f"GET /v2/team/app/blobs/{small.config}",
    ]


async def test_a_layer_that_is_here_is_not_fetched_again(puller: Puller, small: MadeImage) -> None:
    """The second pull asks for manifest and config only."""
    async with scripted(ScriptedRegistry(small)) as registry:
        await puller(f"{registry.address}/team/app")
        registry.seen.clear()
        await puller(f"{registry.address}/team/app")

    assert not [seen for seen in registry.seen if str(small.layers[0]) in seen]


async def test_an_attempt_records_every_step(puller: Puller, small: MadeImage) -> None:
    """Dial, requests and layers, with their outcomes and in order."""
    async with scripted(ScriptedRegistry(small)) as registry:
        pulled = await puller(f"{registry.address}/a")

    steps = pulled.attempts[-1].steps
    kinds = [step.kind for step in steps]
    assert kinds[:3] == [StepKind.RESOLVE, StepKind.DIAL, StepKind.REQUEST]
    assert kinds.count(StepKind.LAYER) == 2
    assert {step.outcome for step in steps} == {"ok"}


async def test_the_manifest_for_the_platform_is_taken_from_an_index(puller: Puller) -> None:
    """And the image's digest is the index's, as containerd reports it."""
    mine, other = image(tar(file("mine"))), image(tar(file("other")))
    listed = index((other, "linux/s390x"), (mine, "linux/amd64"))
    extra = {"multi": (listed, media_type.OCI_INDEX)}
    extra[str(Digest.of(listed))] = extra["multi"]
    async with scripted(ScriptedRegistry(mine, extra)) as registry:
        pulled = await puller(f"{registry.address}/a:multi")

    assert pulled.digest == Digest.of(listed)
    assert pulled.diff_ids == mine.diff_ids


async def test_an_index_without_our_platform_says_so(puller: Puller, small: MadeImage) -> None:
    """Code NotFound, as for anything that is not there."""
    listed = index((small, "linux/s390x"))
    extra = {"multi": (listed, media_type.OCI_INDEX)}
    extra[str(Digest.of(listed))] = extra["multi"]
    async with scripted(ScriptedRegistry(small, extra)) as registry:
        text = await failure(puller(f"{registry.address}/a:multi"))

    wanted = "no match for platform in manifest: not found"
    assert text == told(f"{registry.address}/a:multi", wanted, "NotFound")


async def test_a_wrong_tag_is_not_found(puller: Puller, small: MadeImage) -> None:
    """The seed's third error."""
    async with scripted(ScriptedRegistry(small)) as registry:
        text = await failure(puller(f"{registry.address}/a:late-st"))

    reference = f"{registry.address}/a:late-st"
    assert text == resolving(reference, f"{reference}: not found", "NotFound")


async def test_a_private_image_needs_a_login(puller: Puller, small: MadeImage) -> None:
    """Without one, and with a wrong one, the words are the same; with the right one it works."""
    async with scripted(ScriptedRegistry(small, login=("robot", "secret"))) as registry:
        reference, host = f"{registry.address}/a:latest", registry.address
        wrong, right = Login("robot", "wrong"), Login("robot", "secret")

        assert await failure(puller(reference)) == resolving(reference, DENIED)
        bad = Keyring(((host, wrong),))
        assert await failure(puller(reference, keyring=bad)) == resolving(reference, DENIED)
        await puller(reference, keyring=Keyring(((host, wrong), (f"{host}/a", right))))
        await puller(reference, keyring=Keyring(((host, right), (f"{host}/a", wrong))))


async def test_a_password_goes_by_post_first_and_by_get_when_that_fails(
    puller: Puller, small: MadeImage
) -> None:
    """Some token servers know no POST: containerd falls back on 400, 401, 404 and 405."""
    registry = ScriptedRegistry(small, login=("robot", "secret"))

    async def no_post(_: web.Request) -> web.Response:
        return web.Response(status=405)

    registry.overrides = {"POST /token": no_post}
    async with scripted(registry):
        keyring = Keyring(((registry.address, Login("robot", "secret")),))
        await puller(f"{registry.address}/a", keyring=keyring)

    scope = "scope=repository%3Aa%3Apull&service=scripted"
    assert registry.seen[1:3] == ["POST /token", f"GET /token?{scope}"]


async def test_a_token_server_that_refuses_is_named(puller: Puller, small: MadeImage) -> None:
    """With a login it is an oauth token, without one an anonymous token."""
    registry = ScriptedRegistry(small, login=("robot", "secret"))
    registry.overrides = {"POST /token": refusing(401), "GET /token": refusing(401)}
    async with scripted(registry):
        reference = f"{registry.address}/a:latest"
        keyring = Keyring(((registry.address, Login("robot", "secret")),))
        query = "scope=repository%3Aa%3Apull&service=scripted"
        status = f"unexpected status from GET request to http://{registry.address}/token?{query}"

        anonymous = await failure(puller(reference))
        known = await failure(puller(reference, keyring=keyring))

    where = "failed to authorize: failed to fetch"
    assert anonymous == resolving(reference, f"{where} anonymous token: {status}: 401 Unauthorized")
    assert known == resolving(reference, f"{where} oauth token: {status}: 401 Unauthorized")


def refusing(status: int, body: str = "") -> Callable[[web.Request], Awaitable[web.Response]]:
    """A handler that always answers this."""

    async def handler(_: web.Request) -> web.Response:
        return web.Response(status=status, text=body)

    return handler


@pytest.mark.parametrize("status", ["403 Forbidden", "500 Internal Server Error"])
async def test_another_status_is_printed_as_it_is(
    puller: Puller, small: MadeImage, status: str
) -> None:
    """With the method and the URL."""
    registry = ScriptedRegistry(small, overrides={"HEAD /latest": refusing(int(status[:3]))})
    async with scripted(registry):
        reference = f"{registry.address}/a:latest"
        text = await failure(puller(reference))

    url = f"http://{registry.address}/v2/a/manifests/latest"
    assert text == resolving(reference, f"unexpected status from HEAD request to {url}: {status}")


async def test_too_many_requests_are_repeated_five_times(puller: Puller, small: MadeImage) -> None:
    """Then the status is the answer."""
    async with scripted(
        ScriptedRegistry(small, overrides={"HEAD /latest": refusing(429)})
    ) as registry:
        text = await failure(puller(f"{registry.address}/a"))

    assert text.endswith(": 429 Too Many Requests")
    assert len(registry.seen) == 6


async def test_a_registry_without_head_is_asked_by_get(puller: Puller, small: MadeImage) -> None:
    """405 on HEAD becomes GET, and its answer says what HEAD would have said."""
    registry = ScriptedRegistry(small, overrides={"HEAD /latest": refusing(405)})
    async with scripted(registry):
        pulled = await puller(f"{registry.address}/a")

    assert pulled.digest == small.digest


async def test_a_registry_that_sends_no_digest_is_asked_for_the_manifest(
    puller: Puller, small: MadeImage
) -> None:
    """The digest is then computed from what it sends."""

    async def bare(_: web.Request) -> web.Response:
        return web.Response(body=small.manifest, content_type=small.media_type)

    overrides = {"HEAD /latest": bare, "GET /latest": bare}
    async with scripted(ScriptedRegistry(small, overrides=overrides)) as registry:
        pulled = await puller(f"{registry.address}/a")

    assert pulled.digest == small.digest


async def test_http_on_a_tls_port_is_recognised(puller: Puller, small: MadeImage) -> None:
    """The seed's second external error, and its cure."""
    async with scripted(ScriptedRegistry(small)) as registry:
        reference = f"{registry.address}/a:latest"
        text = await failure(puller(reference, policy=RegistryPolicy()))
        address = AddressList.parse(f" other:1 , {registry.address} ")
        await puller(reference, policy=RegistryPolicy(plain_http=address))

    url = f"https://{registry.address}/v2/a/manifests/latest"
    wanted = "http: server gave HTTP response to HTTPS client"
    assert text == resolving(reference, f'failed to do request: Head "{url}": {wanted}')


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        (Wish(("127.0.0.1",)), "certificate signed by unknown authority"),
        (Wish(("10.0.0.1",)), "certificate is valid for 10.0.0.1, not 127.0.0.1"),
        (
            Wish(("example.com",)),
            "cannot validate certificate for 127.0.0.1 because it doesn't contain any IP SANs",
        ),
        (Wish(("127.0.0.1",), expired=True), "certificate has expired or is not yet valid: "),
    ],
    ids=["self-signed", "wrong-address", "no-address", "expired"],
)
async def test_a_bad_certificate_is_judged_as_go_judges_it(
    puller: Puller, small: MadeImage, tmp_path: Path, wish: Wish, said: str
) -> None:
    """And `registry-insecure-skip-verify` accepts each of them."""
    async with scripted(ScriptedRegistry(small), issue(tmp_path, wish)) as registry:
        reference = f"{registry.address}/a:latest"
        text = await failure(puller(reference, policy=RegistryPolicy()))
        host_only = RegistryPolicy(unverified=AddressList.parse("127.0.0.1"))
        still = await failure(puller(reference, policy=host_only))
        await puller(reference, policy=ALL_UNVERIFIED)

    url = f"https://{registry.address}/v2/a/manifests/latest"
    head = resolving(reference, f'failed to do request: Head "{url}": ')
    assert text.startswith(f"{head}tls: failed to verify certificate: x509: {said}")
    assert still.split("current time")[0] == text.split("current time")[0]


async def test_a_pinned_certificate_is_believed_and_no_other(
    puller: Puller, small: MadeImage, tmp_path: Path
) -> None:
    """It needs no authority and no right name; another certificate is refused, whoever signed it."""
    shown = issue(tmp_path, Wish(("10.0.0.1",), expired=True))
    certificate = x509.load_pem_x509_certificate(shown.certificate.read_bytes())
    sha256 = certificate.fingerprint(SHA256()).hex()
    async with scripted(ScriptedRegistry(small), shown) as registry:
        reference = f"{registry.address}/a:latest"
        pinned = Pins.parse(f"{registry.address}={sha256}")
        await puller(reference, policy=RegistryPolicy(pins=pinned))
        other = Pins.parse(f"{registry.address}={'0' * 64}")
        text = await failure(puller(reference, policy=replace(ALL_UNVERIFIED, pins=other)))

    assert "x509: certificate of 127.0.0.1:" in text
    assert f"is not the pinned one: SHA-256 {sha256} instead of {'0' * 64}" in text


async def test_a_certificate_of_the_installation_is_trusted(
    puller: Puller, small: MadeImage, tmp_path: Path
) -> None:
    """The installation's own authority comes on top of the machine's."""
    authority = issue(tmp_path, Wish(common_name="Authority", authority=True))
    server = issue(tmp_path, Wish(("127.0.0.1",)), authority)
    async with scripted(ScriptedRegistry(small), server) as registry:
        strange = await failure(puller(f"{registry.address}/a", policy=RegistryPolicy()))
        puller.wire.close()
        wire = SocketWire(ca_file=authority.certificate)
        await puller(f"{registry.address}/a", policy=RegistryPolicy(), wire=wire)

    assert "x509: certificate signed by unknown authority" in strange


async def test_a_port_where_nobody_listens_refuses(puller: Puller) -> None:
    """Port 1 of the loopback is nobody's."""
    text = await failure(puller("127.0.0.1:1/a:latest", policy=RegistryPolicy()))

    url = "https://127.0.0.1:1/v2/a/manifests/latest"
    refused = "dial tcp 127.0.0.1:1: connect: connection refused"
    assert text == resolving(
        "127.0.0.1:1/a:latest", f'failed to do request: Head "{url}": {refused}'
    )


async def test_a_missing_layer_is_named(puller: Puller, small: MadeImage) -> None:
    """By digest and media type; the code is NotFound."""
    lost = small.layers[1]
    overrides = {f"GET /{lost}": refusing(404)}
    async with scripted(ScriptedRegistry(small, overrides=overrides)) as registry:
        reference = f"{registry.address}/a:latest"
        text = await failure(puller(reference))

    what = f"could not fetch content descriptor {lost} ({media_type.OCI_LAYER_GZIP}) from remote"
    opened = "failed to copy: httpReadSeeker: failed open: "
    assert text == told(reference, f"{opened}{what}: not found", "NotFound")


async def test_a_forbidden_layer_shows_the_registrys_own_words(
    puller: Puller, small: MadeImage
) -> None:
    """The JSON of the answer reaches the reader."""
    body = '{"errors":[{"code":"DENIED","message":"not today"}]}'
    overrides = {f"GET /{small.layers[0]}": refusing(403, body)}
    async with scripted(ScriptedRegistry(small, overrides=overrides)) as registry:
        reference = f"{registry.address}/a:latest"
        text = await failure(puller(reference))

    url = f"http://{registry.address}/v2/a/blobs/{small.layers[0]}"
    message = f"unexpected status code {url}: 403 Forbidden - Server message: denied: not today"
    assert text == told(reference, f"failed to copy: httpReadSeeker: failed open: {message}")


async def test_a_blob_may_be_somewhere_else(puller: Puller, small: MadeImage) -> None:
    """A redirect is followed, and what opens the registry stays behind."""
    keys = list[str]()

    async def elsewhere(request: web.Request) -> web.Response:
        keys.append(request.headers.get("Authorization", ""))
        return web.Response(body=small.blobs[small.layers[0]])

    bucket = ScriptedRegistry(small, overrides={"GET /bucket": elsewhere})
    registry = ScriptedRegistry(small, login=("u", "p"))

    async def moved(_: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": f"http://{bucket.address}/bucket"})

    registry.overrides = {f"GET /{small.layers[0]}": moved}
    async with scripted(bucket), scripted(registry):
        keyring = Keyring(((registry.address, Login("u", "p")),))
        await puller(f"{registry.address}/a", keyring=keyring)

    assert keys == [""]


async def test_a_real_program_survives_the_way(puller: Puller) -> None:
    """Busybox in zstd, byte for byte."""
    made = image(busybox_tar(), layer_type=media_type.OCI_LAYER_ZSTD)
    async with scripted(ScriptedRegistry(made)) as registry:
        pulled = await puller(f"{registry.address}/busybox")

    content = puller.layers.path(pulled.diff_ids[0]).read_bytes()
    assert busybox_tar() in content
