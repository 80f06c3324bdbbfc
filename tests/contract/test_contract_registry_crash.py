"""`kill -9` in the middle of pushes: what was acknowledged is there, and nothing is half there."""

from __future__ import annotations

import http.client
import json
import random
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.registry_calls import described
from tests.registry_role import RegistryRole, serving

from towline.oci.digest import Digest
from towline.oci.media_type import OCI_CONFIG, OCI_LAYER, OCI_MANIFEST

REPOSITORY = "team/app"
PUSHERS = 4
CONFIG = b"{}"


@dataclass(slots=True)
class Acknowledged:
    """What pushers were told before the registry was killed."""

    blobs: list[Digest] = field(default_factory=list)
    tags: dict[str, int] = field(default_factory=dict)
    """How often each tag was moved, by acknowledgement."""
    progress: dict[str, int] = field(default_factory=dict)
    """How many bytes of each upload had arrived, when it was not finished yet."""
    count: int = 0


class Pusher(threading.Thread):
    """Pushes images in pieces, one after another, until the registry is gone."""

    def __init__(self, role: RegistryRole, seed: int, enough: threading.Semaphore) -> None:
        super().__init__()
        self._port, self._token = role.port, role.token(f"repository:{REPOSITORY}:pull,push")
        self._random = random.Random(seed)
        self._enough = enough
        self.told = Acknowledged()
        self.tag = f"tag-{seed}"

    def run(self) -> None:
        """Push until the connection breaks."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            while True:
                self._push(connection)
                self._enough.release()
        except (OSError, http.client.HTTPException):
            return
        finally:
            connection.close()

    def _push(self, connection: http.client.HTTPConnection) -> None:
        layer = self._random.randbytes(self._random.randint(1, 300_000))
        for content in (CONFIG, layer):
            self._push_blob(connection, content)
        number = self.told.tags.get(self.tag, 0) + 1
        body = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": OCI_MANIFEST,
                "config": described(CONFIG, OCI_CONFIG),
                "layers": [described(layer, OCI_LAYER)],
                "annotations": {"number": str(number)},
            }
        ).encode()
        path = f"/v2/{REPOSITORY}/manifests/{self.tag}"
        self._send(connection, "PUT", path, body, {"Content-Type": OCI_MANIFEST})
        self.told.tags[self.tag] = number

    def _push_blob(self, connection: http.client.HTTPConnection, content: bytes) -> None:
        digest, half = Digest.of(content), len(content) // 2
        location = self._send(connection, "POST", f"/v2/{REPOSITORY}/blobs/uploads/", b"")
        self._send(connection, "PATCH", location, content[:half])
        self.told.progress[location] = half
        self._send(connection, "PUT", f"{location}?digest={digest}", content[half:])
        del self.told.progress[location]
        self.told.blobs.append(digest)

    def _send(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        body: bytes,
        headers: dict[str, str] | None = None,
    ) -> str:
        bearer = {"Authorization": f"Bearer {self._token}"}
        connection.request(method, path, body, bearer | (headers or {}))
        answer = connection.getresponse()
        answer.read()
        assert answer.status in {201, 202}, answer.status
        return answer.headers["Location"]


class Reader:
    """Reads a registry that has come back."""

    def __init__(self, role: RegistryRole) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", role.port, timeout=30)
        token = role.token(f"repository:{REPOSITORY}:pull,push")
        self._bearer = {"Authorization": f"Bearer {token}"}

    def get(self, path: str) -> tuple[int, bytes, http.client.HTTPMessage]:
        """A status, a body, headers."""
        self._connection.request("GET", path, headers=self._bearer)
        answer = self._connection.getresponse()
        return answer.status, answer.read(), answer.headers

    def blob(self, digest: str) -> bytes:
        """A blob that has to be there."""
        status, body, _ = self.get(f"/v2/{REPOSITORY}/blobs/{digest}")
        assert status == 200, digest
        return body

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_and_nothing_is_half_there(tmp_path: Path) -> None:
    """Four at once, killed three times at some moment in the middle of their pushes."""
    with serving(tmp_path / "data", "team") as role:
        for round_ in range(3):
            enough = threading.Semaphore(0)
            pushers = [Pusher(role, round_ * PUSHERS + one, enough) for one in range(PUSHERS)]
            for pusher in pushers:
                pusher.start()
            for _ in range(10 + round_):
                assert enough.acquire(timeout=60)
            role.kill()
            for pusher in pushers:
                pusher.join()
            role.start()
            reader = Reader(role)
            for pusher in pushers:
                check_acknowledged(reader, pusher)
            check_whole(reader)
            reader.close()

        check_files(role.data.registry)


def check_acknowledged(reader: Reader, pusher: Pusher) -> None:
    """Every blob, the tag where it was or one further, and all bytes of the upload under way."""
    told = pusher.told
    for digest in told.blobs:
        assert digest.names(reader.blob(str(digest)))
    if pusher.tag in told.tags:
        status, body, _ = reader.get(f"/v2/{REPOSITORY}/manifests/{pusher.tag}")
        assert status == 200
        number = int(json.loads(body)["annotations"]["number"])
        assert told.tags[pusher.tag] <= number <= told.tags[pusher.tag] + 1
    for location, arrived in told.progress.items():
        status, _, headers = reader.get(location)
        if status == 404:
            continue  # its end was written down, though not acknowledged
        assert status == 204
        assert int(headers["Range"].partition("-")[2]) + 1 >= arrived


def check_whole(reader: Reader) -> None:
    """Every tag that is shown leads to an image that can be pulled completely."""
    _, body, _ = reader.get(f"/v2/{REPOSITORY}/tags/list")
    for tag in json.loads(body)["tags"]:
        _, manifest, headers = reader.get(f"/v2/{REPOSITORY}/manifests/{tag}")
        assert Digest.parse(headers["Docker-Content-Digest"]).names(manifest)
        image = json.loads(manifest)
        for part in (image["config"], *image["layers"]):
            assert Digest.parse(part["digest"]).names(reader.blob(part["digest"]))


def check_files(root: Path) -> None:
    """Every file is what its name says."""
    files = [one for one in (root / "blobs/sha256").rglob("*") if one.is_file()]
    assert files
    for file in files:
        assert Digest.of(file.read_bytes()).hex == file.name
