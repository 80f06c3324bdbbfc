"""Where one installation keeps everything: the paths, and how files in it are written.

`$TOWLINE_DATA`, else `$XDG_STATE_HOME/towline`, else `~/.local/state/towline`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from towline.problem import Problem

DOMAIN_SUFFIX = "tencentcloudcr.com"
REGION = "ap-guangzhou"
_CONTENT = (
    *("records.db*", "cluster.db*", "kubeconfig", "agent.kubeconfig"),
    *("ca.crt", "registry-ca.crt", "pull-ca.crt"),
    *("access-key.json", "tokens.json", "doors.json", "ledger.json", "database.url"),
    *("keys", "clusters", "registry", "layers", "sandboxes", "logs", "run"),
)


def chosen_root(environment: Mapping[str, str]) -> Path:
    """The data directory that the environment asks for."""
    if environment.get("TOWLINE_DATA"):
        return Path(environment["TOWLINE_DATA"]).absolute()
    state = environment.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "towline"


def chosen(environment: Mapping[str, str]) -> DataDirectory:
    """The data directory that the environment asks for, there or not; raises `Problem` when what is
    there is no directory, or another user's.
    """
    root = chosen_root(environment)
    try:
        usable = os.access(root, os.R_OK | os.W_OK | os.X_OK, effective_ids=True)
        if root.is_dir() and usable:
            return DataDirectory(root)
        if not root.exists() and not any(one.is_file() for one in root.parents):
            return DataDirectory(root)
    except PermissionError:
        pass  # a directory above it is closed to this user
    raise unusable(root)


def unusable(root: Path) -> Problem:
    """Why this user cannot use what is at `root`: a data directory, or a file of one."""
    seen = next(one for one in (root, *root.parents) if _can_be_seen(one))
    if seen.is_file() and os.access(seen, os.R_OK, effective_ids=True):
        cause, remedy = f"{seen} is not a directory", "name a directory in TOWLINE_DATA"
    else:
        cause = f"{seen} belongs to {_owner(seen)}, and this user may not use it"
        remedy = "use sudo, or set TOWLINE_DATA to a directory of your own"
    return Problem("data-directory-unusable", cause=cause, remedy=remedy)


def _can_be_seen(path: Path) -> bool:
    try:
        path.stat()
    except OSError:
        return False
    return True


def _owner(path: Path) -> str:
    try:
        return path.owner()
    except KeyError:
        return f"user {path.stat().st_uid}"


@dataclass(frozen=True, slots=True)
class DataDirectory:
    """The paths of one installation below its root."""

    root: Path

    @property
    def records(self) -> Path:
        """The store that the cloud, the registry and the agent share."""
        return self.root / "records.db"

    @property
    def database(self) -> Path:
        """The URL of the database that keeps those records instead, if one was chosen."""
        return self.root / "database.url"

    @property
    def objects(self) -> Path:
        """The store of the installation's own cluster."""
        return self.root / "cluster.db"

    @property
    def clusters(self) -> Path:
        """What belongs to single clusters, in a folder for each."""
        return self.root / "clusters"

    @property
    def access_key(self) -> Path:
        """The SecretId and SecretKey that sign cloud requests."""
        return self.root / "access-key.json"

    @property
    def authority(self) -> Path:
        """The certificate of the cluster's authority: who signs the Kubernetes API."""
        return self.root / "ca.crt"

    @property
    def registry_authority(self) -> Path:
        """The certificate of the registry's authority: who signs all its domains, and only those."""
        return self.root / "registry-ca.crt"

    @property
    def pull_authorities(self) -> Path:
        """Both certificates, for pods' pulls."""
        return self.root / "pull-ca.crt"

    @property
    def kubeconfig(self) -> Path:
        """What kubectl is given."""
        return self.root / "kubeconfig"

    @property
    def agent_kubeconfig(self) -> Path:
        """With which the virtual nodes speak to the cluster."""
        return self.root / "agent.kubeconfig"

    @property
    def tokens(self) -> Path:
        """The bearer tokens of the cluster's built-in users."""
        return self.root / "tokens.json"

    @property
    def doors(self) -> Path:
        """Where each role listens."""
        return self.root / "doors.json"

    @property
    def ledger(self) -> Path:
        """What of the kernel the agent has made, so that all of it can be removed."""
        return self.root / "ledger.json"

    @property
    def registry(self) -> Path:
        """Blobs, uploads and metadata of the registry."""
        return self.root / "registry"

    @property
    def layers(self) -> Path:
        """Verified layers, which pods share."""
        return self.root / "layers"

    @property
    def sandboxes(self) -> Path:
        """What each pod has standing: bundles, writable layers, logs."""
        return self.root / "sandboxes"

    @property
    def logs(self) -> Path:
        """One log for each role."""
        return self.root / "logs"

    @property
    def queries(self) -> Path:
        """What was asked of each resolver last."""
        return self.logs / "queries"

    @property
    def run(self) -> Path:
        """Sockets, locks and process ids of what runs now."""
        return self.root / "run"

    @property
    def lock(self) -> Path:
        """Held by the `up` that runs on this directory."""
        return self.run / "up.lock"

    @property
    def setup(self) -> Path:
        """Held while keys, certificates and doors are being chosen."""
        return self.run / "setup"

    @property
    def state(self) -> Path:
        """What that `up` knows of its roles."""
        return self.run / "state.json"

    @property
    def doors_socket(self) -> Path:
        """Over which the agent hands doors inside VPCs to the registry."""
        return self.run / "doors.sock"

    def delete(self) -> None:
        """Remove all that an installation writes, and the directory itself if nothing else is in it.

        The lock goes last: as long as anything is left, the directory is known as an installation's.
        """
        ours = [path for name in _CONTENT for path in self.root.glob(name)]
        for path in [path for path in ours if path != self.run] + [self.run]:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        if not any(self.root.iterdir()):
            self.root.rmdir()

    def lock_of(self, role: str) -> Path:
        """Held by the process of a role."""
        return self.run / f"{role}.lock"

    def key_of(self, name: str) -> Path:
        """A private key: `ca`, `registry-ca`, `registry`, `apiserver`, `kubelet`, `token`, …"""
        return self.root / "keys" / f"{name}.key"

    def certificate_of(self, name: str) -> Path:
        """The certificate that goes with a key."""
        return self.root / "keys" / f"{name}.crt"

    def create(self) -> None:
        """Make the directories, for their owner alone. Doing it twice is the same as once."""
        for folder in (self.root, self.root / "keys", self.logs, self.run):
            try:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as error:
                raise Problem(
                    "data-directory-unusable",
                    cause=f"the data directory {self.root} cannot be made: {error}",
                    remedy="name another one in TOWLINE_DATA, or mend the permissions of this one",
                ) from error


def write_secret(path: Path, content: bytes) -> None:
    """Replace a file in one step; only its owner may read it, also while it is being written."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
