# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Why no engine can be asked: what the user can do about it."""

from __future__ import annotations

import errno
import socket

from .tls import handshake_problem
from .transport import AnswerError, LineError

_ADVICE = (
    "If it expects TLS, set validate_certs: true, with ca_path, and client_cert and client_key where it wants to know"
    " its clients"
)


def no_engine(host: str, answer: str) -> str:
    """Return the message for something that answers at I(host), but not as an engine does."""
    return f"what answers at {host} does not answer as a Docker Engine does ({answer}). {_ADVICE}"


def why_unreachable(exc: BaseException, host: str, timeout: int, label: str) -> str:
    """Return the message for a request that got no answer.

    Args:
        host: where the engine was looked for, as in docker_host.
        timeout: how long was waited, in seconds.
        label: the request.
    """
    told = str(exc) if isinstance(exc, LineError) else handshake_problem(exc, host)
    if told:
        return f"{told}."
    number = exc.errno if isinstance(exc, OSError) else None
    return _advice(number, host) or _no_answer(exc, host, timeout, label)


def _advice(number: int | None, host: str) -> str:
    if number == errno.ENOENT:
        return (
            f"no Docker Engine at {host}: the socket does not exist. Start the engine"
            " (the role linklab.docker.engine does it), or set docker_host to where it listens."
        )
    if number in (errno.EACCES, errno.EPERM):
        return (
            f"the socket {host} may not be used by this user. Run the task with become: true,"
            " or add the user to the group docker."
        )
    if number == errno.ECONNREFUSED:
        return (
            f"nothing listens at {host}, so no Docker Engine answers. Start it"
            " (the role linklab.docker.engine does it), or set docker_host to where it listens."
        )
    return ""


def _no_answer(exc: BaseException, host: str, timeout: int, label: str) -> str:
    if isinstance(exc, AnswerError):
        return f"what the Docker Engine at {host} answered to {label} cannot be used: {exc}"
    # Before Python 3.10, a socket's is not the TimeoutError.
    if isinstance(exc, (TimeoutError, socket.timeout)):
        return f"the Docker Engine at {host} did not answer {label} within {timeout} s (option timeout)"
    return f"no answer from the Docker Engine at {host} to {label}: {str(exc) or type(exc).__name__}"
