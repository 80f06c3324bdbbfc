"""How fast the registry is: manifests, blobs and small uploads, beside Debian's docker-registry.

    .venv/bin/python bench/registry.py [--rounds 3]

Both are up all the time and are loaded in turns of about a second; medians are compared. Ours asks for
a token and verifies it, keeps metadata in SQLite and syncs every upload; the other has no
authentication and syncs as it does by default. The client shares the machine with both, so the
CPU time of the server per request says more than the rate.
"""

from __future__ import annotations

import argparse
import http.client
import os
import selectors
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.images import image, tar
from tests.registries import docker_registry
from tests.registry_role import serving

from towline.oci.digest import Digest

REPOSITORY, SLICE = "team/app", 1.0
CONNECTIONS, UPLOADERS = 16, 8
BLOB = os.urandom(1024 * 1024) * 64
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Peer:
    """One registry under load."""

    name: str
    port: int
    process: int
    headers: dict[str, str]
    rates: dict[str, list[float]] = field(default_factory=dict)
    costs: dict[str, list[float]] = field(default_factory=dict)

    def connect(self) -> http.client.HTTPConnection:
        """A new connection."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def cpu(self) -> float:
        """Seconds of CPU that its process has used."""
        text = Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()
        return (int(text[11]) + int(text[12])) / _TICK

    def measure(self, what: str, load: Callable[[Peer], float]) -> None:
        """One turn: how many units a second, and how much CPU each."""
        cpu, start = self.cpu(), time.perf_counter()
        units = load(self)
        seconds = time.perf_counter() - start
        self.rates.setdefault(what, []).append(units / seconds)
        self.costs.setdefault(what, []).append((self.cpu() - cpu) / units)


def send(peer: Peer, http_: http.client.HTTPConnection, method: str, path: str, body: bytes) -> str:
    """Send a request that has to succeed; where it leads."""
    kind = {"Content-Type": "application/vnd.oci.image.manifest.v1+json"}
    http_.request(method, path, body, peer.headers | kind)
    answer = http_.getresponse()
    said = answer.read()
    if answer.status not in {200, 201, 202}:
        raise RuntimeError(f"{peer.name}: {method} {path}: {answer.status} {said[:200]!r}")
    return str(answer.headers["Location"]).removeprefix(f"http://127.0.0.1:{peer.port}")


def push_blob(peer: Peer, http_: http.client.HTTPConnection, content: bytes) -> None:
    """Push a blob in two requests, as clients do."""
    place = send(peer, http_, "POST", f"/v2/{REPOSITORY}/blobs/uploads/", b"")
    mark = "&" if "?" in place else "?"
    send(peer, http_, "PUT", f"{place}{mark}digest={Digest.of(content)}", content)


def fill(peer: Peer) -> None:
    """Push an image and a large blob."""
    made = image(tar())
    http_ = peer.connect()
    for content in (*made.blobs.values(), BLOB):
        push_blob(peer, http_, content)
    send(peer, http_, "PUT", f"/v2/{REPOSITORY}/manifests/latest", made.manifest)
    http_.close()


def manifests(peer: Peer) -> float:
    """GET by tag on several connections; how many were answered."""
    request = _head(peer, f"/v2/{REPOSITORY}/manifests/latest")
    size = _answer_size(peer, request)
    selector, received = selectors.DefaultSelector(), 0
    for _ in range(CONNECTIONS):
        connection = socket.create_connection(("127.0.0.1", peer.port))
        connection.sendall(request)
        selector.register(connection, selectors.EVENT_READ)
    end = time.perf_counter() + SLICE
    while time.perf_counter() < end:
        for key, _ in selector.select(1):
            ready = key.fileobj
            assert isinstance(ready, socket.socket)
            before = received // size
            received += len(ready.recv(65536))
            if received // size > before:
                ready.sendall(request)
    for key in list(selector.get_map().values()):
        assert isinstance(key.fileobj, socket.socket)
        key.fileobj.close()
    return received / size


def blobs(peer: Peer) -> float:
    """GET of a large blob on one connection; how many megabytes came."""
    request, megabytes = _head(peer, f"/v2/{REPOSITORY}/blobs/{Digest.of(BLOB)}"), 0.0
    buffer = bytearray(1024 * 1024)
    end = time.perf_counter() + SLICE
    with socket.create_connection(("127.0.0.1", peer.port)) as connection:
        while time.perf_counter() < end:
            connection.sendall(request)
            _read_head(connection)
            left = len(BLOB)
            while left:
                left -= connection.recv_into(buffer, min(left, len(buffer)))
            megabytes += len(BLOB) / 1e6
    return megabytes


def uploads(peer: Peer) -> float:
    """Push random blobs of 1 KiB on several connections; how many were taken."""
    counts = list[int]()
    threads = [threading.Thread(target=_upload, args=(peer, counts)) for _ in range(UPLOADERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return float(sum(counts))


def _upload(peer: Peer, counts: list[int]) -> None:
    http_, count, end = peer.connect(), 0, time.perf_counter() + SLICE
    while time.perf_counter() < end:
        push_blob(peer, http_, os.urandom(1024))
        count += 1
    http_.close()
    counts.append(count)


def _head(peer: Peer, path: str) -> bytes:
    lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += ["Accept: application/vnd.oci.image.manifest.v1+json"]
    lines += [f"{name}: {value}" for name, value in peer.headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _read_head(connection: socket.socket) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += connection.recv(1)
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(head.decode())
    return head


def _answer_size(peer: Peer, request: bytes) -> int:
    """How long the answer is, head and body; it is the same every time."""
    with socket.create_connection(("127.0.0.1", peer.port)) as connection:
        connection.sendall(request)
        head = _read_head(connection)
    lines = head.decode().lower().split("\r\n")
    length = next(line for line in lines if line.startswith("content-length:"))
    return len(head) + int(length.partition(":")[2])


LOADS: dict[str, tuple[Callable[[Peer], float], str]] = {
    "manifest GET by tag": (manifests, "/s"),
    "blob GET, 64 MiB": (blobs, "MB/s"),
    "blob upload, 1 KiB": (uploads, "/s"),
}


def main() -> None:
    """Load both in turns and print what each does, and how they compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="tl-bench-") as folder:
        root = Path(folder)
        with serving(root / "data", "team") as role, docker_registry(root) as address:
            assert role.process is not None
            bearer = {"Authorization": f"Bearer {role.token(f'repository:{REPOSITORY}:pull,push')}"}
            ours = Peer("towline", role.port, role.process.pid, bearer)
            port = int(address.rpartition(":")[2])
            theirs = Peer("docker-registry", port, _child_besides(ours.process), {})
            peers = (ours, theirs)
            for peer in peers:
                fill(peer)
            for _ in range(rounds):
                for what, (load, _) in LOADS.items():
                    for peer in peers:
                        peer.measure(what, load)
            report(ours, theirs)


def _child_besides(known: int) -> int:
    """The other process that this one has started."""
    path = Path(f"/proc/{os.getpid()}/task/{threading.get_native_id()}/children")
    (other,) = {int(one) for one in path.read_text().split()} - {known}
    return other


def report(ours: Peer, theirs: Peer) -> None:
    """Medians, and how many times faster and cheaper ours is."""
    print(f"{'':22}{'towline':>20}{'docker-registry':>22}{'rate':>8}{'CPU':>8}")
    for what, (_, unit) in LOADS.items():
        shown = []
        for peer in (ours, theirs):
            rate, cost = median(peer.rates[what]), median(peer.costs[what])
            shown.append(f"{rate:8.0f} {unit} {cost * 1e6:5.0f} µs")
        faster = median(ours.rates[what]) / median(theirs.rates[what])
        cheaper = median(theirs.costs[what]) / median(ours.costs[what])
        print(f"{what:22}{shown[0]:>20}{shown[1]:>22}{faster:7.1f}x{cheaper:7.1f}x")


if __name__ == "__main__":
    main()
