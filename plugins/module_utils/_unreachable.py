# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Why no engine can be asked: what the user can do about it."""

from __future__ import annotations

import errno
import socket
import sys
import typing as t

from ansible_collections.linklab.docker.plugins.module_utils._http import LineError
from ansible_collections.linklab.docker.plugins.module_utils._tls import handshake_problem

if t.TYPE_CHECKING:
    from collections.abc import Iterator

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
    told = str(exc) if isinstance(exc, LineError) else handshake_problem(_chain(exc), host)
    if told:
        return f"{told}."
    number = _errno(exc)
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
    if _is_timeout(exc):
        return f"the Docker Engine at {host} did not answer {label} within {timeout} s (option timeout)"
    return f"no answer from the Docker Engine at {host} to {label}: {_innermost(exc)}"


def _is_timeout(exc: BaseException) -> bool:
    # Before Python 3.10, a socket's is not the TimeoutError. That of requests hides it, depending on its version.
    requests = sys.modules.get("requests")
    kinds = (socket.timeout, TimeoutError, *([requests.exceptions.Timeout] if requests else ()))
    return isinstance(exc, kinds)


def _chain(exc: BaseException | None) -> Iterator[BaseException]:
    """Yield the exception and all that it wraps: requests and urllib3 pass the cause as an argument."""
    while exc is not None:
        yield exc
        inner = [arg for arg in exc.args if isinstance(arg, BaseException)]
        reason = getattr(exc, "reason", None)
        if isinstance(reason, BaseException):
            inner.append(reason)
        exc = inner[-1] if inner else exc.__cause__


def _errno(exc: BaseException) -> int | None:
    numbers = [e.errno for e in _chain(exc) if isinstance(e, OSError) and e.errno is not None]
    return numbers[-1] if numbers else None


def _innermost(exc: BaseException) -> str:
    last = list(_chain(exc))[-1]
    return str(last) or type(last).__name__
