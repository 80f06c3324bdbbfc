"""A slow line to a server: what passes is counted, and it can be cut and mended."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

_PIECE = 16 * 1024


class SlowRelay:
    """Passes connections on, and no more than so many bytes in a second back through all of them."""

    def __init__(self, target: str, rate: float) -> None:
        host, _, port = target.partition(":")
        self._target = host, int(port)
        self._rate = rate
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _PIECE)
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.sent = 0
        self._turn = threading.Lock()
        self._ends = set[socket.socket]()
        self._is_cut = False
        threading.Thread(target=self._serve, daemon=True).start()

    def cut(self) -> None:
        """Break all connections, and every one that comes."""
        self._is_cut = True
        for end in tuple(self._ends):
            _shut(end)

    def mend(self) -> None:
        """Let connections pass again."""
        self._is_cut = False

    def close(self) -> None:
        """Take no more connections."""
        self.cut()
        _shut(self._listener)
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self._is_cut:
                    client.close()
                    continue
                server = socket.create_connection(self._target)
                self._ends |= {client, server}
                for pump in (self._to_server, self._to_client):
                    threading.Thread(target=pump, args=(client, server), daemon=True).start()

    def _to_server(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(_PIECE):
                server.sendall(data)
        _shut(server)

    def _to_client(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(_PIECE):
                with self._turn:
                    time.sleep(len(data) / self._rate)
                client.sendall(data)
                self.sent += len(data)
        _shut(client)
        for end in (client, server):
            self._ends.discard(end)
            end.close()


def _shut(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
