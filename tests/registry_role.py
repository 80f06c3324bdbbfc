"""The registry's role as a real process, over records that the cloud would have written."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from towline.installation.data_directory import DataDirectory
from towline.installation.role_process import READY_FD
from towline.resource import kind
from towline.resource.credential import Credential, Lifetime, Permission, digest_of_secret
from towline.resource.instance import Instance, InstanceStatus, Namespace
from towline.store.collection import Collection
from towline.store.store import Store

WHEN = "2026-01-02T03:04:05Z"
USER, SECRET = "100036950234", "a-long-and-random-secret"
T = TypeVar("T")


def instance(name: str = "demo") -> Instance:
    """A new instance, as the cloud creates it."""
    return Instance(
        id=f"tcr-{name}",
        name=name,
        edition="basic",
        domain=f"{name}.tencentcloudcr.com",
        public_address="198.18.0.10",
        created_at=WHEN,
    )


def namespace(of: Instance, name: str, *, public: bool = False) -> Namespace:
    """A namespace of an instance."""
    return Namespace(instance_id=of.id, name=name, public=public, created_at=WHEN)


def credential(
    of: Instance,
    username: str = USER,
    secret: str = SECRET,
    permissions: Sequence[Permission] | None = None,
    **more: Any,
) -> Credential:
    """A credential of an instance: everything, unless permissions are given."""
    return Credential(
        id=f"token-{username}",
        instance_id=of.id,
        username=username,
        secret_sha256=digest_of_secret(secret),
        lifetime=Lifetime.LONG_TERM,
        created_at=WHEN,
        permissions=None if permissions is None else tuple(permissions),
        **more,
    )


async def write_down(
    store: Store,
    instances: Sequence[Instance] = (),
    namespaces: Sequence[Namespace] = (),
    credentials: Sequence[Credential] = (),
) -> None:
    """Write records as the cloud does."""
    kept = Collection(store, kind.INSTANCE, Instance)
    named = Collection(store, kind.NAMESPACE, Namespace)
    known = Collection(store, kind.CREDENTIAL, Credential)
    await store.apply(
        [
            *(kept.creation("", one.id, one) for one in instances),
            *(named.creation(one.instance_id, one.name, one) for one in namespaces),
            *(known.creation(one.instance_id, one.id, one) for one in credentials),
        ]
    )


@dataclass(slots=True)
class RegistryRole:
    """`towline registry serve` on a data directory with one instance, which is this:"""

    folder: Path
    instance: Instance = field(default_factory=instance)
    process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> DataDirectory:
        """The paths of the installation."""
        return DataDirectory(self.folder)

    def prepare(self, *namespaces: str, public: Sequence[str] = ()) -> None:
        """Write the records of the instance, its namespaces and one credential for all of it."""
        self.data.create()

        async def write(store: Store) -> None:
            named = [namespace(self.instance, one, public=one in public) for one in namespaces]
            await write_down(store, [self.instance], named, [credential(self.instance)])

        self.with_store(write)

    def with_store(self, work: Any) -> Any:
        """Do something with the records, from outside the role."""

        async def run() -> Any:
            async with Store.open(self.data.records) as store:
                return await work(store)

        return asyncio.run(run())

    def start(self) -> None:
        """Start the role and return when it serves."""
        readable, writable = os.pipe()
        environment = {
            **os.environ,
            "TOWLINE_DATA": str(self.folder),
            READY_FD: str(writable),
        }
        with (self.folder / "registry.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "towline", "registry", "serve"],
                env=environment,
                pass_fds=[writable],
                stderr=log,
            )
        os.close(writable)
        with os.fdopen(readable, "rb") as ready:
            if ready.read(1) != b"\n":
                raise RuntimeError(f"the registry did not start:\n{self.log()}")

    def kill(self) -> None:
        """End the role at once, as a power cut or the kernel would."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """Ask the role to end; returns its exit code."""
        return self._end(signal.SIGTERM)

    def log(self) -> str:
        """What the role has written to its log."""
        return (self.folder / "registry.log").read_text(errors="replace")

    @property
    def port(self) -> int:
        """The port of the instance's loopback door."""

        async def read(store: Store) -> int:
            found = Collection(store, kind.INSTANCE, Instance).get("", self.instance.id)
            assert found is not None
            assert found.status is InstanceStatus.RUNNING
            return found.loopback_port

        return int(self.with_store(read))

    @property
    def url(self) -> str:
        """The instance's loopback door."""
        return f"http://127.0.0.1:{self.port}"

    def token(self, *scopes: str, login: tuple[str, str] | None = (USER, SECRET)) -> str:
        """A token for these scopes."""
        asked = "&".join(f"scope={scope}" for scope in scopes)
        request = urllib.request.Request(
            f"{self.url}/service/token?service={self.instance.domain}&{asked}"
        )
        if login is not None:
            encoded = base64.b64encode(":".join(login).encode()).decode()
            request.add_header("Authorization", f"Basic {encoded}")
        with urllib.request.urlopen(request) as answer:
            return str(json.load(answer)["token"])

    def _end(self, number: int) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(20)


@contextmanager
def serving(folder: Path, *namespaces: str, public: Sequence[str] = ()) -> Iterator[RegistryRole]:
    """A role that serves these namespaces for the length of the block."""
    role = RegistryRole(folder)
    role.prepare(*namespaces, public=public)
    role.start()
    try:
        yield role
    finally:
        if role.process is not None and role.process.poll() is None:
            role.stop()
