"""A probe before our own registry: nothing is wrong where nothing is wrong, and a fault is named."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest
from tests.images import file, image, tar, write_layout
from tests.registry_role import SECRET, USER, RegistryRole, serving

from towline.cli.app import build, run
from towline.cli.command_table import CLIENT_COMMANDS
from towline.diagnosis.diagnose import diagnose
from towline.diagnosis.facts import Facts
from towline.diagnosis.observation import Observations
from towline.oci.platform import Platform
from towline.probe.here import this_machine
from towline.probe.probe import probe
from towline.probe.target import Target
from towline.pull.keyring import Keyring, Login
from towline.pull.policy import AddressList, RegistryPolicy

KEY, WRONG = Login(USER, SECRET), Login(USER, "not-the-secret")
PLAIN = RegistryPolicy(plain_http=AddressList.parse("all"))

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def role(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryRole]:
    """A registry with a private and a public namespace, and an image in each."""
    folder = tmp_path_factory.mktemp("probed")
    write_layout(folder / "layout", image(tar(file("hello", b"world"))), "1")
    with serving(folder / "data", "team", "open", public=["open"]) as held:
        for namespace in ("team", "open"):
            there = f"127.0.0.1:{held.port}/{namespace}/app:1.0"
            push = ["push", str(folder / "layout"), there, "-u", USER, "-p", SECRET]
            assert run(build(CLIENT_COMMANDS), push) == 0
        yield held


def look(role: RegistryRole, image: str, login: Login | None) -> Observations:
    """Probe an image of it."""
    host = f"127.0.0.1:{role.port}"
    keyring = Keyring(((host, login),) if login else ())
    target = Target(f"{host}/{image}", Platform("linux", "amd64"), keyring, PLAIN)
    return asyncio.run(probe(target, this_machine({}, time.time)))


@pytest.mark.parametrize(
    ("image", "login", "code"),
    [
        pytest.param("team/app:1.0", KEY, "", id="private"),
        pytest.param("open/app:1.0", None, "", id="public"),
        pytest.param("team/app:1.0", WRONG, "auth.wrong-credential", id="wrong-key"),
        pytest.param("team/app:1.0", None, "auth.missing-credential", id="no-key"),
        pytest.param("team/app:1.1", KEY, "manifest.tag-unknown", id="no-such-tag"),
        pytest.param("team/ap:1.0", KEY, "manifest.name-unknown", id="no-such-repository"),
    ],
)
def test_our_own_registry_is_seen_as_it_is(
    role: RegistryRole, image: str, login: Login | None, code: str
) -> None:
    """Without the help of its records."""
    seen = look(role, image, login)
    verdict = diagnose(Facts(image=seen.image, seen=seen))

    assert (verdict.code if verdict else "") == code
    assert seen.complete
    assert seen.requests <= 12
    assert SECRET not in repr(seen)
