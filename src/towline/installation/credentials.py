"""What an installation must know and nobody else: made once, kept until `towline reset`.

There are two authorities, since the registry, which strangers speak to, holds the key of its own to
sign customized domains with. Whom that one signs, the Kubernetes API and the kubelet do not believe;
pods' pulls believe both.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from towline.installation.certificate import (
    Identity,
    client_identity,
    expires_within,
    new_authority,
    new_key,
    server_identity,
)
from towline.installation.data_directory import DataDirectory, write_secret
from towline.installation.kubeconfig import render
from towline.installation.lock import in_turn

SIGNED = {
    "ca": ("apiserver", "kubelet", "apiserver-kubelet-client"),
    "registry-ca": ("registry",),
}
"""What each authority signs."""
USERS = ("admin", "agent", "controllers")
TOKEN_KEYS = ("registry-token", "service-account")
RENEW_BEFORE = timedelta(days=30)
API_NAMES = (
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
    "localhost",
    "127.0.0.1",
)


def provide(data: DataDirectory, domain_suffix: str, now: datetime) -> None:
    """Make whatever of the keys, certificates and tokens is missing or about to end.

    An authority without its key (or the reverse) is replaced with everything it signed. Roles that
    are started at the same moment do it in turn, so that they agree on one authority.
    """
    data.create()
    with in_turn(data.setup):
        _provide(data, domain_suffix, now)


def _provide(data: DataDirectory, domain_suffix: str, now: datetime) -> None:
    _provide_access_key(data.access_key)
    _provide_tokens(data.tokens)
    for name in TOKEN_KEYS:
        _unless_there(data.key_of(name), new_key)
    authority, registry_authority = _provide_authorities(data, now)
    makers: dict[str, Callable[[], Identity]] = {
        "registry": lambda: server_identity(registry_authority, [f"*.{domain_suffix}"], now),
        "apiserver": lambda: server_identity(authority, API_NAMES, now),
        "kubelet": lambda: server_identity(authority, ["127.0.0.1", "localhost"], now),
        "apiserver-kubelet-client": lambda: client_identity(authority, "kube-apiserver", now),
    }
    for name, make in makers.items():
        if _is_due(data.certificate_of(name), now):
            _write_identity(data, name, make())


def tokens(data: DataDirectory) -> dict[str, str]:
    """The bearer token of each of `USERS`."""
    return msgspec.json.decode(data.tokens.read_bytes(), type=dict[str, str])


def access_key(data: DataDirectory) -> tuple[str, str]:
    """The SecretId and the SecretKey."""
    key = msgspec.json.decode(data.access_key.read_bytes(), type=dict[str, str])
    return key["SecretId"], key["SecretKey"]


def write_kubeconfigs(data: DataDirectory, server: str) -> None:
    """Tell kubectl and the agent where the API is."""
    authority, known = data.authority.read_bytes(), tokens(data)
    write_secret(data.kubeconfig, render(server, authority, known["admin"], "admin"))
    write_secret(data.agent_kubeconfig, render(server, authority, known["agent"], "agent"))


def _provide_authorities(data: DataDirectory, now: datetime) -> tuple[Identity, Identity]:
    """The cluster's and the registry's, and a file with the certificates of both."""
    cluster = _provide_authority(data, data.authority, now)
    registry = _provide_authority(data, data.registry_authority, now)
    _publish(data.pull_authorities, cluster.certificate + registry.certificate)
    return cluster, registry


def _provide_authority(data: DataDirectory, certificate: Path, now: datetime) -> Identity:
    name = certificate.stem
    key = data.key_of(name)
    if certificate.exists() and key.exists():
        return Identity(certificate.read_bytes(), key.read_bytes())
    authority = new_authority(f"Towline {name} {secrets.token_hex(3)}", now)
    for signed in SIGNED[name]:
        data.certificate_of(signed).unlink(missing_ok=True)
    write_secret(key, authority.key)
    _publish(certificate, authority.certificate)
    return authority


def _publish(path: Path, certificates: bytes) -> None:
    """Write a file that everybody may read, unless it says so already."""
    if not path.exists() or path.read_bytes() != certificates:
        write_secret(path, certificates)
        path.chmod(0o644)


def _provide_access_key(path: Path) -> None:
    def make() -> bytes:
        return msgspec.json.encode(
            {"SecretId": f"AKID{secrets.token_hex(16)}", "SecretKey": secrets.token_hex(16)}
        )

    _unless_there(path, make)


def _provide_tokens(path: Path) -> None:
    _unless_there(
        path, lambda: msgspec.json.encode({user: secrets.token_urlsafe(32) for user in USERS})
    )


def _unless_there(path: Path, make: Callable[[], bytes]) -> None:
    if not path.exists():
        write_secret(path, make())


def _is_due(certificate: Path, now: datetime) -> bool:
    return not certificate.exists() or expires_within(certificate.read_bytes(), RENEW_BEFORE, now)


def _write_identity(data: DataDirectory, name: str, identity: Identity) -> None:
    """The key first: a certificate that is there means that its key is, too."""
    write_secret(data.key_of(name), identity.key)
    write_secret(data.certificate_of(name), identity.certificate)
