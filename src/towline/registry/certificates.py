"""With which certificate the doors of an instance speak HTTPS.

All default domains share one certificate. An instance that has domains of its own gets one that names
these too, from the registry's authority: granian has one certificate for a door, whatever name
a client asks for. It is made anew with every start and lies in the registry's own folder.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from towline.installation.certificate import Identity, server_identity
from towline.registry.door_server import TlsFiles
from towline.registry.settings import Settings
from towline.resource.instance import Instance


class Certificates:
    """The certificates of all instances, as files."""

    def __init__(self, settings: Settings, now: Callable[[], float]) -> None:
        self._settings = settings
        self._now = now
        self._folder = settings.root / "certificates"
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def shared(self) -> TlsFiles:
        """The one of an instance without domains of its own."""
        return TlsFiles(self._settings.certificate, self._settings.key)

    def of(self, instance: Instance, domains: Sequence[str]) -> TlsFiles:
        """The one of an instance with these domains of its own; raises `OSError` or `ValueError` when
        the authority cannot be read.
        """
        if not domains:
            return self.shared
        names = (instance.domain, instance.vpc_domain, *sorted(domains))
        mark = sha256("\n".join(names).encode()).hexdigest()[:16]
        files = TlsFiles(*(self._folder / f"{instance.id}-{mark}{end}" for end in (".crt", ".key")))
        if not files.certificate.exists():
            self._write(files, self._issue(names))
        return files

    def _issue(self, names: Sequence[str]) -> Identity:
        certificate, key = self._settings.authority, self._settings.authority_key
        authority = Identity(certificate.read_bytes(), key.read_bytes())
        return server_identity(authority, names, datetime.fromtimestamp(self._now(), UTC))

    def _write(self, files: TlsFiles, identity: Identity) -> None:
        """The key first: a certificate that is there means that its key is, too."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        for path, content in ((files.key, identity.key), (files.certificate, identity.certificate)):
            _write_secret(path, content)


def _write_secret(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
