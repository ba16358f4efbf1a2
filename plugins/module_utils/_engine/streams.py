# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Answers that go on: what is pulled, what happens, and what a program in a container writes."""

from __future__ import annotations

import contextlib
import typing as t

from .transport import BROKEN, FRAMES, AnswerError, HttpConnection, whole

if t.TYPE_CHECKING:
    import http.client
    from collections.abc import Callable, Iterator, Mapping

    from .reader import Reader
    from .transport import EngineResponse, Line, Request

Json = t.Any

# The longest line: an event with all labels of a container has some kB.
_LONGEST_LINE = 1 << 20


class Stream:
    """An answer that goes on, over a connection of its own. Whatever breaks it is an OSError or an AnswerError.

    Attributes:
        status_code: that of the answer.
        line, reader: the socket, and what reads from it, for what is no HTTP any more.
    """

    def __init__(self, response: http.client.HTTPResponse, connection: HttpConnection) -> None:
        self._response, self._connection = response, connection
        self._timeout = t.cast("float", connection.timeout)
        self.status_code, self.line, self.reader = response.status, connection.line, connection.reader

    def read(self, size: int) -> bytes:
        """Return as many bytes, or fewer at the end."""
        with self._bounded(size):
            return self._response.read(size)

    def iter_lines(self) -> Iterator[bytes]:
        """Yield the lines that are not empty, each as soon as it is there."""
        while True:
            with self._bounded(_LONGEST_LINE):
                line = self._response.readline(_LONGEST_LINE)
            # Python's reader may return more than it was asked for.
            if len(line) >= _LONGEST_LINE:
                raise AnswerError("one of its lines is too long")
            if not line:
                return
            if line.strip():
                yield line.strip()

    @contextlib.contextmanager
    def _bounded(self, size: int) -> Iterator[None]:
        self.line.allow(self._timeout, size + FRAMES)
        try:
            yield
        except AnswerError:
            raise
        except BROKEN as exc:
            raise ConnectionError(f"the answer broke off: {exc!r}") from exc

    def close(self) -> None:
        self._response.close()
        self._connection.drop()

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def open_stream(engine: Reader, method: str, path: str, *, timeout: float | None = None, **parts: Json) -> Stream:
    """Send a request and return its answer as it comes; raise EngineError for a status of 300 and above.

    Args:
        parts: further ones of a Request.
    """
    return t.cast("Stream", engine.request(method, path, timeout=timeout, send=ask, **parts))


def upgrade(engine: Reader, path: str, params: Mapping[str, Json] | None = None, body: Json = None) -> Stream:
    """POST, and return the stream under which the engine hands the connection over: it goes both ways."""
    headers = {"Connection": "Upgrade", "Upgrade": "tcp"}
    return open_stream(engine, "POST", path, params=params, body=body, headers=headers)


def ask(dial: Callable[[float], Line], request: Request) -> Stream | EngineResponse:
    """Send over a connection of its own, and return the answer that goes on, or why there is none."""
    connection = HttpConnection(dial)
    connection.ready(request.timeout)
    with connection.dropped_by_failure():
        response = connection.ask(request)
        if response.status < 300:
            return Stream(response, connection)
        answer = whole(response, request)
    connection.drop()
    return answer
