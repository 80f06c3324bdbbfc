"""Reads a kubeconfig: where the API is, whose certificates it may show, and who we are."""

from __future__ import annotations

import base64
import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from towline.problem import Problem


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach one API as one user."""

    server: str
    tls: ssl.SSLContext | None
    """None for plain HTTP."""
    token: str
    authority: str
    """The PEM of the API's certificate authority; empty when the system's own are trusted."""


def load(path: Path) -> Access:
    """What the kubeconfig's current context says; raises `Problem` when it says too little."""
    try:
        document = yaml.safe_load(path.read_text())
        context = _named(document, "contexts", document["current-context"])["context"]
        cluster = _named(document, "clusters", context["cluster"])["cluster"]
        user = _named(document, "users", context["user"]).get("user") or {}
        server = str(cluster["server"]).rstrip("/")
        authority = _text(path, cluster, "certificate-authority")
        tls = _tls(path, cluster, user, authority) if server.startswith("https:") else None
        token = user.get("token") or _read(path, user.get("tokenFile"))
        return Access(server, tls, token.strip(), authority)
    except (OSError, KeyError, TypeError, ValueError, yaml.YAMLError, ssl.SSLError) as error:
        raise Problem(
            "kubeconfig-unusable",
            cause=f"{path} does not say how to reach a Kubernetes API: {error!r}",
            remedy="give a kubeconfig that `kubectl --kubeconfig` accepts",
        ) from error


def _named(document: dict[str, Any], section: str, name: str) -> dict[str, Any]:
    for entry in document.get(section) or []:
        if entry["name"] == name:
            return dict(entry)
    raise KeyError(f"{section}: {name}")


def _read(kubeconfig: Path, name: str | None) -> str:
    return (kubeconfig.parent / name).read_text() if name else ""


def _text(kubeconfig: Path, section: dict[str, Any], name: str) -> str:
    """The PEM that is given in place, or in a file relative to the kubeconfig."""
    data = section.get(f"{name}-data")
    return base64.b64decode(data).decode() if data else _read(kubeconfig, section.get(name))


def _tls(
    kubeconfig: Path, cluster: dict[str, Any], user: dict[str, Any], authority: str
) -> ssl.SSLContext:
    tls = ssl.create_default_context(cadata=authority or None)
    if cluster.get("insecure-skip-tls-verify"):
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE
    certificate = _text(kubeconfig, user, "client-certificate")
    if certificate:
        _present(tls, certificate, _text(kubeconfig, user, "client-key"))
    return tls


def _present(tls: ssl.SSLContext, certificate: str, key: str) -> None:
    """`ssl` reads keys from files only; this one is readable by us alone and gone at once."""
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(f"{certificate}\n{key}")
        file.flush()
        tls.load_cert_chain(file.name)
