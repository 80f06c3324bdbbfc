"""What a runtime is given to make a container: a root filesystem and a config."""

from __future__ import annotations

import os
import resource
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from towline.cluster.node.provider import ContainerSpec, Image, StartFailed
from towline.content.layer_file import DamagedLayer
from towline.linux.mounts import mount_overlay
from towline.linux.runtime_message import root_refusal, spec_refusal, sub_path_refusal
from towline.sandbox import record_file
from towline.sandbox.command_line import command_line
from towline.sandbox.lower_layers import LowerLayers
from towline.sandbox.pod_folder import ContainerFolder
from towline.sandbox.pod_images import PodImages
from towline.sandbox.pod_namespaces import PodNamespaces
from towline.sandbox.record import ImageRecord
from towline.sandbox.runtime_spec import Bind, Surroundings, runtime_spec
from towline.sandbox.settings import SandboxSettings
from towline.sandbox.thread_work import in_own_thread
from towline.sandbox.user import Accounts, UnknownUser, User, chosen_user
from towline.sandbox.volumes import NoSuchPart, write_volumes

TERMINATION_LOG = "/dev/termination-log"  # the default terminationMessagePath


@dataclass(frozen=True, slots=True)
class Bundles:
    """Makes bundles."""

    lowers: LowerLayers
    images: PodImages
    network: PodNamespaces
    settings: SandboxSettings

    async def make(self, folder: ContainerFolder, spec: ContainerSpec) -> str:
        """Make a container's bundle in its folder; the program that it will run.

        Raises `StartFailed`.
        """
        image = folder.pod.image(spec.image)
        if image is None:
            raise LookupError(f"pod {folder.pod.uid} has no image {spec.image.reference}")
        words = command_line(spec, image.config)
        if not words:
            raise StartFailed(spec_refusal(folder.id, "no command specified"))
        try:
            await self._make(folder, spec, image)
        except (OSError, DamagedLayer) as error:
            raise StartFailed(root_refusal(str(error))) from error
        except NoSuchPart as error:
            raise StartFailed(sub_path_refusal(str(error))) from error
        except UnknownUser as error:
            raise StartFailed(spec_refusal(folder.id, str(error))) from error
        return words[0]

    def descriptors(self, folder: ContainerFolder, image: Image) -> tuple[int, ...]:
        """What a container's monitor has to hold so that the container never reads zeros where bytes
        have yet to come.
        """
        record = folder.pod.image(image)
        hangings = self.images.hangings(record) if record else ()
        return tuple(fd for hanging in hangings if (fd := hanging.rope.descriptor) >= 0)

    async def _make(self, folder: ContainerFolder, spec: ContainerSpec, image: ImageRecord) -> None:
        lowers = await self.lowers.folders(self.images.stack(image))

        def make() -> None:
            _mount_root(folder, lowers)
            self._write(folder, spec, image)

        if self.images.hangings(image):
            await in_own_thread(make)  # users are looked up in files that may have to come first
        else:
            make()

    def _write(self, folder: ContainerFolder, spec: ContainerSpec, image: ImageRecord) -> None:
        user = _user(folder, spec, image)
        around = self._surroundings(folder, spec)
        config = runtime_spec(spec, image.config, user, around)
        folder.bundle.mkdir()
        content = msgspec.json.encode(config)
        record_file.replace(folder.bundle / "config.json", content, mode=0o600)

    def _surroundings(self, folder: ContainerFolder, spec: ContainerSpec) -> Surroundings:
        pod = folder.pod
        record = pod.record
        assert record is not None, "a container is made in an open pod"
        folder.termination_log.touch(mode=0o666)
        folder.termination_log.chmod(0o666)
        own = [Bind(f"/etc/{file.name}", file) for file in sorted(pod.etc.glob("[!.]*"))]
        own.append(Bind("/dev/shm", pod.shm))  # noqa: S108  # the container's, not ours
        own.append(Bind(TERMINATION_LOG, folder.termination_log))
        wanted = write_volumes(folder, spec)
        covered = {bind.path.rstrip("/") for bind in wanted}
        return Surroundings(
            folder.root,
            record.identity.hostname,
            self.network.namespace_path(pod.uid),
            folder.group(self.settings.cgroup),
            self.settings.processes,
            resource.getrlimit(resource.RLIMIT_NOFILE)[1],
            (*(bind for bind in own if bind.path not in covered), *wanted),
        )


def _user(folder: ContainerFolder, spec: ContainerSpec, image: ImageRecord) -> User:
    return Accounts.below(folder.root).find(chosen_user(spec.user, image.config.user))


def _mount_root(folder: ContainerFolder, layers: Sequence[Path]) -> None:
    upper, work, empty = (folder.written / name for name in ("upper", "work", "empty"))
    for each in (upper, work, empty, folder.root):
        each.mkdir(parents=True)
    lowers = layers or (empty,)
    # The root directory is the upper layer's: let it be as in the image.
    top = lowers[-1].stat()
    upper.chmod(stat.S_IMODE(top.st_mode))
    os.chown(upper, top.st_uid, top.st_gid)
    mount_overlay(lowers, upper, work, folder.root)
