"""Images go to a real registry and come back the same: Debian's docker-registry, and skopeo as a
second opinion.
"""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.certificates import Wish, issue
from tests.images import MadeImage, directory, file, image, symlink, tar, write_layout
from tests.registries import ScriptedRegistry, docker_registry, put_image, scripted

from towline.client.pull import PullWish, pull_to_folder, pull_to_store
from towline.client.push import PushFailed, PushWish, push_image
from towline.client.registry_access import RegistryAccess, is_loopback, stored_login
from towline.oci.platform import Platform
from towline.oci.reference import Reference
from towline.problem import Problem
from towline.pull.attempt import PullFailed
from towline.pull.keyring import Login
from towline.pull.progress import NoProgress

AMD64 = Platform("linux", "amd64")


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry of its own for this module."""
    with docker_registry(tmp_path_factory.mktemp("registry")) as address:
        yield address


@pytest.fixture(scope="module")
def made() -> MadeImage:
    """Two layers with a link and a whiteout."""
    lower = tar(
        directory("etc"), file("etc/old"), file("run", b"#!", mode=0o755), symlink("l", "/etc")
    )
    upper = tar(directory("etc"), file("etc/.wh.old"), file("etc/new", b"x" * 100_000))
    return image(lower, upper, Cmd=["/run"])


@pytest.fixture
def layout(tmp_path: Path, made: MadeImage) -> Path:
    """The image as an OCI layout folder."""
    write_layout(tmp_path / "layout", made, "v1")
    return tmp_path / "layout"


def names(folder: Path) -> set[str]:
    """What is in a folder."""
    return {path.name for path in folder.iterdir()}


def push_wish(path: Path, reference: str, **changes: object) -> PushWish:
    """A push of this path."""
    access = RegistryAccess(**changes)  # type: ignore[arg-type]  # a test's shorthand
    return PushWish(path, Reference.parse(reference), access)


def pull_wish(reference: str, **changes: object) -> PullWish:
    """A pull of this reference."""
    access = RegistryAccess(**changes)  # type: ignore[arg-type]  # a test's shorthand
    return PullWish(Reference.parse(reference), AMD64, access)


def test_what_is_pushed_is_pulled_again(
    registry: str, layout: Path, made: MadeImage, tmp_path: Path
) -> None:
    """The same digest, the files of both layers, whiteouts applied."""
    name = f"{registry}/team/app:v1"

    pushed = push_image(push_wish(layout, name), NoProgress())
    pulled, files = pull_to_folder(pull_wish(name), tmp_path / "out", NoProgress())

    assert pushed.digest == pulled.digest == made.digest
    assert pushed.uploaded == 3
    assert (tmp_path / "out/etc/new").stat().st_size == 100_000
    assert not (tmp_path / "out/etc/old").exists()
    assert (tmp_path / "out/l").readlink() == Path("/etc")
    assert files.files == 3
    assert [path.name for path in tmp_path.iterdir()] == ["layout", "out"]


def test_a_second_push_sends_nothing(registry: str, layout: Path) -> None:
    """The registry has it, here or in another repository."""
    push_image(push_wish(layout, f"{registry}/twice/app:v1"), NoProgress())

    again = push_image(push_wish(layout, f"{registry}/twice/app:v2"), NoProgress())
    elsewhere = PushWish(
        layout, Reference.parse(f"{registry}/other/app:v1"), RegistryAccess(), ("twice/app",)
    )
    mounted = push_image(elsewhere, NoProgress())

    assert (again.uploaded, again.present) == (0, 3)
    assert (mounted.uploaded, mounted.mounted) == (0, 3)


@pytest.mark.parametrize("kind", ["docker-archive", "oci-archive"])
def test_what_skopeo_saves_can_be_pushed(
    registry: str, made: MadeImage, tmp_path: Path, kind: str
) -> None:
    """And skopeo finds the same files in what we pushed."""
    put_image(registry, f"saved/{kind}", "v1", made)
    saved = tmp_path / "saved.tar"
    copy = ["skopeo", "copy", "-q", "--src-tls-verify=false"]
    subprocess.run(
        [*copy, f"docker://{registry}/saved/{kind}:v1", f"{kind}:{saved}:app:v1"], check=True
    )

    pushed = push_image(push_wish(saved, f"{registry}/back/{kind}:v1"), NoProgress())
    pulled, _ = pull_to_folder(
        pull_wish(f"{registry}/back/{kind}:v1"), tmp_path / "out", NoProgress()
    )

    assert pulled.diff_ids == made.diff_ids
    assert pulled.digest == pushed.digest
    inspected = subprocess.run(
        ["skopeo", "inspect", "--tls-verify=false", f"docker://{registry}/back/{kind}:v1"],
        check=True,
        capture_output=True,
    )
    assert json.loads(inspected.stdout)["Digest"] == str(pushed.digest)


def test_a_pull_without_a_folder_keeps_the_layers(
    registry: str, made: MadeImage, tmp_path: Path
) -> None:
    """The next pull finds them."""
    put_image(registry, "kept/app", "latest", made)

    pull_to_store(pull_wish(f"{registry}/kept/app"), tmp_path / "cache", NoProgress())

    kept = {path.name for path in (tmp_path / "cache" / "sha256").iterdir()}
    assert kept == {diff_id.hex for diff_id in made.diff_ids}


def test_a_failed_pull_leaves_nothing(registry: str, tmp_path: Path) -> None:
    """No folder, nothing beside it."""
    with pytest.raises(PullFailed):
        pull_to_folder(pull_wish(f"{registry}/no/such"), tmp_path / "out", NoProgress())

    assert list(tmp_path.iterdir()) == []


async def test_an_evil_layer_leaves_nothing(tmp_path: Path) -> None:
    """Neither in the folder nor outside of it."""
    evil = image(tar(file("good", b"1")), tar(symlink("out", "/etc"), file("out/towline-was-here")))
    async with scripted(ScriptedRegistry(evil)) as server:
        wish = pull_wish(f"{server.address}/evil", plain_http=True)
        with pytest.raises(PullFailed, match=r"out.* is a symbolic link"):
            await asyncio.to_thread(pull_to_folder, wish, tmp_path / "out", NoProgress())

    assert names(tmp_path) == set()
    assert "towline-was-here" not in names(Path("/etc"))


def test_a_folder_that_is_not_empty_is_left_alone(registry: str, tmp_path: Path) -> None:
    """Before anything is asked."""
    (tmp_path / "mine").write_text("precious")

    with pytest.raises(Problem) as caught:
        pull_to_folder(pull_wish(f"{registry}/a/b"), tmp_path, NoProgress())

    assert caught.value.code == "target-not-empty"


def test_a_tls_registry_is_verified_by_its_authority(
    layout: Path, made: MadeImage, tmp_path: Path
) -> None:
    """Refused without it, unless verification is skipped."""
    certificate = issue(tmp_path, Wish(("127.0.0.1",)))
    with docker_registry(tmp_path, certificate) as address:
        with pytest.raises(PushFailed, match="signed by unknown authority"):
            push_image(push_wish(layout, f"{address}/a/b"), NoProgress())
        push_image(push_wish(layout, f"{address}/a/b", skip_verify=True), NoProgress())
        wish = pull_wish(f"{address}/a/b", ca_file=certificate.certificate)
        pulled, _ = pull_to_folder(wish, tmp_path / "out", NoProgress())

    assert pulled.digest == made.digest


def test_a_path_that_holds_no_image_is_refused(registry: str, tmp_path: Path) -> None:
    """Whatever it is instead."""
    (tmp_path / "text").write_text("not a tar")
    with tarfile.open(tmp_path / "some.tar", "w") as other:
        other.add(tmp_path / "text", "text")
    (tmp_path / "folder").mkdir()

    for name in ("text", "some.tar", "folder"):
        with pytest.raises(Problem) as caught:
            push_image(push_wish(tmp_path / name, f"{registry}/a/b"), NoProgress())
        assert caught.value.code == "not-an-image"


def test_a_layout_with_a_missing_blob_is_refused_before_anything_is_sent(
    registry: str, layout: Path, made: MadeImage
) -> None:
    """The registry would refuse the manifest at the very end."""
    (layout / "blobs" / "sha256" / made.layers[1].hex).unlink()

    with pytest.raises(Problem, match="is missing"):
        push_image(push_wish(layout, f"{registry}/a/b"), NoProgress())


def test_logins_of_docker_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By host, in docker's file and in podman's."""
    pair = base64.b64encode(b"robot:se:cret").decode()
    config = {"auths": {"h.io:5000": {"auth": pair}, "https://index.docker.io/v1/": {"auth": pair}}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.delenv("REGISTRY_AUTH_FILE", raising=False)

    assert stored_login("h.io:5000") == Login("robot", "se:cret")
    assert stored_login("docker.io") == Login("robot", "se:cret")
    assert stored_login("h.io") is None

    (tmp_path / "config.json").write_text("{")
    with pytest.raises(Problem):
        stored_login("h.io")


@pytest.mark.parametrize(
    ("domain", "answer"),
    [
        ("localhost", True), ("localhost:5000", True), ("127.0.0.1:5000", True), ("127.1.2.3", True),
        ("[::1]:5000", True), ("[::1]", True), ("localhost.evil.io", False), ("h.io:127", False),
    ],
)  # fmt: skip
def test_only_our_own_loopback_may_speak_http(domain: str, answer: bool) -> None:
    """By the written name."""
    assert is_loopback(domain) is answer
