"""What the registry has to be told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Settings:
    """Where content is kept and with which keys the registry speaks."""

    root: Path
    """The folder of `blobs/`, `uploads/` and `registry.db`."""
    certificate: Path
    """The certificate of all instances' domains, for doors that speak HTTPS."""
    key: Path
    """Its private key, PKCS#8."""
    authority: Path
    """The certificate of the authority that issues those of customized domains."""
    authority_key: Path
    """Its private key."""
    token_key: Path
    """The P-256 key that signs tokens, PEM; made when it is not there."""
    doors_socket: Path
    """The UNIX socket through which others hand in listening sockets."""
    upload_lifetime: timedelta = timedelta(hours=6)
    """How long an upload may rest before it is forgotten; none lasts over a day, rest or not."""
    upkeep_interval: timedelta = timedelta(minutes=10)
    """How often that is looked at, and blobs that nobody has are removed."""
    layer_indexes: bool = False
    """Whether the layers of what is pushed are indexed, in the background."""
