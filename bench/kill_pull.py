"""What a thousand kills do to a store of layers, and how much of an image comes twice for it.

    python bench/kill_pull.py [--kills 1000] [--megabytes 60] [--seed 1]

A pull from a docker-registry on the loopback is killed with SIGKILL at a random moment, again and
again. After each kill every layer in the store is hashed again; a pull that is let live must
succeed, with what the killed ones have left and without leaving anything itself. All bytes pass a
proxy that counts them: what it has sent more than the pulls that were let live needed has come
twice, or was still on its way when the pull was killed. A layer that is wrong, a pull that does not
succeed, anything that it leaves, and more than five per cent of a layer twice end it with a failure.
A kill takes about a third of a second on two cores that have nothing else to do.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.images import file, image, tar
from tests.killed_pulls import Victim, torment
from tests.registries import docker_registry, put_image

LAYERS = 3
MOST_TWICE = 0.05
"""Of a layer, for each kill: what a connection of the loopback has in its buffers is some of it."""
BUFFER = 64 * 1024


class Counter:
    """Passes connections on, and counts what comes back. What it has sent is on its way at most."""

    def __init__(self, target: str) -> None:
        host, _, port = target.partition(":")
        self._target = host, int(port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.sent = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            client, _ = self._listener.accept()
            server = socket.create_connection(self._target)
            for source, sink in ((client, server), (server, client)):
                pump = threading.Thread(target=self._pump, args=(source, sink), daemon=True)
                pump.start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        back = source.getpeername() == self._target
        with contextlib.suppress(OSError):
            while data := source.recv(BUFFER):
                sink.sendall(data)
                self.sent += len(data) if back else 0
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def registry(megabytes: int, seed: int) -> Iterator[tuple[Counter, int]]:
    """A registry with an image, behind a counter; and the image's size."""
    chance = random.Random(seed)
    each = megabytes * 1_000_000 // LAYERS
    made = image(*(tar(file("random", chance.randbytes(each))) for _ in range(LAYERS)))
    with tempfile.TemporaryDirectory() as folder, docker_registry(Path(folder)) as address:
        put_image(address, "bench/image", "latest", made)
        yield Counter(address), sum(len(made.blobs[layer]) for layer in made.layers)


def main() -> None:
    """Kill and count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--megabytes", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began = time.monotonic()
    with (
        registry(options.megabytes, options.seed) as (counter, size),
        tempfile.TemporaryDirectory() as folder,
    ):
        victim = Victim(f"{counter.address}/bench/image:latest", Path(folder))
        seen = torment(victim, options.kills, options.seed)
        twice = counter.sent - (seen.completed + seen.unharmed) * size
    per_kill = twice / seen.kills / (size / LAYERS)
    print(f"{seen.kills} kills, {seen.completed} pulls completed among them")
    print("after each: every layer verified; after each pull that completed: nothing else left")
    print(f"reused {seen.reused / 1e6:.0f} MB of {seen.completed * size / 1e6:.0f} MB")
    print(f"came twice: {twice / 1e6:.1f} MB, {per_kill:.2%} of a layer for each kill")
    print(f"{time.monotonic() - began:.0f} s")
    if per_kill > MOST_TWICE:
        sys.exit(f"more than {MOST_TWICE:.0%} of a layer came twice")


if __name__ == "__main__":
    main()
