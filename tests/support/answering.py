# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that answers HTTP requests on a unix socket with given bytes."""

from __future__ import annotations

import contextlib
import itertools
import re
import socket
import threading
import typing as t

if t.TYPE_CHECKING:
    from pathlib import Path

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class Server:
    """Answers each request with the next of I(answers), and closes the connection after one that is not whole.

    Attributes:
        close_after: close it also after so many requests.
    """

    def __init__(self, path: Path) -> None:
        self.answers: list[bytes] = []
        self.requests: list[bytes] = []
        self.connections: list[socket.socket] = []
        self.close_after = 0
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _address = self._listener.accept()
                self.connections.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection.makefile("rb") as stream:
            while head := b"".join(itertools.takewhile(lambda line: line not in (b"", b"\r\n"), stream)):
                length = re.search(rb"Content-Length: (\d+)", head)
                self.requests.append(head + b"\r\n" + stream.read(int(length[1]) if length else 0))
                answer = self.answers.pop(0) if self.answers else OK
                connection.sendall(answer)
                if not answer.endswith((b"}", b"]", b"\n")) or len(self.requests) == self.close_after:
                    connection.shutdown(socket.SHUT_RDWR)
                    return

    def close(self) -> None:
        for one in (self._listener, *self.connections):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


def numbered(number: int, head: bytes = b"") -> bytes:
    return b"HTTP/1.1 200 OK\r\n%sContent-Length: 8\r\n\r\n[%5d]\n" % (head, number)
