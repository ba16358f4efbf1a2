# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A proxy before the engine's socket that records every request and can spoil one of them.

The engine behind it is the real one. The proxy answers by itself only where a test asks for a fault.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
import time
import typing as t
from collections import Counter
from dataclasses import dataclass, replace

if t.TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FAULT_TEXT = "fault made by the test"
# How long after its client gave up a request may still be spoilt.
SECONDS_TO_STRIKE = 60


@dataclass(frozen=True)
class Fault:
    """What happens to a request, before the engine hears of it or after it has acted on it.

    Attributes:
        kind: C(error) answers with I(status) and I(message), C(cut) ends the connection, C(delay) takes I(seconds)
            more. C(twice) before: the engine gets the request twice, and the second answer counts. C(twice) after: the
            client gets the answer twice. C(break) sends a part of the answer. C(say) sends
            what I(say) makes of its body.
        after: whether the engine acts first.
        strike: called at this very moment, for instance to kill the client.
    """

    kind: t.Literal["error", "cut", "delay", "twice", "break", "say"]
    after: bool = False
    status: int = 500
    message: str = FAULT_TEXT
    seconds: float = 0
    strike: Callable[[], object] = lambda: None
    say: Callable[[bytes], bytes] = bytes


# The faults that need nothing else to be said.
FAULTS = {
    "error": Fault("error"),
    "error-after": Fault("error", after=True),
    "cut-before": Fault("cut"),
    "cut-after": Fault("cut", after=True),
    "cut-within": Fault("break", after=True),
    "sent-twice": Fault("twice"),
    "answered-twice": Fault("twice", after=True),
}
# What stands for one thing or another in a path: names and IDs.
_VARYING = re.compile(r"(?<=/)(?:[0-9a-f]{12,64}|[^/]*-[^/]*)(?=/|$)")


@dataclass(frozen=True)
class Request:
    method: str
    path: str

    @property
    def changes(self) -> bool:
        """Whether the request can change anything."""
        return self.method not in ("GET", "HEAD")

    @property
    def kind(self) -> str:
        """The request without what it is about, such as C(POST /networks/*/connect)."""
        path = re.sub(r"^/v[0-9.]+", "", self.path.partition("?")[0])
        return f"{self.method} {_VARYING.sub('*', path)}"

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class _Wires(t.NamedTuple):
    client: socket.socket
    engine: socket.socket
    from_client: t.BinaryIO
    from_engine: t.BinaryIO


class SocketProxy:
    """Listens at I(path) and passes everything on to the engine's unix socket.

    Attributes:
        requests: what came by, in order.
        fault: called with each request before it is passed on; returns what must happen to it, None for nothing. A
            text is one of FAULTS.
    """

    def __init__(self, path: Path, engine_socket: str) -> None:
        self.path = path
        self.requests: list[Request] = []
        self.fault: Callable[[Request], Fault | str | None] = lambda _request: None
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

    def count(self) -> Counter[str]:
        """Return how many requests of each kind came by."""
        return Counter(request.kind for request in self.requests)

    def spoil(self, fault: Fault | str, changes: int, kind: str = "") -> Callable[[], bool]:
        """Let one request have a fault; return a function that tells whether it has happened.

        If the client gave up before the engine's answer, the function waits for the answer and for the strike.

        Args:
            changes: after so many requests that can change something, counted from now on.
            kind: the first of this kind; by default the next that can change something.
        """
        whole = FAULTS[fault] if isinstance(fault, str) else fault
        before, happened, over = [0], [False], threading.Event()

        def strike() -> None:
            whole.strike()
            over.set()

        spoilt = replace(whole, strike=strike)

        def decide(request: Request) -> Fault | str | None:
            with self._lock:
                meant = request.kind == kind if kind else request.changes
                hit = not happened[0] and before[0] == changes and meant
                before[0] += request.changes
                happened[0] |= hit
                return spoilt if hit else None

        def has_happened() -> bool:
            assert not happened[0] or over.wait(SECONDS_TO_STRIKE), "the fault did not strike"
            return happened[0]

        self.fault = decide
        return has_happened

    def fail_changing(self, number: int, fault: Fault | str = "error") -> None:
        """Let the changing request with this I(number), counted from 0 and from now on, fail."""
        self.spoil(fault, number)

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
            wires = _Wires(client, engine, client.makefile("rb"), engine.makefile("rb"))
            while self._exchange(*wires):
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
        given = self.fault(request)
        fault = (FAULTS[given] if isinstance(given, str) else given) or Fault("delay")
        if fault.kind in ("error", "cut") and not fault.after:
            fault.strike()
            return _spoil(client, fault)
        if not fault.after:
            fault.strike()
            time.sleep(fault.seconds)
            if fault.kind == "twice":
                engine.sendall(head + body)
                _drain(from_engine, method)
        engine.sendall(head + body)
        answer = _read_head(from_engine)
        if fault.after:
            fault.strike()
            time.sleep(fault.seconds)
        if fault.kind in ("error", "cut"):
            # What is left of the engine's answer goes with the connection.
            _spoil(client, fault, b"Connection: close\r\n")
            return False
        return _pass_on(_Wires(client, engine, from_client, from_engine), answer, fault, method)


def _spoil(client: socket.socket, fault: Fault, headers: bytes = b"") -> bool:
    """Answer in the engine's place; return whether the connection can be used again."""
    if fault.kind == "error":
        client.sendall(_error(fault, headers))
    return fault.kind == "error"


def _pass_on(wires: _Wires, answer: bytes, fault: Fault, method: bytes) -> bool:
    """Pass the engine's answer on; return whether the connection can be used again."""
    if not answer:
        # The engine has gone away.
        return False
    if answer.split(b" ", 2)[1] == b"101" or b"docker.raw-stream" in answer:
        wires.client.sendall(answer)
        _pump_both(*wires)
        return False
    parts = [] if method == b"HEAD" else _body(answer, wires.from_engine)
    if fault.kind == "say" and method != b"HEAD":
        said = fault.say(_plain(answer, b"".join(parts)))
        line = answer.partition(b"\r\n")[0]
        wires.client.sendall(line + b"\r\nContent-Length: %d\r\n\r\n" % len(said) + said)
        return True
    if fault.kind == "twice" and fault.after:
        whole = answer + b"".join(parts)
        wires.client.sendall(whole + whole)
        return True
    wires.client.sendall(answer)
    for part in parts:
        if fault.kind == "break":
            wires.client.sendall(part[: len(part) // 2])
            return False
        wires.client.sendall(part)
    return fault.kind != "break"


def _error(fault: Fault, headers: bytes = b"") -> bytes:
    message = json.dumps({"message": fault.message}).encode()
    return b"HTTP/1.1 %d Spoiled\r\nContent-Type: application/json\r\n%s" % (
        fault.status,
        headers,
    ) + b"Content-Length: %d\r\n\r\n%s" % (len(message), message)


def _drain(source: t.BinaryIO, method: bytes) -> None:
    """Read one answer and forget it."""
    head = _read_head(source)
    if method != b"HEAD":
        for _part in _body(head, source):
            pass


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


def _plain(head: bytes, body: bytes) -> bytes:
    """Return a body without the frames of its chunks."""
    if _header(head, b"transfer-encoding") != b"chunked":
        return body
    parts = []
    while (size := int(body.partition(b"\r\n")[0], 16)) > 0:
        start = body.index(b"\r\n") + 2
        parts.append(body[start : start + size])
        body = body[start + size + 2 :]
    return b"".join(parts)


def _pump_both(client: socket.socket, engine: socket.socket, from_client: t.BinaryIO, from_engine: t.BinaryIO) -> None:
    def pump(source: t.BinaryIO, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.read1(65536):  # type: ignore[attr-defined]  # both are buffered readers
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    up = threading.Thread(target=pump, args=(from_client, engine), daemon=True)
    up.start()
    pump(from_engine, client)
