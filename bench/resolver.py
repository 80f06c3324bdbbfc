"""How many questions a second a VPC's name server answers, beside Debian's dnsmasq in the same run.

    sudo .venv/bin/python bench/resolver.py

Both are processes of their own in one network namespace; one client with a window of questions
under way asks each in turn. `known` is one name over and over, as pods ask; `unknown` are names
that were never asked before, which nobody can remember. Each server has one core at most.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dns.message

from towline.linux import network_namespace
from towline.linux.namespace_socket import SocketMaker
from towline.network.name_answer import Answers
from towline.network.zone import View, closed, public_zones
from towline.sandbox.network.name_server import NameServer
from towline.sandbox.network.query_log import QueryLog

NAME, ADDRESS = "demo.tencentcloudcr.com", "198.18.0.10"
OURS, THEIRS = "127.0.0.1", "127.0.0.2"
SECONDS, ROUNDS, WINDOW = 1.0, 5, 64
LEAST = 5_000
_numbers = itertools.count()


async def serve(namespace: str) -> None:
    """Our name server, until it is killed."""
    answers = Answers(View({}, closed(public_zones([(NAME, ADDRESS)]))))
    with tempfile.TemporaryDirectory() as folder:
        server = NameServer(namespace, answers, QueryLog(Path(folder) / "bench.ring"))
        await server.open((OURS,))
        await asyncio.Event().wait()


@contextmanager
def servers(namespace: str) -> Iterator[dict[str, str]]:
    """The addresses of the name servers by name, for the length of the block."""
    inside = ["nsenter", f"--net={network_namespace.path_of(namespace)}"]
    commands = {"towline": [sys.executable, __file__, namespace]}
    addresses = {"towline": OURS}
    dnsmasq = shutil.which("dnsmasq", path=f"{os.environ['PATH']}:/usr/sbin")
    if dnsmasq is None:
        print("dnsmasq is not installed (`make install` brings it): measured alone")
    else:
        options = "--keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --no-daemon"
        where = [f"--listen-address={THEIRS}", "--bind-interfaces", "--pid-file=", "--user=root"]
        zone = [f"--host-record={NAME},{ADDRESS}", "--local=/tencentcloudcr.com/"]
        commands["dnsmasq"] = [*inside, dnsmasq, *options.split(), *where, *zone]
        addresses["dnsmasq"] = THEIRS
    quiet = subprocess.DEVNULL
    running = [subprocess.Popen(command, stdout=quiet) for command in commands.values()]
    try:
        for address in addresses.values():
            wait_for(namespace, address)
        yield addresses
    finally:
        for process in running:
            process.kill()
            process.wait()


def wait_for(namespace: str, address: str) -> None:
    """Ask until there is an answer."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with client(namespace, address) as made:
            made.settimeout(0.2)
            try:
                made.send(question(NAME))
                made.recv(512)
            except OSError:
                time.sleep(0.05)
            else:
                return
    raise TimeoutError(f"{address} does not answer")


def client(namespace: str, address: str) -> socket.socket:
    """A UDP socket that speaks to one server."""
    made = SocketMaker(network_namespace.path_of(namespace)).datagram(address)
    made.settimeout(1)
    made.connect((address, 53))
    return made


def question(name: str) -> bytes:
    """A question for an address."""
    return dns.message.make_query(name, "A").to_wire()


def fresh_questions() -> Iterator[bytes]:
    """Names that nobody has asked for, made from one so that the client costs next to nothing."""
    begin, end = question(f"{'x' * 12}.tencentcloudcr.com").split(b"x" * 12)
    for number in _numbers:
        yield begin + f"{number:012}".encode() + end


def rate(namespace: str, address: str, questions: Iterator[bytes]) -> float:
    """Answers a second with a window of questions under way."""
    answered = 0
    with client(namespace, address) as made:
        for _ in range(WINDOW):
            made.send(next(questions))
        begun = time.perf_counter()
        while time.perf_counter() < begun + SECONDS:
            made.recv(512)
            made.send(next(questions))
            answered += 1
        return answered / (time.perf_counter() - begun)


def main() -> None:
    """Print one line per kind of question."""
    namespace = f"tl-bench{os.getpid()}"
    network_namespace.create(namespace)
    try:
        with servers(namespace) as addresses:
            for kind, questions in (
                ("known", itertools.repeat(question(NAME))),
                ("unknown", fresh_questions()),
            ):
                rates: dict[str, list[float]] = {name: [] for name in addresses}
                for _, (name, address) in itertools.product(range(ROUNDS), addresses.items()):
                    rates[name].append(rate(namespace, address, questions))
                medians = {name: statistics.median(found) for name, found in rates.items()}
                shown = "  ".join(f"{name} {found:8,.0f}/s" for name, found in medians.items())
                ratio = medians["towline"] / medians.get("dnsmasq", medians["towline"])
                print(f"{kind:8} {shown}  ratio {ratio:.2f} (bound: {LEAST:,}/s)")
    finally:
        network_namespace.delete(namespace)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(serve(sys.argv[1]))
    else:
        main()
