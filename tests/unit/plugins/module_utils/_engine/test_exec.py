# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stream of a program in a container, as the engine frames it; and the time that the engine says it is."""

from __future__ import annotations

import itertools
import socket
import struct
import threading
import time
import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._engine import exec as engine_exec
from ansible_collections.linklab.docker.plugins.module_utils._engine.client import Engine
from ansible_collections.linklab.docker.plugins.module_utils._engine.connection import Connection
from ansible_collections.linklab.docker.plugins.module_utils._errors import Conflict, EngineError, Unreachable

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Json = t.Any


def frame(kind: int, data: bytes) -> bytes:
    return struct.pack(">BxxxL", kind, len(data)) + data


class Scripted:
    """A socket that answers HTTP requests with given bytes, and streams after an upgrade."""

    def __init__(self, path: Path) -> None:
        self.stream: list[bytes] = []
        self.asked: list[bytes] = []
        self.refusal = False
        self.pause = 0.0
        self.hold = threading.Event()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self.hold.set()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _address = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(client,), daemon=True).start()

    def _answer(self, client: socket.socket) -> None:
        with client, client.makefile("rb") as reader:
            while head := b"".join(itertools.takewhile(lambda line: line not in (b"\r\n", b""), reader)):
                length = [line for line in head.lower().splitlines() if line.startswith(b"content-length:")]
                reader.read(int(length[0].split(b":")[1])) if length else b""
                self.asked.append(head.split(b"\r\n", maxsplit=1)[0])
                if b"/start " in head and self.refusal:
                    client.sendall(b'HTTP/1.1 409 Conflict\r\nContent-Length: 24\r\n\r\n{"message":"it is over"}')
                    return
                if b"/start " in head:
                    client.sendall(b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
                    self.asked.append(reader.readline())
                    for part in self.stream:
                        client.sendall(part)
                        time.sleep(self.pause)
                    if not self.stream:
                        self.hold.wait(10)
                    return
                body = b'{"ApiVersion":"1.41","Version":"20.10","Id":"x1","ExitCode":3}'
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


@pytest.fixture
def scripted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scripted]:
    one = Scripted(tmp_path_factory.mktemp("s") / "sock")
    yield one
    one.close()


@pytest.fixture
def engine(scripted: Scripted) -> Iterator[Engine]:
    one = Engine(Connection(f"unix://{scripted._listener.getsockname()}"))
    yield one
    one.close()


def program(seconds: float = 10) -> engine_exec.Program:
    return engine_exec.Program(("sh",), b"go\n", seconds)


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_standard_output_and_error_are_reported_apart(size, scripted, engine):
    whole = frame(1, b"one ") + frame(2, b"two ") + frame(1, b"") + frame(1, "drei\u2603".encode())
    scripted.stream = [whole[start : start + size] for start in range(0, len(whole), size)]
    assert engine_exec.run_in(engine, "box", program()) == engine_exec.Output(3, "one drei\u2603", "two ")
    assert scripted.asked[1:] == [
        b"POST /v1.41/containers/box/exec HTTP/1.1",
        b"POST /v1.41/exec/x1/start HTTP/1.1",
        b"go\n",
        b"GET /v1.41/exec/x1/json HTTP/1.1",
    ]


def test_a_stream_that_is_cut(scripted, engine):
    scripted.stream = [frame(1, b"whole"), frame(1, b"a part")[:-3]]
    assert engine_exec.run_in(engine, "box", program()).stdout == "wholea p"


@pytest.mark.parametrize("stream", [[frame(1, b"x" * 65536)] * 129, [frame(1, b"x")[:4] + b"\xff" * 4 + b"x"]])
def test_a_program_that_writes_without_end(stream, scripted, engine):
    scripted.stream = stream
    with pytest.raises(Unreachable, match="wrote more than 8 MiB"):
        engine_exec.run_in(engine, "box", program())


def test_much_output_takes_no_longer_than_its_size(scripted, engine):
    scripted.stream = [frame(1, b"x" * 100) * 65536]
    begun = time.monotonic()
    assert len(engine_exec.run_in(engine, "box", program()).stdout) == 6553600
    assert time.monotonic() - begun < 5


def test_a_program_that_drips(scripted, engine):
    scripted.stream = [b"\1", b"\0"]
    scripted.pause = 0.3
    with pytest.raises(Unreachable, match=r"did not end within 0\.4 seconds"):
        engine_exec.run_in(engine, "box", program(0.4))


def test_a_program_that_takes_too_long(scripted, engine):
    with pytest.raises(Unreachable, match=r"did not end within 1 seconds"):
        engine_exec.run_in(engine, "box", program(1))


def test_a_stream_that_is_refused(scripted, engine):
    scripted.refusal = True
    with pytest.raises(Conflict, match="it is over"):
        engine_exec.run_in(engine, "box", program())


def test_the_time_of_the_engine():
    assert engine_exec._time_of("Tue, 24 Nov 2026 03:00:00 GMT") == 1795489200
    assert engine_exec._time_of("yesterday") == 0
    assert engine_exec._time_of("") == 0


def test_what_the_engine_said():
    assert engine_exec.explain(EngineError(500, "its words", "GET")) == "its words"
    assert engine_exec.explain(Unreachable("nobody there")) == "nobody there"


def test_the_input_is_not_in_the_description_of_a_program():
    assert "hush" not in repr(engine_exec.Program(("sh",), b"hush", 1))
