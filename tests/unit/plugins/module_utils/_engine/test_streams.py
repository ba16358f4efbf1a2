# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers that go on over a stream socket."""

from __future__ import annotations

import socket
import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._engine.place import unix
from ansible_collections.linklab.docker.plugins.module_utils._engine.streams import Stream, ask
from ansible_collections.linklab.docker.plugins.module_utils._engine.transport import EngineResponse, Request

if t.TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from answering import Server


@pytest.fixture
def stream(server: Server, path: Path) -> Callable[..., Stream]:
    def call(answer: bytes, timeout: float = 5) -> Stream:
        server.answers = [answer]
        found = ask(unix(str(path)), Request("GET", "/x", timeout))
        assert isinstance(found, Stream)
        return found

    return call


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_a_line_is_there_before_the_next_one_comes(stream, server):
    # The server keeps the connection open after this, and the answer has no end.
    with stream(CHUNKED + b'8\r\n{"a": 1}\r\n2\r\n\r\n\r\n5\r\nrest\n\r\n', timeout=2) as answer:
        lines = answer.iter_lines()
        assert next(lines) == b'{"a": 1}'
        assert next(lines) == b"rest"
        with pytest.raises((TimeoutError, socket.timeout)):
            next(lines)


def test_a_stream_that_breaks_off_is_an_oserror(stream):
    with stream(CHUNKED + b"9\r\nhalf") as answer, pytest.raises(ConnectionError, match="broke off"):
        list(answer.iter_lines())
    with stream(CHUNKED + b"9\r\nhalf") as answer, pytest.raises(ConnectionError, match="broke off"):
        answer.read(100)


def test_a_stream_has_a_connection_of_its_own_that_ends_with_it(stream, send, server):
    send()
    with stream(CHUNKED + b"2\r\nok\r\n0\r\n\r\n") as answer:
        assert answer.read(100) == b"ok"
        assert send().content == b"{}"
    assert len(server.connections) == 2
    assert server.connections[1].recv(1) == b""


def test_an_error_instead_of_a_stream_is_read_whole(server, path):
    server.answers = [b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}"]
    answer = ask(unix(str(path)), Request("GET", "/x", 5))
    assert isinstance(answer, EngineResponse)
    assert (answer.status_code, answer.content) == (404, b"{}")
