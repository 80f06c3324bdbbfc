"""What belongs to one cluster beside the installation's own: its store, its users, its key.

All clusters of an installation share the authority that signs the Kubernetes APIs' certificate, for
all of them listen on this machine. Who may do what is decided by tokens, and these are each
cluster's own.
"""

from __future__ import annotations

import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

import msgspec

from towline.installation.certificate import new_key
from towline.installation.credentials import USERS
from towline.installation.data_directory import DataDirectory, write_secret
from towline.installation.kubeconfig import render


@dataclass(frozen=True, slots=True)
class ClusterFolder:
    """The files of the cluster with an id."""

    data: DataDirectory
    cluster_id: str

    @property
    def path(self) -> Path:
        """The folder."""
        return self.data.clusters / self.cluster_id

    @property
    def objects(self) -> Path:
        """The cluster's store."""
        return self.path / "cluster.db"

    @property
    def kubeconfig(self) -> Path:
        """For the cluster's users."""
        return self.path / "kubeconfig"

    @property
    def agent_kubeconfig(self) -> Path:
        """With which its virtual nodes speak to it."""
        return self.path / "agent.kubeconfig"

    @property
    def service_account_key(self) -> Path:
        """Signs the tokens of its service accounts."""
        return self.path / "service-account.key"

    def tokens(self) -> dict[str, str]:
        """The bearer token of each of the built-in users; made when they are asked for first."""
        path = self.path / "tokens.json"
        self._make()
        if not path.exists():
            made = {user: secrets.token_urlsafe(32) for user in USERS}
            write_secret(path, msgspec.json.encode(made))
        return msgspec.json.decode(path.read_bytes(), type=dict[str, str])

    def provide(self, server: str) -> None:
        """Make what is missing, and tell the cluster's users and its nodes where its API is."""
        tokens = self.tokens()
        if not self.service_account_key.exists():
            write_secret(self.service_account_key, new_key())
        self.show(server, tokens["admin"])
        self._write(self.agent_kubeconfig, server, tokens["agent"], "agent")

    def show(self, server: str, token: str) -> None:
        """Write the kubeconfig that the cluster's users are given."""
        self._make()
        self._write(self.kubeconfig, server, token, f"{self.cluster_id}-admin")

    def delete(self) -> None:
        """Remove all of it."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _write(self, path: Path, server: str, token: str, user: str) -> None:
        authority = self.data.authority.read_bytes()
        write_secret(path, render(server, authority, token, user, self.cluster_id))

    def _make(self) -> None:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
