# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import socket
from http.client import RemoteDisconnected

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._engine.transport import AnswerError, LineError
from ansible_collections.linklab.docker.plugins.module_utils._engine.unreachable import no_engine, why_unreachable

SOCKET = "unix:///run/some.sock"


@pytest.mark.parametrize(
    "error, message",
    [
        (FileNotFoundError(errno.ENOENT, "No such file"), "the socket does not exist. Start the engine"),
        (
            PermissionError(errno.EACCES, "Permission denied"),
            "may not be used by this user. Run the task with",
        ),
        (PermissionError(errno.EPERM, "Not permitted"), "may not be used by this user. Run the task with"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), "nothing listens at unix:///run/some.sock"),
        (TimeoutError("timed out"), "did not answer GET /version within 7 s (option timeout)"),
        (socket.timeout("timed out"), "did not answer GET /version within 7 s (option timeout)"),
        (RemoteDisconnected("Remote end closed connection"), "to GET /version: Remote end closed connection"),
        (OSError(errno.ECONNRESET, "reset by peer"), "to GET /version: [Errno 104] reset by peer"),
        (AnswerError("it is larger than 32 MiB"), "answered to GET /version cannot be used: it is larger than 32 MiB"),
        (LineError("ssh does not get to unix:///run/some.sock"), "ssh does not get to"),
        (ConnectionError(), "to GET /version: ConnectionError"),
    ],
)
def test_an_engine_that_does_not_answer_is_reported_with_what_to_do(error, message):
    told = why_unreachable(error, SOCKET, 7, "GET /version")
    assert message in told
    assert "unix:///run/some.sock" in told
    assert "\n" not in told


def test_an_answer_that_is_no_engine_s_leads_to_tls():
    message = no_engine("tcp://engine.example:2376", "400: sent an HTTP request to an HTTPS server")
    assert "validate_certs: true" in message
