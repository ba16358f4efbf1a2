# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Requests to the engine over a stream socket, with the standard library alone.

Loading the Docker SDK takes as long as a hundred requests, and each request that it sends takes three times as long as
one from here. Its way through SSH needs a further library, and waits for ever where the C(ssh) program has ended. Here
no redirect is followed, no proxy of the environment is asked, and whatever comes has bounds of time and size.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import itertools
import json
import os
import socket
import time
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
# The largest answer that is read whole. The list of 1000 containers with long labels has 5 MB.
MOST_BYTES = 32 << 20
# What headers and the frames of chunks may take in addition.
FRAMES = 1 << 20


class LineError(OSError):
    """There is no line to the engine; the text is a whole sentence."""


class AnswerError(http.client.HTTPException):
    """What came cannot be the answer; the text says what about it, as a clause."""


class Line(socket.socket):
    """A socket that leads to the engine, however far away.

    Attributes:
        ended: whether the other side has said that nothing more comes.
    """

    ended = False
    _until: float | None = None
    _left = 0

    def problem(self) -> OSError | None:
        """Return why the line broke, where the line itself knows it."""
        return None

    def drop(self) -> None:
        """End at once what keeps the line up, after a failure."""

    def allow(self, seconds: float, size: int) -> None:
        """Set how long all that is read from now on may take, and how many bytes it may have."""
        self.settimeout(seconds)
        self._until, self._left = time.monotonic() + seconds, size

    def recv_into(self, buffer: Json, nbytes: int = 0, flags: int = 0) -> int:
        """Receive; raise TimeoutError, AnswerError beyond what is allowed."""
        if self._until is not None:
            left = self._until - time.monotonic()
            if left <= 0:
                # Of the kind that a socket raises: before Python 3.10 that is not the TimeoutError.
                raise socket.timeout("timed out")
            self.settimeout(left)
        size = super().recv_into(buffer, nbytes, flags)
        self.ended = self.ended or not size
        self._left -= size
        if self._until is not None and self._left < 0:
            raise AnswerError("it is larger than any that is expected")
        return size

    def poll(self) -> None:
        """Let what is read next not wait, and have no bounds."""
        self.settimeout(0)
        self._until = None


@dataclass(frozen=True)
class Request:
    """What to send.

    Attributes:
        body: sent as JSON, unless it is None.
        data: sent as it is, instead of a body: bytes, or a file from where it stands.
        timeout: how long sending may take, and the answer, in seconds; of an answer that goes on, each part.
        most: how many bytes an answer that is read whole may have.
    """

    method: str
    path: str
    timeout: float
    params: Mapping[str, Json] | None = None
    body: Json = None
    data: Json = None
    headers: Mapping[str, str] | None = None
    most: int = MOST_BYTES

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
class EngineResponse:
    """What the engine answered."""

    status_code: int
    reason: str
    headers: http.client.HTTPMessage
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode(errors="replace")


class Http:
    """A connection that is kept open between requests.

    Args:
        dial: opens a line to the engine, in so many seconds; raises OSError.
    """

    def __init__(self, dial: Callable[[float], Line]) -> None:
        self._connection = HttpConnection(dial)

    def close(self) -> None:
        self._connection.drop()

    def send(self, request: Request) -> EngineResponse:
        """Send one request and return the whole answer; raise OSError or HTTPException."""
        self._connection.ready(request.timeout)
        with self._connection.dropped_by_failure():
            return whole(self._connection.ask(request), request)

    def send_all(self, requests: Sequence[Request]) -> list[EngineResponse]:
        """Send GETs, one at least, without waiting for the answer before; return the answers in their order.

        Raises:
            OSError, HTTPException: at the first that fails.
        """
        self._connection.ready(requests[0].timeout)
        with self._connection.dropped_by_failure():
            answers = self._connection.ask_all(requests)
        # Who closes the connection after an answer has not looked at what came behind it.
        return [*answers, *map(self.send, requests[len(answers) :])]


# What http.client raises for an answer that breaks off, or whose frames have impossible sizes.
BROKEN = (http.client.HTTPException, ValueError, OverflowError, MemoryError)


def whole(response: http.client.HTTPResponse, request: Request) -> EngineResponse:
    """Read an answer to its end; raise HTTPException."""
    if (response.length or 0) > request.most:
        raise AnswerError(f"it is larger than {request.most >> 20} MiB")
    try:
        content = response.read()
    except http.client.HTTPException:
        raise
    except BROKEN as exc:
        raise AnswerError("its frames have impossible sizes") from exc
    return EngineResponse(response.status, response.reason, response.headers, content)


class HttpConnection(http.client.HTTPConnection):
    """A connection that can be used for one request after the other.

    Attributes:
        line: its socket, also where http.client holds that for closed since the engine closes after this answer.
        reader: what every answer is read from: what is read too far is the next one's, or nobody's.
    """

    line: Line
    reader: _Reader

    def __init__(self, dial: Callable[[float], Line]) -> None:
        super().__init__("localhost", blocksize=1 << 16)
        self.dial = dial
        self.response_class = self._response  # type: ignore[assignment]  # called as the class would be

    def _response(self, _sock: socket.socket, method: str | None = None) -> http.client.HTTPResponse:
        return http.client.HTTPResponse(t.cast("socket.socket", self.reader), method=method)

    def connect(self) -> None:
        self.sock = self.line = self.dial(t.cast("float", self.timeout))
        self.reader = _Reader(self.line.makefile("rb", buffering=0), self.blocksize)

    def ask(self, request: Request) -> http.client.HTTPResponse:
        data, headers = request.encoded()
        # An engine that does not want it answers before it has read all of it.
        with contextlib.suppress(BrokenPipeError):
            self.request(request.method, request.target, data, headers)
        self.line.allow(request.timeout, request.most + FRAMES)
        return self.getresponse()

    def ask_all(self, requests: Sequence[Request]) -> list[EngineResponse]:
        """Send GETs one behind the other, and return the answers up to one after which the connection is closed."""
        if self.sock is None:
            self.connect()
        heads = (request.head() for request in requests)
        answers: list[EngineResponse] = []
        self._push(itertools.islice(heads, AT_ONCE))
        for request in requests:
            self.line.allow(request.timeout, request.most + FRAMES)
            response = self._response(self.line, method="GET")
            response.begin()
            answers.append(whole(response, request))
            if response.will_close:
                self.drop()
                return answers
            self._push(itertools.islice(heads, 1))
        # Else the answers may be each other's.
        self.check()
        return answers

    def _push(self, heads: Iterable[bytes]) -> None:
        # Whoever closes the connection has answered before, which is read next.
        with contextlib.suppress(BrokenPipeError):
            self.sock.sendall(b"".join(heads))

    def ready(self, timeout: float) -> None:
        """Set the time that sending the next request may take, and leave a connection that the engine closed.

        Raises:
            AnswerError: the engine sent what nobody asked for. Nothing of the next request is sent then: it could be
                asked over another connection, but an answer that was read before may be the one to another request.
        """
        self.timeout = timeout
        if self.sock is None:
            return
        with self.dropped_by_failure():
            self.check()
        if self.line.ended:
            self.drop()
        else:
            self.line.settimeout(timeout)

    def check(self) -> None:
        """Raise AnswerError if there is anything to read, before anything is asked; notice the end."""
        self.line.poll()
        try:
            unasked = self.reader.peek(1)
        except ConnectionError:
            self.line.ended = True
            return
        if unasked:
            raise AnswerError("more came than was asked for, so that an answer may be the one to another request")

    @contextlib.contextmanager
    def dropped_by_failure(self) -> Iterator[None]:
        """Leave the line after a failure: what is left of an answer would be taken for that to the next request."""
        try:
            yield
        except BaseException as exc:
            line = getattr(self, "line", None)
            self.drop()
            problem = None
            if line is not None:
                problem = line.problem() if _broke(exc) else None
                line.drop()
            if problem:
                raise problem from exc
            raise

    def drop(self) -> None:
        """Close the connection at once, whoever still reads from it."""
        self.close()
        if hasattr(self, "reader"):
            self.reader.end()


class _Reader(io.BufferedReader):
    """What one response after the other is read from, each of which takes it for its socket and its file."""

    def makefile(self, _mode: str) -> _Reader:
        return self

    def close(self) -> None:
        """Stay open, where a response closes what it has read."""

    def flush(self) -> None:
        """Do nothing: this is only read, and a response flushes it even when its socket is closed."""

    def end(self) -> None:
        self.raw.close()


def _broke(exc: BaseException) -> bool:
    """Whether the other side went away, and not merely was too slow for us, or said what cannot be."""
    # Before Python 3.10, a socket's is not the TimeoutError.
    kept_up = (TimeoutError, socket.timeout, AnswerError)
    return isinstance(exc, (OSError, http.client.HTTPException)) and not isinstance(exc, kept_up)
