# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests over a stream socket: what is sent, and what becomes of the connection."""

from __future__ import annotations

import http.client
import itertools
import socket
import threading
import time

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._engine.client import Engine
from ansible_collections.linklab.docker.plugins.module_utils._engine.connection import Connection
from ansible_collections.linklab.docker.plugins.module_utils._engine.place import unix
from ansible_collections.linklab.docker.plugins.module_utils._engine.transport import (
    AT_ONCE,
    Http,
    Request,
)
from ansible_collections.linklab.docker.plugins.module_utils._errors import Unreachable
from answering import OK, numbered


def test_an_answer_is_read_whole(send, server):
    body = '{"message": "né"}'.encode()
    server.answers = [b"HTTP/1.1 404 Not Found\r\nDate: now\r\nContent-Length: %d\r\n\r\n" % len(body) + body + b"{}"]
    answer = send()
    assert (answer.status_code, answer.reason, answer.headers.get("Date")) == (404, "Not Found", "now")
    assert (answer.content, answer.text) == (body, body.decode())


def test_an_answer_in_chunks_is_read_whole(send, server):
    server.answers = [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n[\r\n2\r\n1]\r\n0\r\n\r\n"]
    assert send().content == b"[1]"
    assert send().content == b"{}"


def test_an_answer_without_a_length_ends_with_the_connection(send, server):
    server.answers = [b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\nuntil the end"]
    assert send().content == b"until the end"
    assert send().content == b"{}"


def test_an_empty_answer_has_no_content(send, server):
    server.answers = [b"HTTP/1.1 204 No Content\r\n\r\n"]
    assert send("POST").content == b""


def test_what_is_sent(send, server):
    send("POST", "/v1.41/containers/a%2Fb c/é", {"all": "1", "none": None, "t": 5, "f": '{"a": ["b"]}'}, {"Name": "né"})
    (request,) = server.requests
    head, _blank, body = request.partition(b"\r\n\r\n")
    line, *headers = head.decode().split("\r\n")
    assert line == ("POST /v1.41/containers/a%2Fb%20c/%C3%A9?all=1&t=5&f=%7B%22a%22%3A+%5B%22b%22%5D%7D HTTP/1.1")
    assert {"Host: localhost", "Content-Type: application/json", f"Content-Length: {len(body)}"} <= set(headers)
    assert body == b'{"Name": "n\\u00e9"}'


def test_a_post_without_a_body_says_so(send, server):
    send("POST")
    assert b"Content-Length: 0\r\n" in server.requests[0]
    assert b"Content-Type" not in server.requests[0]


def test_requests_share_a_connection(send, server):
    for _number in range(3):
        send()
    assert (len(server.requests), len(server.connections)) == (3, 1)


def test_a_connection_that_was_closed_meanwhile_is_recreated_for_any_request(send, server):
    send()
    server.connections[0].shutdown(socket.SHUT_RDWR)
    time.sleep(0.05)
    assert send("POST", body={}).status_code == 200
    assert (len(server.requests), len(server.connections)) == (2, 2)


def test_a_request_is_not_sent_again_by_itself(send, server):
    server.answers = [b"broken"]
    with pytest.raises(http.client.BadStatusLine):
        send("POST")
    assert len(server.requests) == 1
    # And the next one is not mistaken for it.
    assert send().content == b"{}"


def test_an_answer_that_breaks_off_is_an_error(send, server):
    server.answers = [b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"]
    with pytest.raises(http.client.IncompleteRead):
        send()
    assert send().content == b"{}"


def test_an_answer_that_takes_too_long_is_an_error_and_not_taken_for_the_next(send, server):
    server.answers = [b"HTTP/1.1 200 OK\r\n\r\n"]
    with pytest.raises((TimeoutError, socket.timeout)):
        send(timeout=0.05)
    assert send(timeout=5).content == b"{}"


def test_a_socket_that_is_not_there_is_an_error(path):
    with pytest.raises(FileNotFoundError):
        Http(unix(str(path))).send(Request("GET", "/", 1))


# -- many at once -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, AT_ONCE, AT_ONCE + 1, 3 * AT_ONCE])
def test_answers_come_in_the_order_of_the_requests(send_all, server, count):
    server.answers = [numbered(number) for number in range(count)]
    assert [answer.content for answer in send_all(count)] == [b"[%5d]\n" % number for number in range(count)]
    assert [request.split()[1] for request in server.requests] == [b"/%d" % number for number in range(count)]
    assert len(server.connections) == 1


def test_requests_do_not_wait_for_the_answers_before(path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        heads: list[bytes] = []

        def serve() -> None:
            connection, _address = listener.accept()
            with connection, connection.makefile("rb") as stream:
                # Answers once it has them all, and never if they come one by one.
                while len(heads) < 3:
                    heads.append(b"".join(itertools.takewhile(lambda line: line != b"\r\n", stream)))
                connection.sendall(OK * 3)

        thread = threading.Thread(target=serve)
        thread.start()
        one = Http(unix(str(path)))
        answers = one.send_all([Request("GET", "/a b", 5, {"all": "1"}), *[Request("GET", "/", 5)] * 2])
        thread.join()
        one.close()
    assert [answer.content for answer in answers] == [b"{}"] * 3
    assert heads[0].split(b"\r\n")[0] == b"GET /a%20b?all=1 HTTP/1.1"
    assert b"Host: localhost\r\n" in heads[0]


def test_answers_may_have_any_form(send_all, server):
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n[\r\n2\r\n1]\r\n0\r\n\r\n"
    missing = b'HTTP/1.1 404 Not Found\r\nContent-Length: 15\r\n\r\n{"message":"a"}'
    server.answers = [chunked, missing, b"HTTP/1.1 204 No Content\r\n\r\n", chunked]
    answers = send_all(4)
    assert [answer.status_code for answer in answers] == [200, 404, 204, 200]
    assert [answer.content for answer in answers] == [b"[1]", b'{"message":"a"}', b"", b"[1]"]


def test_a_server_that_closes_after_an_answer_is_asked_for_the_rest_one_by_one(send_all, server):
    server.answers = [numbered(0), numbered(1, b"Connection: close\r\n"), *map(numbered, range(2, 5))]
    server.close_after = 2
    assert [answer.content for answer in send_all(5)] == [b"[%5d]\n" % number for number in range(5)]
    assert len(server.connections) == 2


def test_requests_before_and_after_many_share_their_connection(send_all, http_, server):
    for number in (1, 2):
        server.answers = [numbered(number), *[OK] * 3]
        assert http_.send(Request("POST", "/", 5, body={})).content == b"[%5d]\n" % number
        assert [answer.content for answer in send_all(3)] == [b"{}"] * 3
    assert len(server.connections) == 1


def test_many_find_a_connection_that_was_closed_meanwhile_and_make_it_again(send_all, server):
    send_all(2)
    server.connections[0].shutdown(socket.SHUT_RDWR)
    time.sleep(0.05)
    assert len(send_all(2)) == 2
    assert (len(server.requests), len(server.connections)) == (4, 2)


@pytest.mark.parametrize("broken", [b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", b"broken", b"-"])
def test_many_that_break_off_are_an_error_and_leave_nothing_behind(send_all, server, broken):
    server.answers = [numbered(0), broken]
    with pytest.raises((http.client.HTTPException, OSError)):
        send_all(4)
    server.answers = [numbered(9)]
    assert [answer.content for answer in send_all(1)] == [b"[    9]\n"]


def test_many_of_which_one_takes_too_long_are_an_error_and_not_taken_for_the_next(send_all, server):
    server.answers = [numbered(0), b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n\n"]
    with pytest.raises((TimeoutError, socket.timeout)):
        send_all(2, timeout=1)
    server.answers = [numbered(9)]
    assert [answer.content for answer in send_all(1)] == [b"[    9]\n"]


def test_a_file_is_sent_from_where_it_stands_with_its_length(server, path, tmp_path):
    (tmp_path / "file").write_bytes(b"skipped" + b"x" * 200000)
    with (tmp_path / "file").open("rb") as data:
        data.seek(7)
        Http(unix(str(path))).send(Request("PUT", "/x", 5, data=data))
    assert b"Content-Length: 200000\r\n" in server.requests[0]
    assert server.requests[0].endswith(b"\r\n\r\n" + b"x" * 200000)


# -- engines ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer, message",
    [
        (b"SSH-2.0-OpenSSH\r\n", "no answer from the Docker Engine at unix://.*: SSH-2.0-OpenSSH"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", "did not answer GET /version within 1 s"),
    ],
)
def test_what_is_no_engine_is_reported_in_one_message(server, path, answer, message):
    server.answers = [answer]
    with pytest.raises(Unreachable, match=message):
        Engine(Connection(f"unix://{path}", timeout=1))


def test_each_thread_has_a_connection_of_its_own(server, path):
    body = b'{"ApiVersion": "1.41"}'
    server.answers = [b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)]
    engine = Engine(Connection(f"unix://{path}"))
    assert len(server.connections) == 1
    clone = engine.clone()
    assert clone.get("/x") == {}
    assert engine.get("/x") == {}
    assert engine.info == clone.info
    assert len(server.connections) == 2
    engine.close()
    clone.close()
