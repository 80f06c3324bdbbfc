"""How the command line reaches a registry: with which login, and how far it trusts it."""

from __future__ import annotations

import base64
import binascii
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import msgspec

from towline.oci.reference import DEFAULT_DOMAIN, Reference
from towline.problem import Problem
from towline.pull.keyring import Keyring, Login
from towline.pull.policy import ALL, AddressList, RegistryPolicy
from towline.pull.proxy import NO_PROXIES, Proxies

_HUB_KEY = "https://index.docker.io/v1/"  # where `docker login` without a host keeps its secret
_EVERYWHERE = AddressList(frozenset({ALL}))


@dataclass(frozen=True, slots=True)
class RegistryAccess:
    """What the user said about the registry."""

    login: Login | None = None
    skip_verify: bool = False
    plain_http: bool = False
    ca_file: Path | None = None
    proxies: Proxies = NO_PROXIES

    def policy(self, reference: Reference) -> RegistryPolicy:
        """How it is spoken to. A registry on our own loopback may answer plain HTTP, as docker has
        it.
        """
        if self.plain_http:
            return RegistryPolicy(plain_http=_EVERYWHERE, proxies=self.proxies)
        if self.skip_verify:
            return RegistryPolicy(unverified=_EVERYWHERE, proxies=self.proxies)
        if is_loopback(reference.domain):
            return RegistryPolicy(lenient=_EVERYWHERE)
        return RegistryPolicy(proxies=self.proxies)

    def keyring(self, reference: Reference) -> Keyring:
        """The login that was given, or what `docker login` has stored for this registry."""
        login = self.login or stored_login(reference.domain)
        return Keyring(((reference.domain, login),) if login else ())


def is_loopback(domain: str) -> bool:
    """Whether a registry is on this machine's loopback, by its name."""
    host = domain.rpartition(":")[0] if not domain.endswith("]") and ":" in domain else domain
    return host == "localhost" or host.startswith("127.") or host == "[::1]"


class _Auth(msgspec.Struct, frozen=True):
    auth: str = ""
    username: str = ""
    password: str = ""
    identitytoken: str = ""


class _DockerConfig(msgspec.Struct, frozen=True, rename={"creds_store": "credsStore"}):
    auths: dict[str, _Auth] = {}
    creds_store: str = ""
    cred_helpers: dict[str, str] = msgspec.field(default={}, name="credHelpers")


def stored_login(domain: str) -> Login | None:
    """What `docker login` or `podman login` has stored for a registry; raises `Problem` for a
    broken file.
    """
    key = _HUB_KEY if domain == DEFAULT_DOMAIN else domain
    for path in _config_files():
        if not path.exists():
            continue
        config = _read_config(path)
        helper = config.cred_helpers.get(domain) or config.creds_store
        auth = config.auths.get(key) or config.auths.get(f"https://{domain}")
        login = _from_helper(helper, key) if helper else None
        login = login or (_from_auth(auth) if auth else None)
        if login is not None:
            return login
    return None


def _config_files() -> tuple[Path, ...]:
    folder = os.environ.get("DOCKER_CONFIG")
    docker = Path(folder) if folder else Path.home() / ".docker"
    named = os.environ.get("REGISTRY_AUTH_FILE")
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    podman = Path(runtime) / "containers" / "auth.json" if runtime else None
    return tuple(filter(None, (Path(named) if named else None, docker / "config.json", podman)))


def _read_config(path: Path) -> _DockerConfig:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_DockerConfig)
    except (OSError, msgspec.MsgspecError) as error:
        raise Problem(
            "unreadable-docker-config",
            cause=f"the stored logins in {path} cannot be read: {error}",
            remedy="Mend the file, or give --username and --password.",
        ) from error


def _from_auth(auth: _Auth) -> Login | None:
    if auth.identitytoken:
        return Login("", auth.identitytoken)
    if auth.auth:
        try:
            text = base64.b64decode(auth.auth + "==").decode()
        except (binascii.Error, UnicodeDecodeError):
            return None
        username, _, password = text.partition(":")
        return Login(username, password.rstrip("\0"))
    return Login(auth.username, auth.password) if auth.username else None


def _from_helper(helper: str, key: str) -> Login | None:
    """Ask `docker-credential-<helper>`; one that knows nothing, or is not there, is no error."""
    try:
        asked = subprocess.run(
            [f"docker-credential-{helper}", "get"],
            input=key.encode(),
            capture_output=True,
            timeout=60,
            check=True,
        )
        answer = json.loads(asked.stdout)
        username, secret = str(answer["Username"]), str(answer["Secret"])
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError):
        return None
    return Login("" if username == "<token>" else username, secret)
