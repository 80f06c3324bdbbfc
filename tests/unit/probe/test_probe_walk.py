"""A probe of a whole image: through the token server to the last layer, with few requests and
without telling anybody's secret.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.serialization import Encoding
from tests import images
from tests.certificates import Issued, Wish, issue
from tests.faulty_servers import listener, silent
from tests.registries import Handler, ScriptedRegistry, docker_registry, scripted

from towline.diagnosis.observation import HttpOutcome, LayerProblem, Observations
from towline.oci.digest import Digest
from towline.oci.media_type import OCI_INDEX
from towline.oci.platform import Platform
from towline.probe.here import OwnSockets, this_machine
from towline.probe.manifest import near_misses
from towline.probe.probe import probe
from towline.probe.target import Target
from towline.probe.vantage import Patience, Resolver, Vantage
from towline.pull.keyring import Keyring, Login
from towline.pull.policy import AddressList, Pins, RegistryPolicy

LOGIN = Login("robot", "correct-horse-battery")
WRONG = Login("robot", "battery-staple-horse")
MACHINE = Platform("linux", "amd64")
PLAIN = RegistryPolicy(plain_http=AddressList.parse("all"))
MADE = images.image(images.tar(images.file("hello", b"world")), images.tar(images.file("b")))


@dataclass(frozen=True, slots=True)
class Look:
    """How somebody looks."""

    login: Login | None = None
    policy: RegistryPolicy = PLAIN
    ca_file: Path | None = None
    platform: Platform = MACHINE
    patience: Patience = field(default_factory=Patience)
    store: Path | None = None


async def look(
    address: str, image: str = "team/app:latest", how: Look | None = None
) -> Observations:
    """Probe an image of a registry on the loopback."""
    how = how or Look()
    keyring = Keyring(((address, how.login),) if how.login else ())
    target = Target(f"{address}/{image}", how.platform, keyring, how.policy)
    eyes = Vantage(
        "here",
        OwnSockets(),
        Resolver(),
        time.time,
        how.ca_file,
        store=how.store,
        patience=how.patience,
    )
    return await probe(target, eyes)


def registry(overrides: Mapping[str, Handler] | None = None, **more: object) -> ScriptedRegistry:
    """A registry that knows `/v2/`."""

    async def ping(_: web.Request) -> web.Response:
        return web.json_response({}, headers={"Docker-Distribution-Api-Version": "registry/2.0"})

    made = ScriptedRegistry(MADE, overrides={"GET /v2/": ping, **(overrides or {})})
    for name, value in more.items():
        setattr(made, name, value)
    return made


@pytest.fixture
def authority(tmp_path: Path) -> Issued:
    """An authority made for the occasion."""
    return issue(tmp_path, Wish(common_name="our authority", authority=True))


async def test_a_good_image_is_seen_to_its_last_layer(tmp_path: Path, authority: Issued) -> None:
    """With few requests, and without a fault."""
    certificate = issue(tmp_path, Wish(("127.0.0.1",)), authority)
    how = Look(policy=RegistryPolicy(), ca_file=authority.certificate, store=tmp_path)
    async with scripted(registry(), certificate) as served:
        seen = await look(served.address, how=how)

    assert seen.complete
    assert seen.config is not None
    assert seen.config.platform == "linux/amd64"
    assert [layer.seen_digest == layer.digest for layer in seen.layers] == [True, True]
    assert [layer.problem for layer in seen.layers] == [None, None]
    assert seen.space is not None
    assert seen.requests <= 12


async def test_a_real_registry_is_seen_the_same_way(tmp_path: Path) -> None:
    """Debian's: the repository does not exist, and its tag list is what says so."""
    with docker_registry(tmp_path) as address:
        seen = await look(address)

    assert seen.ping is not None
    assert seen.ping.header("docker-distribution-api-version") == "registry/2.0"
    assert seen.manifest is not None
    assert seen.manifest.answer.errors[0][0] == "MANIFEST_UNKNOWN"
    assert seen.manifest.tags is not None
    assert seen.manifest.tags.answer.errors[0][0] == "NAME_UNKNOWN"


async def test_a_missing_tag_has_near_ones() -> None:
    """The nearest first."""

    async def tags(_: web.Request) -> web.Response:
        return web.json_response({"name": "team/app", "tags": ["1.0", "1.2.0", "v1.2.1", "latest"]})

    async with scripted(registry({"GET /tags/list": tags})) as served:
        seen = await look(served.address, "team/app:1.2.1")

    assert seen.manifest is not None
    assert seen.manifest.tags is not None
    assert seen.manifest.tags.near[0] == "v1.2.1"


@pytest.mark.parametrize(
    ("tags", "near"),
    [
        (("1",), ("1",)),
        (("1", "latest", "2"), ("latest", "2", "1")),
        (("1", "2", "3", "4"), ()),
        (("1", "2", "3", "latest"), ("latest",)),
    ],
)
def test_a_few_tags_are_all_near(tags: tuple[str, ...], near: tuple[str, ...]) -> None:
    """Of many only those that resemble the one that was asked for."""
    assert near_misses("late-st", tags) == near


@pytest.mark.parametrize(
    ("login", "status", "users"),
    [
        pytest.param(LOGIN, 200, ["robot"], id="right-key"),
        pytest.param(WRONG, 401, ["robot", "robot", None], id="wrong-key"),
    ],
)
async def test_a_refused_key_is_tried_without_a_scope_and_nobody_is_tried_with_it(
    login: Login, status: int, users: list[str | None]
) -> None:
    """Is the key any good, and does the token service work at all?"""
    served = ScriptedRegistry(MADE, login=(LOGIN.username, LOGIN.password))
    async with scripted(served):
        seen = await look(served.address, how=Look(login))

    assert seen.manifest is not None
    assert seen.manifest.answer.status == status
    assert [token.username for token in seen.tokens] == users
    assert all(login.password not in text for text in (repr(seen), *served.seen))


async def test_a_key_is_not_sent_to_a_token_host_without_tls(
    tmp_path: Path, authority: Issued
) -> None:
    """Whatever a registry with TLS says."""
    async with scripted(registry(login=(LOGIN.username, LOGIN.password))) as realm:
        challenge = f'Bearer realm="http://{realm.address}/token",service="x"'

        async def refuse(_: web.Request) -> web.Response:
            return web.Response(status=401, headers={"WWW-Authenticate": challenge})

        certificate = issue(tmp_path, Wish(("127.0.0.1",)), authority)
        closed = {"GET /v2/": refuse, "GET /latest": refuse, "HEAD /latest": refuse}
        how = Look(LOGIN, RegistryPolicy(), authority.certificate)
        async with scripted(registry(closed), certificate) as served:
            seen = await look(served.address, how=how)

    assert seen.tokens[0].withheld
    assert seen.tokens[0].username is None
    assert all("robot" not in asked for asked in realm.seen)


@pytest.mark.parametrize("status", [302, 307])
async def test_a_key_does_not_follow_a_token_host_to_another(status: int) -> None:
    """Neither in a header nor in the form that tokens are asked for with."""
    heard = list[str]()

    async def note(request: web.Request) -> web.Response:
        heard.append(f"{request.method} {request.headers} {await request.text()}")
        return web.Response(status=400)

    async with scripted(registry({"POST /token": note, "GET /token": note})) as other:
        place = f"http://{other.address}/token"

        async def lead(_: web.Request) -> web.Response:
            return web.Response(status=status, headers={"Location": place})

        led = {"POST /token": lead, "GET /token": lead}
        closed = ScriptedRegistry(MADE, login=(LOGIN.username, LOGIN.password), overrides=led)
        async with scripted(closed) as served:
            seen = await look(served.address, how=Look(LOGIN))

    assert heard
    assert all(LOGIN.password not in text for text in (*heard, repr(seen)))
    assert all("Authorization" not in text for text in heard)


async def test_a_key_that_a_server_repeats_is_not_quoted() -> None:
    """Wherever in its answer it stands: the status line, a header, the title of a page."""

    async def repeat(request: web.Request) -> web.Response:
        told = LOGIN.password if LOGIN.password in await request.text() else "nothing"
        page = f"<html><title>{told}</title></html>"
        headers = {"Content-Type": "text/html", "Via": told}
        return web.Response(status=403, reason=told, headers=headers, text=page)

    closed = {"POST /token": repeat, "GET /token": repeat}
    served = ScriptedRegistry(MADE, login=(LOGIN.username, LOGIN.password), overrides=closed)
    async with scripted(served):
        seen = await look(served.address, how=Look(LOGIN))

    assert seen.tokens[0].answer is not None
    assert seen.tokens[0].answer.title == "…"
    assert LOGIN.password not in repr(seen)


async def test_a_layers_other_host_has_a_way_of_its_own() -> None:
    """And gets no credential; nor is what its URL is signed with kept."""
    layer = next(iter(MADE.layers))
    async with scripted(registry()) as store:
        place = f"http://{store.address}/v2/x/blobs/{layer}?signature=hidden"

        async def lead(_: web.Request) -> web.Response:
            return web.Response(status=307, headers={"Location": place})

        async with scripted(registry({f"GET /blobs/{layer}": lead})) as served:
            seen = await look(served.address)

    led = next(one for one in seen.layers if one.digest == str(layer))
    assert led.path is not None
    assert led.path.authority == store.address
    assert led.answer.redirects == (place.partition("?")[0],)
    assert "hidden" not in repr(seen)


async def test_an_index_without_our_platform_says_what_it_has() -> None:
    """Nothing behind it is asked for."""
    index = images.index((MADE, "linux/arm64"), (MADE, "windows/amd64"))
    kept = (index, OCI_INDEX)
    served = registry(extra={"latest": kept, str(Digest.of(index)): kept})
    async with scripted(served):
        seen = await look(served.address)

    assert seen.manifest is not None
    assert [child.platform for child in seen.manifest.children] == ["linux/arm64", "windows/amd64"]
    assert not any(child.fits for child in seen.manifest.children)
    assert seen.image_manifest is None


async def test_a_layer_that_unpacks_to_something_else_is_found() -> None:
    """Its own digest is right."""
    odd = images.image(images.tar(images.file("a")))
    other = images.image(images.tar(images.file("b")))
    config = odd.blobs[odd.config].replace(
        str(odd.diff_ids[0]).encode(), str(other.diff_ids[0]).encode()
    )
    digest = Digest.of(config)
    manifest = odd.manifest.replace(str(odd.config).encode(), str(digest).encode())
    odd.manifest = manifest
    odd.blobs[digest] = config
    async with scripted(registry(made=odd)) as served:
        seen = await look(served.address)

    assert [layer.problem for layer in seen.layers] == [LayerProblem.OTHER_DIFF_ID]


async def test_a_probe_believes_the_pinned_certificate_alone(tmp_path: Path) -> None:
    """Though nobody has signed it."""
    certificate = issue(tmp_path, Wish(("elsewhere.test",)))
    fingerprint = sha256(certificate.x509.public_bytes(Encoding.DER)).hexdigest()
    async with scripted(registry(), certificate) as served:
        right = RegistryPolicy(pins=Pins.parse(f"{served.address}={fingerprint}"))
        wrong = RegistryPolicy(pins=Pins.parse(f"{served.address}={'0' * 64}"))
        believed = await look(served.address, how=Look(policy=right))
        refused = await look(served.address, how=Look(policy=wrong))

    assert believed.complete
    assert believed.config is not None
    assert refused.path is not None
    assert not refused.path.passed


async def test_a_probe_keeps_what_it_has_seen_when_its_time_is_over() -> None:
    """Who only warns has less time than who explains."""
    async with listener(silent) as address:
        seen = await look(address, how=Look(patience=Patience(step=5.0, total=0.3)))

    assert not seen.complete
    assert seen.path is not None
    assert seen.path.passed
    assert seen.ping is None


async def test_what_is_no_reference_needs_no_network() -> None:
    """The parser's words are kept."""
    target = Target("https://reg.test/app", MACHINE, Keyring(), RegistryPolicy())
    seen = await probe(target, this_machine({}, time.time))

    assert seen.invalid == "invalid reference format"
    assert (seen.path, seen.requests) == (None, 0)


async def test_an_answer_that_never_comes_ends_the_probe() -> None:
    """After one step."""
    async with listener(silent) as address:
        seen = await look(address, how=Look(patience=Patience(step=0.4)))

    assert seen.ping is not None
    assert seen.ping.outcome is HttpOutcome.TIMED_OUT
