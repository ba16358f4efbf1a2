# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Requests to the engine over a stream socket, with the standard library alone.

Loading the Docker SDK takes as long as a hundred requests, and each request that it sends takes three times as long as
one from here. Its way through SSH needs a further library, and waits for ever where the C(ssh) program has ended.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import itertools
import json
import os
import select
import socket
import typing as t
from dataclasses import dataclass
from urllib.parse import quote, urlencode

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

Json = t.Any

# What is not escaped in a path: requests has the same, so that a path means the same however it is sent.
_SAFE = "!#$%&'()*+,/:;=?@[]~"
# How many requests are on their way at once: few enough for any socket's buffer, so that neither side waits for the
# other to read first.
AT_ONCE = 50


class LineError(OSError):
    """There is no line to the engine; the text is a whole sentence."""


class Line(socket.socket):
    """A socket that leads to the engine, however far away."""

    def problem(self) -> OSError | None:
        """Return why the line broke, where the line itself knows it."""
        return None

    def drop(self) -> None:
        """End at once what keeps the line up, after a failure."""


@dataclass(frozen=True)
class Request:
    """What to send.

    Attributes:
        body: sent as JSON, unless it is None.
        data: sent as it is, instead of a body: bytes, or a file from where it stands.
        timeout: how long each step may take, in seconds.
    """

    method: str
    path: str
    timeout: float
    params: Mapping[str, Json] | None = None
    body: Json = None
    data: Json = None
    headers: Mapping[str, str] | None = None

    @property
    def target(self) -> str:
        query = urlencode({key: value for key, value in (self.params or {}).items() if value is not None}, doseq=True)
        return f"{quote(self.path, safe=_SAFE)}{f'?{query}' if query else ''}"

    def head(self) -> bytes:
        """Return all that is sent of a request without a body."""
        headers = {"Host": "localhost", "Accept-Encoding": "identity", **self.encoded()[1]}
        lines = [f"{self.method} {self.target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode("ascii")

    def encoded(self) -> tuple[Json, dict[str, str]]:
        """Return what is sent after the headers, and the headers."""
        headers = {"User-Agent": "linklab.docker", **(self.headers or {})}
        if self.body is not None:
            headers["Content-Type"] = "application/json"
            return json.dumps(self.body).encode(), headers
        if hasattr(self.data, "fileno"):
            # Else a file would be sent in chunks.
            headers["Content-Length"] = str(os.fstat(self.data.fileno()).st_size - self.data.tell())
        return self.data, headers


@dataclass(frozen=True)
class Answer:
    """What the engine answered, by the names that it has in the SDK."""

    status_code: int
    reason: str
    headers: http.client.HTTPMessage
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode(errors="replace")

    def json(self) -> Json:
        return json.loads(self.content)


class Stream:
    """An answer that goes on, by the names that it has in the SDK. Whatever breaks it is an OSError."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self._fp = response
        self.status_code = response.status

    @property
    def raw(self) -> Stream:
        return self

    def read(self, size: int = -1) -> bytes:
        try:
            return self._fp.read(None if size < 0 else size)
        except http.client.HTTPException as exc:
            raise ConnectionError(f"the answer broke off: {exc!r}") from exc

    def iter_lines(self, chunk_size: int = 0) -> Iterator[bytes]:  # noqa: ARG002 - the SDK's streams need it
        try:
            for line in self._fp:
                yield line.rstrip(b"\r\n")
        except http.client.HTTPException as exc:
            raise ConnectionError(f"the answer broke off: {exc!r}") from exc

    def close(self) -> None:
        self._fp.close()

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


class Http:
    """A connection that is kept open between requests, and further ones for what goes on.

    Args:
        dial: opens a line to the engine, in so many seconds; raises OSError.
    """

    def __init__(self, dial: Callable[[float], Line]) -> None:
        self._connection = _Connection(dial)

    def close(self) -> None:
        self._connection.close()

    def send(self, request: Request) -> Answer:
        """Send one request and return the whole answer; raise OSError or HTTPException."""
        self._connection.ready(request.timeout)
        with self._connection.dropped_by_failure():
            return _whole(self._connection.ask(request))

    def send_all(self, requests: Sequence[Request]) -> list[Answer]:
        """Send GETs, one at least, without waiting for the answer before; return the answers in their order.

        Raises:
            OSError, HTTPException: at the first that fails.
        """
        self._connection.ready(requests[0].timeout)
        with self._connection.dropped_by_failure():
            answers = self._connection.ask_all(requests)
        # Who closes the connection after an answer has not looked at what came behind it.
        return [*answers, *map(self.send, requests[len(answers) :])]

    def open(self, request: Request) -> http.client.HTTPResponse | Answer:
        """Send over a connection of its own, and return the response that goes on, or why there is none."""
        connection = _Connection(self._connection.dial)
        connection.timeout = request.timeout
        with connection.dropped_by_failure():
            response = connection.ask(request)
            answer = _whole(response) if response.status >= 400 else None
        # The response holds the socket as long as it is read.
        connection.release()
        return answer or response


def unix(path: str) -> Callable[[float], Line]:
    """Return what opens lines to a unix socket."""

    def dial(timeout: float) -> Line:
        line = Line(socket.AF_UNIX)
        try:
            line.settimeout(timeout)
            line.connect(path)
        except BaseException:
            line.close()
            raise
        return line

    return dial


def _whole(response: http.client.HTTPResponse) -> Answer:
    return Answer(response.status, response.reason, response.headers, response.read())


class _Connection(http.client.HTTPConnection):
    def __init__(self, dial: Callable[[float], Line]) -> None:
        super().__init__("localhost", blocksize=1 << 16)
        self.dial = dial
        self._line: Line | None = None

    def connect(self) -> None:
        self.sock = self._line = self.dial(t.cast("float", self.timeout))

    def ask(self, request: Request) -> http.client.HTTPResponse:
        data, headers = request.encoded()
        # An engine that does not want it answers before it has read all of it.
        with contextlib.suppress(BrokenPipeError):
            self.request(request.method, request.target, data, headers)
        return self.getresponse()

    def ask_all(self, requests: Sequence[Request]) -> list[Answer]:
        """Send GETs one behind the other, and return the answers up to one after which the connection is closed."""
        if self.sock is None:
            self.connect()
        heads = (request.head() for request in requests)
        answers: list[Answer] = []
        line = _Answers(self.sock.makefile("rb", buffering=0), self.blocksize)
        self._push(itertools.islice(heads, AT_ONCE))
        while len(answers) < len(requests):
            response = http.client.HTTPResponse(t.cast("socket.socket", line), method="GET")
            response.begin()
            answers.append(_whole(response))
            if response.will_close:
                self.close()
                break
            self._push(itertools.islice(heads, 1))
        return answers

    def _push(self, heads: Iterable[bytes]) -> None:
        # Whoever closes the connection has answered before, which is read next.
        with contextlib.suppress(BrokenPipeError):
            self.sock.sendall(b"".join(heads))

    def ready(self, timeout: float) -> None:
        """Set the time that each step of the next request may take, and leave a connection that the engine closed."""
        self.timeout = timeout
        if self.sock is None:
            return
        self.sock.settimeout(timeout)
        poll = select.poll()
        poll.register(self.sock, select.POLLIN)
        # Nothing is asked, so that nothing can be there to read but the end.
        if poll.poll(0):
            self.close()

    @contextlib.contextmanager
    def dropped_by_failure(self) -> Iterator[None]:
        """Leave the line after a failure: what is left of an answer would be taken for that to the next request."""
        try:
            yield
        except BaseException as exc:
            line = self._line
            self.close()
            problem = None
            if line is not None:
                problem = line.problem() if _broke(exc) else None
                line.drop()
            if problem:
                raise problem from exc
            raise

    def release(self) -> None:
        """Let go of the socket, which is closed once no response reads from it any more."""
        if self.sock is not None:
            self.sock.close()


class _Answers(io.BufferedReader):
    """What one response after the other is read from: what is read too far is the next one's."""

    def makefile(self, _mode: str) -> _Answers:
        return self

    def close(self) -> None:
        """Stay open, where a response closes what it has read."""

    def flush(self) -> None:
        """Do nothing: this is only read, and a response flushes it even when its socket is closed."""


def _broke(exc: BaseException) -> bool:
    """Whether the other side went away, and not merely was too slow for us."""
    # Before Python 3.10, a socket's is not the TimeoutError.
    return isinstance(exc, (OSError, http.client.HTTPException)) and not isinstance(exc, (TimeoutError, socket.timeout))
