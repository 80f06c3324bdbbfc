"""An installation vouches for itself: its certificates satisfy a verifier that trusts its authority."""

from __future__ import annotations

import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from towline.installation.certificate import (
    CERTIFICATE_LIFE,
    Identity,
    client_identity,
    expires_within,
    new_authority,
    server_identity,
)

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def authority() -> Identity:
    """One authority for the module."""
    return new_authority("towline test", NOW)


def context(
    folder: Path, identity: Identity, trusted: Identity, side: ssl.Purpose
) -> ssl.SSLContext:
    """A TLS context of one side that shows `identity` and trusts `trusted`."""
    chain = folder / f"{side.name}.pem"
    chain.write_bytes(identity.certificate + identity.key)
    made = ssl.create_default_context(side, cadata=trusted.certificate.decode())
    made.verify_mode = ssl.CERT_REQUIRED
    made.load_cert_chain(chain)
    return made


def names_seen(folder: Path, server: Identity, authority: Identity, host: str) -> str:
    """Shake hands over a real socket pair; the client's common name as the server sees it."""
    client = client_identity(authority, "apiserver", NOW)
    near, far = socket.socketpair()
    server_side = context(folder, server, authority, ssl.Purpose.CLIENT_AUTH)
    seen: list[str] = []

    def answer() -> None:
        try:
            with server_side.wrap_socket(far, server_side=True) as line:
                seen.append(str(line.getpeercert()))
                line.recv(1)
        except OSError as error:
            seen.append(repr(error))

    thread = threading.Thread(target=answer)
    thread.start()
    client_side = context(folder, client, authority, ssl.Purpose.SERVER_AUTH)
    try:
        with near, client_side.wrap_socket(near, server_hostname=host) as line:
            line.send(b"x")
    finally:
        near.close()
        thread.join()
        far.close()
    return seen[0]


def test_a_wildcard_certificate_serves_every_instance(tmp_path: Path, authority: Identity) -> None:
    """Both sides show certificates of the one authority."""
    server = server_identity(authority, ["*.registry.test"], NOW)

    assert "apiserver" in names_seen(tmp_path, server, authority, "demo.registry.test")


def test_an_address_is_a_name_too(tmp_path: Path, authority: Identity) -> None:
    """As the API server is reached at 127.0.0.1."""
    server = server_identity(authority, ["localhost", "127.0.0.1"], NOW)

    assert "apiserver" in names_seen(tmp_path, server, authority, "127.0.0.1")


def test_another_name_is_refused(tmp_path: Path, authority: Identity) -> None:
    """A wildcard covers one label only."""
    server = server_identity(authority, ["*.registry.test"], NOW)

    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        names_seen(tmp_path, server, authority, "a.b.registry.test")


def test_a_certificate_tells_when_it_is_due(authority: Identity) -> None:
    """So that it is renewed before it ends."""
    server = server_identity(authority, ["x.test"], NOW)

    assert not expires_within(server.certificate, timedelta(days=30), NOW)
    assert expires_within(server.certificate, timedelta(days=30), NOW + CERTIFICATE_LIFE)
