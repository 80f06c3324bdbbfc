"""What a sandbox writes down, it can read again: whole, or not at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from towline.cluster.node.provider import ContainerId, Exit, Image, PodIdentity
from towline.linux.process import Process
from towline.oci.digest import Digest
from towline.oci.image_config import ImageConfig
from towline.oci.platform import Platform
from towline.sandbox import record_file
from towline.sandbox.pod_folder import PodFolder, PodFolders
from towline.sandbox.pod_locks import PodLocks
from towline.sandbox.record import ContainerRecord, ImageRecord, PodRecord, StartRecord

IMAGE = Image("r.example/app:latest", "sha256:" + "0" * 64, 7)
CONFIG = ImageConfig(
    Platform("linux", "arm", "v7"), (Digest.of(b"1"), Digest.of(b"2")), ("/a",), (), (("A", "=b"),)
)


@pytest.fixture
def pod(tmp_path: Path) -> PodFolder:
    """The folder of a pod."""
    folder = PodFolders(tmp_path).of("uid-1")
    folder.make()
    return folder


def test_a_pods_records_come_back_as_they_were(pod: PodFolder) -> None:
    """Identity, images and the three of a container."""
    identity = PodIdentity("uid-1", "demo", "web", "subnet-1", "web", {"a/b": "c"})
    number = ContainerId("uid-1", "main", 3)
    process = Process(1, 2, "boot")
    container = pod.container(number)
    container.path.mkdir()
    assert (pod.record, container.record, container.started, container.ended) == (None,) * 4
    pod.keep(PodRecord(identity))
    pod.keep_image(ImageRecord(IMAGE, CONFIG, 1.5))
    container.keep(ContainerRecord(number, IMAGE, 15))
    container.keep(StartRecord(process, process, 2.5))
    container.keep(Exit(137, "OOMKilled", "ü\n", 2.5, 3.5))

    assert pod.record == PodRecord(identity)
    assert pod.image(IMAGE) == ImageRecord(IMAGE, CONFIG, 1.5)
    assert pod.containers() == (container,)
    assert container.record == ContainerRecord(number, IMAGE, 15)
    assert container.started == StartRecord(process, process, 2.5)
    assert container.ended == Exit(137, "OOMKilled", "ü\n", 2.5, 3.5)


def test_the_image_pulled_last_comes_first(pod: PodFolder) -> None:
    """A tag may have moved; both are the pod's."""
    moved = replace(IMAGE, digest="sha256:" + "1" * 64)
    pod.keep_image(ImageRecord(moved, CONFIG, 2.0))
    pod.keep_image(ImageRecord(IMAGE, CONFIG, 1.0))

    assert [record.image for record in pod.images()] == [moved, IMAGE]


def test_a_file_that_was_never_finished_is_not_there(pod: PodFolder) -> None:
    """It lay beside its place when the process was killed."""
    (pod.path / ".pod.json").write_bytes(b'{"identity": {"ui')
    (pod.path / "images" / ".x.json").write_bytes(b"{")

    assert pod.record is None
    assert pod.images() == ()


def test_containers_whose_names_could_be_confused_are_not(pod: PodFolder) -> None:
    """`a-1` for the first time is not `a` for the second."""
    first, second = ContainerId("uid-1", "a-1", 0), ContainerId("uid-1", "a", 1)

    assert pod.container(first).path != pod.container(second).path
    assert pod.container(first).id == str(first)


@pytest.mark.parametrize("uid", ["", ".", "..", "a/b", "/"])
def test_a_uid_is_one_folder(tmp_path: Path, uid: str) -> None:
    """It never leads elsewhere."""
    with pytest.raises(ValueError, match="is no uid"):
        PodFolders(tmp_path).of(uid)


def test_secrets_are_readable_by_whom_they_should_be(tmp_path: Path) -> None:
    """The mode is there before the name is, whatever a killed process left in the way."""
    (tmp_path / ".config.json").write_bytes(b"half of")
    record_file.replace(tmp_path / "config.json", b"{}", mode=0o600)

    assert (tmp_path / "config.json").read_bytes() == b"{}"
    assert (tmp_path / "config.json").stat().st_mode & 0o777 == 0o600


def test_secrets_are_not_readable_while_they_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even when the process is killed before it can give the file another mode."""

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fchmod", killed)
    monkeypatch.setattr("os.chmod", killed)
    monkeypatch.setattr("pathlib.Path.chmod", killed)
    with pytest.raises(KeyboardInterrupt):
        record_file.replace(tmp_path / "config.json", b"{}", mode=0o600)

    assert (tmp_path / ".config.json").stat().st_mode & 0o077 == 0


async def test_a_lock_is_the_same_while_it_is_held() -> None:
    """And another pod has another."""
    locks = PodLocks()
    async with locks.of("one"):
        assert locks.of("one").locked()
        assert not locks.of("two").locked()

    assert not locks.of("one").locked()
