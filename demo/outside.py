"""Registries that are not ours: Debian's docker-registry, in the data centre that VPCs have a route to.

One speaks HTTPS with a certificate that nobody has heard of, two plain HTTP, and one serves images
that are broken on purpose.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from demo.command import run
from demo.installation import until
from towline.installation.certificate import new_authority, server_identity

SELF_SIGNED = "10.16.100.174:5000"
PLAIN = "10.16.100.175:5000"
OTHER_PLAIN = "10.16.100.177:5000"
BROKEN = "10.16.100.176:5000"
_CONFIG = "version: 0.1\nstorage: {filesystem: {}}\nhttp: {}\nlog: {level: error}\n"


@dataclass(frozen=True, slots=True)
class Outside:
    """The data centre as a namespace, and a folder for what its registries keep."""

    namespace: str
    folder: Path

    def inside(self, *command: str) -> list[str]:
        """The command line that runs a program there."""
        return ["nsenter", f"--net=/run/netns/{self.namespace}", *command]

    @contextlib.contextmanager
    def registries(self) -> Iterator[None]:
        """All of them, for as long as the context lasts."""
        for address in (SELF_SIGNED, PLAIN, OTHER_PLAIN, BROKEN):
            ip = address.partition(":")[0]
            run(self.inside("ip", "address", "replace", f"{ip}/32", "dev", "lo")).succeeded()
        with contextlib.ExitStack() as standing:
            standing.enter_context(self._docker_registry(SELF_SIGNED, self._certificate()))
            standing.enter_context(self._docker_registry(PLAIN, {}))
            standing.enter_context(self._docker_registry(OTHER_PLAIN, {}))
            standing.enter_context(self._broken_registry())
            yield

    def push(self, layout: Path, reference: str) -> None:
        """Put an image into one of them."""
        way = "--insecure-skip-verify" if reference.startswith(SELF_SIGNED) else "--plain-http"
        towline = str(Path(sys.executable).parent / "towline")
        run(self.inside(towline, "push", str(layout), reference, way)).succeeded()

    def _certificate(self) -> dict[str, str]:
        now = datetime.now(UTC)
        address = SELF_SIGNED.partition(":")[0]
        identity = server_identity(new_authority("nobody knows me", now), [address], now)
        certificate, key = self.folder / "outside.crt", self.folder / "outside.key"
        certificate.write_bytes(identity.certificate)
        key.write_bytes(identity.key)
        return {
            "REGISTRY_HTTP_TLS_CERTIFICATE": str(certificate),
            "REGISTRY_HTTP_TLS_KEY": str(key),
        }

    @contextlib.contextmanager
    def _docker_registry(self, address: str, tls: dict[str, str]) -> Iterator[None]:
        folder = self.folder / address.replace(":", "-")
        folder.mkdir(parents=True, exist_ok=True)
        config = folder / "config.yml"
        config.write_text(_CONFIG)
        environment = {
            "REGISTRY_HTTP_ADDR": address,
            "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": str(folder / "registry"),
            "OTEL_TRACES_EXPORTER": "none",
            **tls,
        }
        with self._process(["docker-registry", "serve", str(config)], environment, address):
            yield

    @contextlib.contextmanager
    def _broken_registry(self) -> Iterator[None]:
        command = [sys.executable, "-m", "demo.broken_registry", BROKEN]
        with self._process(command, {}, BROKEN):
            yield

    @contextlib.contextmanager
    def _process(
        self, command: list[str], environment: dict[str, str], address: str
    ) -> Iterator[None]:
        with (self.folder / f"{address.replace(':', '-')}.log").open("wb") as log:
            process = subprocess.Popen(
                self.inside(*command), env={**os.environ, **environment}, stdout=log, stderr=log
            )
            try:
                until(f"registry at {address}", lambda: self._listens(address))
                yield
            finally:
                process.terminate()
                process.wait()

    def _listens(self, address: str) -> bool:
        ip, _, port = address.partition(":")
        probe = f"import socket; socket.create_connection(({ip!r}, {port}), 1)"
        return run(self.inside(sys.executable, "-c", probe)).code == 0
