"""The clients that people have, at a loopback door: skopeo and podman, as they are installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from email.message import Message
from pathlib import Path

import pytest
from tests.images import MadeImage, busybox_tar, file, image, index, tar, write_layout
from tests.registry_calls import described
from tests.registry_role import SECRET, USER, RegistryRole, serving

from towline.oci.digest import Digest
from towline.oci.media_type import OCI_EMPTY, OCI_INDEX, OCI_MANIFEST

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def role(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryRole]:
    """A registry with a private and a public namespace."""
    with serving(tmp_path_factory.mktemp("role") / "data", "team", "open", public=["open"]) as held:
        yield held


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    """An image as an OCI layout."""
    made = image(busybox_tar(), Cmd=["/bin/sh"])
    write_layout(tmp_path / "layout", made)
    return tmp_path / "layout"


def run(*command: str, home: Path, expect: int = 0) -> str:
    """Run a client with a home of its own; all that it says."""
    environment = {**os.environ, "HOME": str(home), "REGISTRY_AUTH_FILE": str(home / "auth.json")}
    done = subprocess.run(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=100,
        check=False,
    )
    assert (done.returncode == 0) == (expect == 0), done.stdout
    return done.stdout


def skopeo(*arguments: str, home: Path, expect: int = 0) -> str:
    """Run skopeo."""
    if shutil.which("skopeo") is None:
        pytest.skip("skopeo is not installed: `make install`")
    return run("skopeo", *arguments, home=home, expect=expect)


def test_skopeo_logs_in_pushes_looks_pulls_and_deletes(
    role: RegistryRole, layout: Path, tmp_path: Path
) -> None:
    """The whole life of an image over plain HTTP on loopback."""
    host = f"127.0.0.1:{role.port}"
    there, insecure = f"docker://{host}/team/app:v1", "--tls-verify=false"
    skopeo("login", insecure, "-u", USER, "-p", SECRET, host, home=tmp_path)
    skopeo("copy", "--dest-tls-verify=false", f"oci:{layout}:latest", there, home=tmp_path)
    looked = json.loads(skopeo("inspect", insecure, there, home=tmp_path))
    back = f"oci:{tmp_path / 'back'}:latest"
    skopeo("copy", "--src-tls-verify=false", there, back, home=tmp_path)
    skopeo("delete", insecure, there, home=tmp_path)
    gone = skopeo("inspect", insecure, there, home=tmp_path, expect=1)

    assert looked["RepoTags"] == ["v1"]
    assert blobs(tmp_path / "back") == blobs(layout)
    assert "manifest unknown" in gone


def test_a_wrong_password_is_refused_at_login(role: RegistryRole, tmp_path: Path) -> None:
    """Nothing is remembered."""
    host = f"127.0.0.1:{role.port}"
    said = skopeo(
        "login", "--tls-verify=false", "-u", USER, "-p", "wrong", host, home=tmp_path, expect=1
    )

    assert "invalid username/password" in said
    remembered = tmp_path / "auth.json"
    assert not remembered.exists() or "auth" not in remembered.read_text()


def test_without_a_login_only_what_is_public_can_be_pulled(
    role: RegistryRole, layout: Path, tmp_path: Path
) -> None:
    """And nothing can be pushed."""
    host, login = f"127.0.0.1:{role.port}", f"{USER}:{SECRET}"
    for name in ("team", "open"):
        target = f"docker://{host}/{name}/public:v1"
        skopeo(
            "copy",
            "--dest-tls-verify=false",
            f"--dest-creds={login}",
            f"oci:{layout}:latest",
            target,
            home=tmp_path,
        )
    public = f"docker://{host}/open/public:v1"
    skopeo("inspect", "--tls-verify=false", public, home=tmp_path)
    private = f"docker://{host}/team/public:v1"
    refused = skopeo("inspect", "--tls-verify=false", private, home=tmp_path, expect=1)
    source = f"oci:{layout}:latest"
    pushed = skopeo("copy", "--dest-tls-verify=false", source, public, home=tmp_path, expect=1)

    assert "unauthorized" in refused
    assert "unauthorized" in pushed


def test_skopeo_pushes_an_index_with_all_its_images(role: RegistryRole, tmp_path: Path) -> None:
    """`--all`: two platforms, one list."""
    host, login = f"127.0.0.1:{role.port}", f"{USER}:{SECRET}"
    one, two = image(tar(file("one", b"1"))), image(tar(file("two", b"2")))
    write_index_layout(tmp_path / "both", (one, "linux/amd64"), (two, "linux/arm64"))
    there = f"docker://{host}/team/both:v1"
    skopeo(
        "copy",
        "--all",
        "--dest-tls-verify=false",
        f"--dest-creds={login}",
        f"oci:{tmp_path / 'both'}:latest",
        there,
        home=tmp_path,
    )
    raw = json.loads(
        skopeo("inspect", "--raw", "--tls-verify=false", f"--creds={login}", there, home=tmp_path)
    )

    assert [one["platform"]["architecture"] for one in raw["manifests"]] == ["amd64", "arm64"]


@pytest.fixture
def storage() -> Iterator[list[str]]:
    """podman's own storage, at a path that is short enough for it."""
    with tempfile.TemporaryDirectory(prefix="tl-podman-") as folder:
        yield [f"--root={folder}/root", f"--runroot={folder}/run", "--storage-driver=vfs"]


@pytest.mark.root
def test_podman_logs_in_pushes_and_pulls(
    role: RegistryRole, layout: Path, storage: list[str], tmp_path: Path
) -> None:
    """With a store of its own, so that nothing of this machine is touched."""
    if shutil.which("podman") is None:
        pytest.skip("podman is not installed: `make install`")
    host = f"127.0.0.1:{role.port}"
    there, insecure = f"{host}/team/podman:v1", "--tls-verify=false"

    def podman(*arguments: str, expect: int = 0) -> str:
        """Run podman."""
        return run("podman", *storage, *arguments, home=tmp_path, expect=expect)

    podman("login", insecure, "-u", USER, "-p", SECRET, host)
    pulled = podman("pull", f"oci:{layout}:latest").split()[-1]
    podman("push", insecure, pulled, there)
    podman("rmi", "--force", pulled)
    podman("pull", insecure, there)
    shown = podman("images", "--format", "{{.Repository}}:{{.Tag}}")
    podman("rmi", "--all", "--force")
    podman("logout", host)
    refused = podman("pull", insecure, there, expect=1)

    assert there in shown
    assert "unauthorized" in refused


def test_a_signature_is_found_by_what_it_signs(
    role: RegistryRole, layout: Path, tmp_path: Path
) -> None:
    """As oras and cosign do it: a manifest with a subject, then a question for referrers."""
    host, login = f"127.0.0.1:{role.port}", f"{USER}:{SECRET}"
    there = f"docker://{host}/team/signed:v1"
    creds = ["--dest-tls-verify=false", f"--dest-creds={login}"]
    skopeo("copy", *creds, f"oci:{layout}:latest", there, home=tmp_path)
    repository = "/v2/team/signed"
    token = role.token("repository:team/signed:pull,push")
    manifest, seen = send(role, "GET", f"{repository}/manifests/v1", token)
    subject = {
        "mediaType": seen["Content-Type"],
        "digest": seen["Docker-Content-Digest"],
        "size": len(manifest),
    }
    config = Digest.of(b"{}")
    send(role, "POST", f"{repository}/blobs/uploads/?digest={config}", token, b"{}")
    signature = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": "application/vnd.example.signature",
            "config": described(b"{}", OCI_EMPTY),
            "layers": [described(b"{}", OCI_EMPTY)],
            "subject": subject,
        }
    ).encode()
    named = Digest.of(signature)
    _, told = send(role, "PUT", f"{repository}/manifests/{named}", token, signature)
    found, _ = send(role, "GET", f"{repository}/referrers/{subject['digest']}", token)

    assert told["OCI-Subject"] == subject["digest"]
    assert [one["digest"] for one in json.loads(found)["manifests"]] == [str(named)]


def send(
    role: RegistryRole, method: str, path: str, token: str, body: bytes | None = None
) -> tuple[bytes, Message]:
    """Send a request with a token; the body and the headers of the answer."""
    headers = {"Authorization": f"Bearer {token}"}
    if body is not None:
        headers["Content-Type"] = OCI_MANIFEST
    request = urllib.request.Request(role.url + path, body, headers, method=method)
    with urllib.request.urlopen(request) as answer:
        return answer.read(), answer.headers


def write_index_layout(path: Path, *images: tuple[MadeImage, str]) -> None:
    """An OCI image layout folder with one index, and all its images."""
    write_layout(path, images[0][0])
    listed = index(*images)
    contents = {Digest.of(listed): listed}
    for made, _ in images:
        contents |= made.blobs | {made.digest: made.manifest}
    for digest, content in contents.items():
        (path / "blobs/sha256" / digest.hex).write_bytes(content)
    entry = described(listed, OCI_INDEX)
    entry["annotations"] = {"org.opencontainers.image.ref.name": "latest"}
    (path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))


def blobs(layout: Path) -> dict[str, bytes]:
    """The content of an OCI layout."""
    return {one.name: one.read_bytes() for one in (layout / "blobs/sha256").iterdir()}
