"""Where everything of a pod is: one folder, removed as a whole.

pods/<uid>/
    pod.json              the pod's identity; first to come
    closing               the pod is being removed, and must not come back
    images/<hash>.json    one for each image that the pod has
    etc/                  hosts, hostname and resolv.conf, seen by all its containers
    shm/                  its /dev/shm
    scratch/<name>/       its emptyDirs
    files/                a tmpfs for Secrets and ConfigMaps, one folder for each container
    logs/<container>-<attempt>.log
    containers/<container>-<attempt>/
        container.json    what it is; first to come
        bundle/           what the runtime is given
        layer/, root/     what it writes, and its root filesystem
        monitor/          what conmon writes
        started.json      made, and let run or about to be
        ended.json        how it ended; what it had of the machine is given back
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from towline.cluster.node.provider import ContainerId, Exit, Image
from towline.linux.oci_runtime import ContainerFiles
from towline.sandbox import record_file
from towline.sandbox.record import ContainerRecord, ImageRecord, PodRecord, StartRecord

RESOLVERS = "resolv.conf"


@dataclass(frozen=True, slots=True)
class ContainerFolder:
    """One run of one container."""

    pod: PodFolder
    name: str
    """`<container>-<attempt>`."""

    @property
    def id(self) -> str:
        """What the runtime and its control group know it by."""
        return f"{self.pod.uid}-{self.name}"

    @property
    def path(self) -> Path:
        """The folder itself."""
        return self.pod.path / "containers" / self.name

    @property
    def root(self) -> Path:
        """Where its root filesystem is mounted."""
        return self.path / "root"

    @property
    def written(self) -> Path:
        """What it has written over its image."""
        return self.path / "layer"

    @property
    def bundle(self) -> Path:
        """What the runtime is given."""
        return self.path / "bundle"

    @property
    def monitor(self) -> Path:
        """What conmon writes."""
        return self.path / "monitor"

    @property
    def held(self) -> tuple[Path, ...]:
        """What is removed when it has ended: none of it exists when all was given back."""
        return (self.root, self.written, self.bundle, self.monitor)

    def group(self, below: str) -> str:
        """Its control group below the sandbox's."""
        return f"{self.pod.group(below)}/{self.name}"

    @property
    def volumes(self) -> Path:
        """Its Secrets and ConfigMaps."""
        return self.pod.files / self.name

    @property
    def parts(self) -> Path:
        """Parts of volumes that it is shown, each mounted."""
        return self.path / "parts"

    @property
    def termination_log(self) -> Path:
        """What it wants to say at its end; `terminationMessagePath`."""
        return self.path / "termination-log"

    def runtime_files(self, *, terminal: bool = False) -> ContainerFiles:
        """The files that the runtime and its monitor are told of."""
        log = self.pod.logs / f"{self.name}.log"
        return ContainerFiles(self.id, self.bundle, log, self.monitor, terminal)

    @property
    def record(self) -> ContainerRecord | None:
        """What it is; None when it was killed before it was written down."""
        return record_file.read(self.path / "container.json", ContainerRecord)

    @property
    def started(self) -> StartRecord | None:
        """The process; None when it is only half made."""
        return record_file.read(self.path / "started.json", StartRecord)

    @property
    def ended(self) -> Exit | None:
        """How it ended; None before."""
        return record_file.read(self.path / "ended.json", Exit)

    def keep(self, record: ContainerRecord | StartRecord | Exit) -> None:
        """Write one of the three down."""
        names = {ContainerRecord: "container", StartRecord: "started", Exit: "ended"}
        record_file.write(self.path / f"{names[type(record)]}.json", record)


@dataclass(frozen=True, slots=True)
class PodFolder:
    """One pod."""

    path: Path

    @property
    def uid(self) -> str:
        """Whose it is."""
        return self.path.name

    @property
    def etc(self) -> Path:
        """Files that all its containers see in /etc."""
        return self.path / "etc"

    @property
    def shm(self) -> Path:
        """Memory that its containers share."""
        return self.path / "shm"

    @property
    def files(self) -> Path:
        """Secrets and ConfigMaps, in memory."""
        return self.path / "files"

    @property
    def logs(self) -> Path:
        """Its containers' logs."""
        return self.path / "logs"

    def group(self, below: str) -> str:
        """The control group of its containers' groups."""
        return f"{below}/{self.uid}"

    def scratch(self, name: str) -> Path:
        """One of its emptyDirs."""
        return self.path / "scratch" / name

    def make(self) -> None:
        """Make it and its folders; what is there stays."""
        for folder in (self.etc, self.shm, self.files, self.logs):
            folder.mkdir(parents=True, exist_ok=True)
        for name in ("images", "scratch", "containers"):
            (self.path / name).mkdir(exist_ok=True)

    @property
    def record(self) -> PodRecord | None:
        """Who it is; None when there is no such pod."""
        return record_file.read(self.path / "pod.json", PodRecord)

    def keep(self, record: PodRecord) -> None:
        """Write down who it is."""
        record_file.write(self.path / "pod.json", record)

    @property
    def is_whole(self) -> bool:
        """Whether its opening came to its end, whose last step is to name the resolvers."""
        return (self.etc / RESOLVERS).exists()

    @property
    def is_closing(self) -> bool:
        """Whether its removal was begun."""
        return (self.path / "closing").exists()

    def begin_closing(self) -> None:
        """From here on it can only be removed."""
        (self.path / "closing").touch()

    def images(self) -> tuple[ImageRecord, ...]:
        """All images that it has, the latest pulled first."""
        paths = (self.path / "images").glob("[!.]*.json")
        read = (record_file.read(path, ImageRecord) for path in paths)
        known = (record for record in read if record is not None)
        return tuple(sorted(known, key=lambda record: -record.pulled_at))

    def image(self, image: Image) -> ImageRecord | None:
        """One image, as it was pulled."""
        return record_file.read(self._image_path(image), ImageRecord)

    def keep_image(self, record: ImageRecord) -> None:
        """Write down that it has this image."""
        record_file.write(self._image_path(record.image), record)

    def _image_path(self, image: Image) -> Path:
        name = sha256(f"{image.reference} {image.digest}".encode()).hexdigest()
        return self.path / "images" / f"{name}.json"

    def container(self, container: ContainerId) -> ContainerFolder:
        """Where one run of a container is, or would be."""
        return ContainerFolder(self, f"{container.name}-{container.attempt}")

    def containers(self) -> tuple[ContainerFolder, ...]:
        """All that were begun."""
        folder = self.path / "containers"
        names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        return tuple(ContainerFolder(self, name) for name in names)


@dataclass(frozen=True, slots=True)
class PodFolders:
    """All pods of a sandbox."""

    path: Path

    def of(self, uid: str) -> PodFolder:
        """Where a pod is, or would be."""
        if uid in {"", ".", ".."} or "/" in uid:
            raise ValueError(f"{uid!r} is no uid of a pod")
        return PodFolder(self.path / uid)

    def __iter__(self) -> Iterator[PodFolder]:
        names = sorted(path.name for path in self.path.iterdir()) if self.path.is_dir() else []
        return (PodFolder(self.path / name) for name in names)
