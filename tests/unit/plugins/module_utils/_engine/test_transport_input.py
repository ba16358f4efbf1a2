# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What comes over a stream socket is input: more than was asked for, without end, about something else."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._engine.client import Engine
from ansible_collections.linklab.docker.plugins.module_utils._engine.connection import Connection
from ansible_collections.linklab.docker.plugins.module_utils._engine.place import unix
from ansible_collections.linklab.docker.plugins.module_utils._engine.streams import ask
from ansible_collections.linklab.docker.plugins.module_utils._engine.transport import (
    MOST_BYTES,
    AnswerError,
    Http,
    Request,
)
from ansible_collections.linklab.docker.plugins.module_utils._errors import NotFound, Unreachable
from answering import OK, Server, numbered

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# -- what nobody asked for --------------------------------------------------------------------------------------------


def test_an_answer_that_came_twice_is_not_taken_for_the_next_one(send, server):
    server.answers = [OK + OK]
    send()
    with pytest.raises(AnswerError, match="more came than was asked for"):
        send("POST", body={})
    assert len(server.requests) == 1
    assert send().content == b"{}"
    assert len(server.connections) == 2


def test_what_comes_after_an_answer_is_noticed_before_the_next_request(send, server):
    send()
    server.connections[0].sendall(b"H")
    time.sleep(0.05)
    with pytest.raises(AnswerError, match="more came than was asked for"):
        send()
    assert len(server.requests) == 1


def test_more_answers_than_requests_are_no_answers(send_all, server):
    server.answers = [numbered(0), numbered(1) + numbered(7)]
    with pytest.raises(AnswerError, match="more came than was asked for"):
        send_all(2)
    server.answers = [numbered(9)]
    assert [answer.content for answer in send_all(1)] == [b"[    9]\n"]


def test_nobody_goes_where_an_answer_leads(send, server):
    server.answers = [b"HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"]
    assert send().status_code == 301
    assert len(server.requests) == 1


# -- bounds -----------------------------------------------------------------------------------------------------------

CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n}",
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n}" % (MOST_BYTES + 1),
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 101 + b"\r\n}",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 99999 + b"\r\n\r\n}",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 9 + b"nonsense\n",
        CHUNKS + b"-5\r\n}",
        CHUNKS + b"nonsense\r\n}",
        CHUNKS + b"f" * 40 + b"\r\n}",
    ],
)
def test_an_answer_of_an_impossible_size_is_an_error_at_once(send, server, answer):
    server.answers = [answer]
    begun = time.monotonic()
    with pytest.raises((http.client.HTTPException, OSError)):
        send(timeout=30)
    assert time.monotonic() - begun < 10
    assert send().content == b"{}"


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\n\r\n", CHUNKS + b"-1\r\n", CHUNKS + b"fffffff\r\n"])
def test_an_answer_without_end_is_read_to_a_bound(path, head):
    with endless(path, head + b"x" * 4096) as sent:
        with pytest.raises(AnswerError, match="larger than any that is expected"):
            Http(unix(str(path))).send(Request("GET", "/x", 30, most=1 << 16))
        assert sum(sent) < 8 << 20


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", CHUNKS + b"f" * 5 + b"\r\n", CHUNKS, b""]
)
def test_an_answer_that_drips_takes_no_longer_than_one_that_does_not_come(path, head):
    with endless(path, b"x", pause=0.05, head=head):
        begun = time.monotonic()
        with pytest.raises((TimeoutError, socket.timeout)):
            Http(unix(str(path))).send(Request("GET", "/x", 0.5))
        assert time.monotonic() - begun < 5


def test_lines_that_drip_or_have_no_end_are_an_error(path):
    with (
        endless(path, b"x", pause=0.05, head=CHUNKS + b"fffff\r\n"),
        ask(unix(str(path)), Request("GET", "/x", 0.5)) as found,
        pytest.raises((TimeoutError, socket.timeout)),
    ):
        next(found.iter_lines())


def test_a_line_without_end_is_an_error(path):
    with (
        endless(path, b"x" * 5003, pause=0.001, head=CHUNKS + b"fffffff\r\n"),
        ask(unix(str(path)), Request("GET", "/x", 30)) as found,
        pytest.raises(AnswerError, match="one of its lines is too long"),
    ):
        next(found.iter_lines())


@contextlib.contextmanager
def endless(path: Path, part: bytes, pause: float = 0, head: bytes = b"") -> Iterator[list[int]]:
    """Answer the first request with I(head), and then with I(part) for ever; yield how much was sent."""
    sent: list[int] = []

    def serve() -> None:
        with contextlib.suppress(OSError):
            connection, _address = listener.accept()
            with connection:
                connection.recv(1 << 16)
                connection.sendall(head)
                while True:
                    connection.sendall(part)
                    sent.append(len(part))
                    time.sleep(pause)

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        thread = threading.Thread(target=serve)
        thread.start()
        yield sent
    # The client has closed its end.
    thread.join(10)
    assert not thread.is_alive()


# -- engines ----------------------------------------------------------------------------------------------------------


def described(name: str, ident: str = "a" * 64) -> bytes:
    body = json.dumps(
        {
            "Id": ident,
            "Name": f"/{name}",
            "Config": {},
            "HostConfig": {},
            "NetworkSettings": {},
            "State": {"Status": "running"},
        }
    ).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


@pytest.fixture
def engine(server: Server, path: Path) -> Iterator[Engine]:
    body = b'{"ApiVersion": "1.41"}'
    server.answers = [b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)]
    one = Engine(Connection(f"unix://{path}"))
    yield one
    one.close()


def test_a_container_that_is_renamed_in_the_middle_of_a_request_is_asked_for_again(engine, server):
    server.answers = [described("box.old"), described("box", "b" * 64)]
    assert engine.container("box")["Id"] == "b" * 64
    server.answers = [described("other"), described("box.old"), b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n\n"]
    assert list(engine.inspect_containers(["other", "box"])) == ["other"]


@pytest.mark.parametrize("ref", ["box", "c" * 64, "c" * 12])
def test_an_answer_about_another_container_is_no_answer(engine, server, ref):
    server.answers = [described("other") for _ask in range(3)]
    with pytest.raises(Unreachable, match="is not as the Engine API has it: it is about other, aaaaaaaaaaaa"):
        engine.container(ref)


@pytest.mark.parametrize("ref", ["aaaa", "client/db", "a"])
def test_what_the_engine_takes_for_something_else_is_not_there(engine, server, ref):
    server.answers = [described("other")]
    with pytest.raises(NotFound):
        engine.container(ref)


def test_an_answer_that_came_twice_ends_the_task(engine, server):
    listed = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"
    server.answers = [listed + listed]
    assert engine.containers() == []
    with pytest.raises(Unreachable, match="answered to GET /networks cannot be used: more came than was asked for"):
        engine.networks()
