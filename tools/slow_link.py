"""A line of a known rate, with our registry at its other end, for `bench/lazy.py`.

Two namespaces and a pair of links between them, each end with a token bucket. The registry is a
process of the machine; the sockets at which it is reached are the other namespace's, handed to it
as the agent hands in the doors of a VPC. One door speaks TLS under the registry's name, which a name
server there knows, the other plain HTTP.
"""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dns.exception
import dns.message
import dns.rrset
from tests.registry_role import SECRET, USER, RegistryRole, serving

from towline.content.index_blob import ARTIFACT_TYPE, HEAD_TYPE, LAYER_ANNOTATION
from towline.linux import network_namespace
from towline.linux.namespace_socket import SocketMaker
from towline.registry.layer_indexer import SMALLEST

HERE, THERE = "tl-slow-here", "tl-slow-there"
ADDRESS = "10.99.7.1"
REPOSITORIES = "bench"
_LINK = f"link add there netns {THERE} type veth peer name here netns {HERE}"
_PATIENCE = 300  # seconds for an index


@dataclass(frozen=True, slots=True)
class SlowLink:
    """The line, and who is at its end."""

    role: RegistryRole

    @property
    def place(self) -> Path:
        """The namespace of those who pull."""
        return network_namespace.path_of(HERE)

    @property
    def sockets(self) -> SocketMaker:
        """Does things there."""
        return SocketMaker(self.place)

    @property
    def domain(self) -> str:
        """The registry's name, under which it speaks TLS."""
        return self.role.instance.domain

    @property
    def ca_file(self) -> Path:
        """Who signs for it."""
        return self.role.data.pull_authorities

    def plain(self, name: str) -> str:
        """The image for those who speak plain HTTP."""
        return f"{ADDRESS}/{REPOSITORIES}/{name}:latest"

    def named(self, name: str) -> str:
        """The image under the registry's name."""
        return f"{self.domain}/{REPOSITORIES}/{name}:latest"

    def push(self, name: str, layout: Path) -> None:
        """Put an image there, not over the line, and wait for its index."""
        towline = [str(Path(sys.executable).with_name("towline")), "push", "--plain-http"]
        door = self.role.url.removeprefix("http://")
        login = ["--username", USER, "--password", SECRET]
        place = f"{door}/{REPOSITORIES}/{name}:latest"
        subprocess.run([*towline, *login, str(layout), place], check=True, stdout=sys.stderr)
        deadline = time.monotonic() + _PATIENCE
        while not self._is_indexed(name):
            if time.monotonic() > deadline:
                raise RuntimeError(f"{name} has no index:\n{self.role.log()[-2000:]}")
            time.sleep(0.2)

    def layers(self, name: str) -> list[dict[str, Any]]:
        """The image's layers, as its manifest has them."""
        return list(self._ask(name, "manifests/latest")[0]["layers"])

    def plain_download(self, name: str) -> float:
        """Seconds that the image's layers take over the line, one after another, for nothing."""
        urls = [
            f"http://{ADDRESS}/v2/{REPOSITORIES}/{name}/blobs/{layer['digest']}"
            for layer in self.layers(name)
        ]
        token = self.role.token(f"repository:{REPOSITORIES}/{name}:pull")
        command = ["curl", "-sSf", "-H", f"Authorization: Bearer {token}"]
        for url in urls:
            command += ["-o", "/dev/null", url]
        began = time.perf_counter()
        self.sockets.inside(lambda: subprocess.run(command, check=True))
        return time.perf_counter() - began

    def _is_indexed(self, name: str) -> bool:
        _, digest = self._ask(name, "manifests/latest")
        listed, _ = self._ask(name, f"referrers/{digest}?artifactType={ARTIFACT_TYPE}")
        for found in listed["manifests"]:
            artifact, _ = self._ask(name, f"manifests/{found['digest']}")
            heads = {
                layer["annotations"][LAYER_ANNOTATION]
                for layer in artifact["layers"]
                if layer["mediaType"] == HEAD_TYPE
            }
            large = (layer for layer in self.layers(name) if layer["size"] >= SMALLEST)
            if heads == {layer["digest"] for layer in large}:
                return True
        return False

    def _ask(self, name: str, path: str) -> tuple[dict[str, Any], str]:
        token = self.role.token(f"repository:{REPOSITORIES}/{name}:pull")
        request = urllib.request.Request(f"{self.role.url}/v2/{REPOSITORIES}/{name}/{path}")
        request.add_header("Authorization", f"Bearer {token}")
        request.add_header("Accept", "application/vnd.oci.image.manifest.v1+json, */*")
        with urllib.request.urlopen(request) as answer:
            return json.load(answer), answer.headers.get("Docker-Content-Digest", "")


@contextlib.contextmanager
def slow_link(folder: Path, megabits: int) -> Iterator[SlowLink]:
    """A line of so many Mbit/s, and a registry at its end whose files are in the folder."""
    for name in (HERE, THERE):
        network_namespace.delete(name)  # of one that was killed
        network_namespace.create(name)
    try:
        _lay(megabits)
        with serving(folder, REPOSITORIES, public=(REPOSITORIES,)) as role:
            link = SlowLink(role)
            with _doors(role), _name_server(link):
                yield link
    finally:
        for name in (HERE, THERE):
            network_namespace.delete(name)


def _lay(megabits: int) -> None:
    subprocess.run(["ip", *_LINK.split()], check=True)
    limit = f"root tbf rate {megabits}mbit burst 128kb latency 30ms"
    for name, link, address in ((HERE, "here", "10.99.7.2"), (THERE, "there", ADDRESS)):
        lines = f"address add {address}/24 dev {link}\nlink set {link} up\n"
        subprocess.run(["ip", "-n", name, "-batch", "-"], input=lines, text=True, check=True)
        subprocess.run(["tc", "-n", name, "qdisc", "add", "dev", link, *limit.split()], check=True)


@contextlib.contextmanager
def _doors(role: RegistryRole) -> Iterator[None]:
    """Two doors at the other end, as long as this lasts."""
    with socket.socket(socket.AF_UNIX) as intake:
        intake.connect(str(role.data.doors_socket))
        for port, scheme in ((443, "https"), (80, "http")):
            with network_namespace.listen(THERE, ADDRESS, port) as listening:
                door = {"id": scheme, "instance_id": role.instance.id, "scheme": scheme}
                line = json.dumps(door).encode() + b"\n"
                socket.send_fds(intake, [line], [listening.fileno()])
                reply = json.loads(intake.recv(65536))
                if not reply["ok"]:
                    raise RuntimeError(f"the registry does not take a door: {reply}")
        yield


@contextlib.contextmanager
def _name_server(link: SlowLink) -> Iterator[None]:
    """Knows the registry's name and no other; a datagram of nothing ends it."""
    maker = SocketMaker(network_namespace.path_of(THERE))
    with maker.datagram(ADDRESS) as sock:
        sock.settimeout(None)
        sock.bind((ADDRESS, 53))
        thread = threading.Thread(target=_answer, args=(sock, link.domain))
        thread.start()
        try:
            yield
        finally:
            with maker.datagram(ADDRESS) as last:
                last.sendto(b"", (ADDRESS, 53))
            thread.join()


def _answer(sock: socket.socket, domain: str) -> None:
    while True:
        content, asker = sock.recvfrom(4096)
        if not content:
            return
        with contextlib.suppress(dns.exception.DNSException):
            query = dns.message.from_wire(content)
            answer = dns.message.make_response(query)
            name = query.question[0].name
            if name.to_text(omit_final_dot=True).lower() == domain:
                answer.answer.append(dns.rrset.from_text(name, 60, "IN", "A", ADDRESS))
            sock.sendto(answer.to_wire(), asker)
