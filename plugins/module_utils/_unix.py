# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Short requests over the engine's unix socket, with the standard library alone.

Loading the Docker SDK takes as long as a hundred requests, and each request that it sends takes three times as long as
one from here. Most tasks need nothing else.
"""

from __future__ import annotations

import http.client
import json
import select
import socket
import typing as t
from dataclasses import dataclass
from urllib.parse import quote, urlencode

if t.TYPE_CHECKING:
    from collections.abc import Mapping

Json = t.Any

# What is not escaped in a path: requests has the same, so that a path means the same however it is sent.
_SAFE = "!#$%&'()*+,/:;=?@[]~"


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


class UnixSocket:
    """A connection to the socket at a path, kept open between requests."""

    def __init__(self, path: str) -> None:
        self._connection = _Connection(path)

    def close(self) -> None:
        self._connection.close()

    def send(self, method: str, path: str, params: Mapping[str, Json] | None, body: Json, timeout: float) -> Answer:
        """Send one request and return the whole answer; raise OSError or HTTPException."""
        self._connection.ready(timeout)
        try:
            response = self._connection.ask(method, path, params, body)
            return Answer(response.status, response.reason, response.headers, response.read())
        except BaseException:
            # What is left of the answer would be taken for that to the next request.
            self._connection.close()
            raise

    def upgrade(
        self, path: str, params: Mapping[str, Json] | None, body: Json, timeout: float
    ) -> http.client.HTTPResponse | Answer:
        """POST over a connection of its own, and return the response under which it is a stream, or why it is none."""
        connection = _Connection(self._connection.path)
        connection.timeout = timeout
        try:
            response = connection.ask("POST", path, params, body, {"Connection": "Upgrade", "Upgrade": "tcp"})
            if response.status < 400:
                # It has the socket now. To close the connection would close the response.
                return response
            answer = Answer(response.status, response.reason, response.headers, response.read())
        except BaseException:
            connection.close()
            raise
        connection.close()
        return answer


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost")
        self.path = path

    def connect(self) -> None:
        sock = socket.socket(socket.AF_UNIX)
        try:
            sock.settimeout(self.timeout)
            sock.connect(self.path)
        except BaseException:
            sock.close()
            raise
        self.sock = sock

    def ask(
        self,
        method: str,
        path: str,
        params: Mapping[str, Json] | None,
        body: Json,
        extra: Mapping[str, str] | None = None,
    ) -> http.client.HTTPResponse:
        query = urlencode({key: value for key, value in (params or {}).items() if value is not None}, doseq=True)
        headers = {"User-Agent": "linklab.docker", **(extra or {})}
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        self.request(method, f"{quote(path, safe=_SAFE)}{f'?{query}' if query else ''}", data, headers)
        return self.getresponse()

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
