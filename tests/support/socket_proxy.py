# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A proxy before the engine's socket that records every request and can make one of them fail.

The engine behind it is the real one. The proxy answers by itself only where a test asks for a fault.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import typing as t
from dataclasses import dataclass

if t.TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# error: answered 500 by the proxy, the engine never hears of it. cut: the connection ends, before the engine hears of
# the request or after it has acted on it.
Fault = t.Literal["error", "cut-before", "cut-after"]


@dataclass(frozen=True)
class Request:
    method: str
    path: str

    @property
    def changes(self) -> bool:
        """Whether the request can change anything."""
        return self.method not in ("GET", "HEAD")

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class SocketProxy:
    """Listens at I(path) and passes everything on to the engine's unix socket.

    Attributes:
        requests: what came by, in order.
        fault: called with each request before it is passed on; returns what shall happen to it, None for nothing.
    """

    def __init__(self, path: Path, engine_socket: str) -> None:
        self.path = path
        self.requests: list[Request] = []
        self.fault: Callable[[Request], Fault | None] = lambda _request: None
        self._engine_socket = engine_socket
        self._lock = threading.Lock()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"unix://{self.path}"

    @property
    def changing(self) -> list[Request]:
        """The requests that can change anything."""
        return [request for request in self.requests if request.changes]

    def fail_changing(self, number: int, fault: Fault = "error") -> None:
        """Let the changing request with this I(number), counted from 0 and from now on, fail."""
        left = [number]

        def decide(request: Request) -> Fault | None:
            with self._lock:
                left[0] -= request.changes
                return fault if request.changes and left[0] == -1 else None

        self.fault = decide

    def close(self) -> None:
        self._listener.close()
        self.path.unlink()

    def _accept(self) -> None:
        # Ends when the listener is closed.
        with contextlib.suppress(OSError):
            while True:
                client, _address = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        # Either side may go away at any time; both sockets are then closed, which tells the other one.
        with contextlib.suppress(OSError), client, socket.socket(socket.AF_UNIX) as engine:
            engine.connect(self._engine_socket)
            from_client, from_engine = client.makefile("rb"), engine.makefile("rb")
            while self._exchange(client, engine, from_client, from_engine):
                pass

    def _exchange(
        self, client: socket.socket, engine: socket.socket, from_client: t.BinaryIO, from_engine: t.BinaryIO
    ) -> bool:
        """Pass one request and its answer on; return whether the connection can be used again."""
        head = _read_head(from_client)
        if not head:
            return False
        method, path = head.split(b" ", 2)[:2]
        request = Request(method.decode(), path.decode())
        body = b"".join(_body(head, from_client))
        with self._lock:
            self.requests.append(request)
        fault = self.fault(request)
        if fault == "error":
            message = b'{"message":"fault made by the test"}'
            client.sendall(b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\n")
            client.sendall(b"Content-Length: %d\r\n\r\n%s" % (len(message), message))
            return True
        if fault == "cut-before":
            return False
        engine.sendall(head + body)
        answer = _read_head(from_engine)
        if fault == "cut-after":
            return False
        client.sendall(answer)
        if answer.split(b" ", 2)[1] == b"101" or b"docker.raw-stream" in answer:
            _pump_both(client, engine, from_client, from_engine)
            return False
        if method != b"HEAD":
            for part in _body(answer, from_engine):
                client.sendall(part)
        return True


def _read_head(source: t.BinaryIO) -> bytes:
    lines = []
    for line in iter(source.readline, b""):
        lines.append(line)
        if line == b"\r\n":
            return b"".join(lines)
    return b""


def _header(head: bytes, name: bytes) -> bytes:
    for line in head.split(b"\r\n")[1:]:
        key, _colon, value = line.partition(b":")
        if key.strip().lower() == name:
            return value.strip().lower()
    return b""


def _body(head: bytes, source: t.BinaryIO) -> t.Iterator[bytes]:
    """Yield the body's parts as they are on the wire."""
    if _header(head, b"transfer-encoding") == b"chunked":
        while True:
            size = source.readline()
            chunk = source.read(int(size, 16) + 2)
            yield size + chunk
            if int(size, 16) == 0:
                return
    length = int(_header(head, b"content-length") or 0)
    if length:
        yield source.read(length)


def _pump_both(client: socket.socket, engine: socket.socket, from_client: t.BinaryIO, from_engine: t.BinaryIO) -> None:
    def pump(source: t.BinaryIO, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.read1(65536):  # type: ignore[attr-defined]  # both are buffered readers
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    up = threading.Thread(target=pump, args=(from_client, engine), daemon=True)
    up.start()
    pump(from_engine, client)
