# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Where docker_host leads, and how lines to it are opened."""

from __future__ import annotations

import re
import socket
import typing as t

from .._errors import SpecError
from .transport import Line

if t.TYPE_CHECKING:
    from .connection import Connection

Dial = t.Callable[[float], Line]

# A name has no "-" in front, and nothing has what could end a header of HTTP.
_TCP = re.compile(
    r"tcp://(?:\[(?P<address>[0-9A-Fa-f:.]+)\]|(?P<name>\w[\w.-]*))(?::(?P<port>\d{1,5}))?(?P<base>(?:/[\w.~-]+)*)/?",
    re.ASCII,
)
_PLAIN_PORT, _TLS_PORT = 2375, 2376
_LAST_PORT = 65535


def way_to(connection: Connection) -> tuple[Dial, str]:
    """Return what opens lines to the engine, and what its paths begin with; raise SpecError."""
    host = connection.docker_host
    if host.startswith("unix:///"):
        return unix(host[len("unix://") :]), ""
    if host.startswith("ssh://"):
        # Not at the top, as the other ways: most engines are behind a unix socket.
        from .ssh import SshPlace

        return SshPlace.parse(host).dial, ""
    found = _TCP.fullmatch(host)
    if not found or int(found["port"] or 0) > _LAST_PORT:
        raise SpecError(_useless(host))
    name = found["address"] or found["name"]
    port = int(found["port"] or (_TLS_PORT if connection.encrypted else _PLAIN_PORT))
    dial = _tcp(name, port)
    if connection.encrypted:
        from .tls import over_tls

        dial = over_tls(dial, connection, connection.tls_hostname or name)
    return dial, found["base"]


def _useless(host: str) -> str:
    if "@" in host:
        # Not repeated: there may be a password in it.
        return (
            "docker_host cannot be used: only ssh:// has a user. With tcp:// the engine knows its clients by their"
            " certificates: set client_cert and client_key"
        )
    scheme, mark, rest = host.rpartition("://")
    meant = {"http": f"tcp://{rest}", "https": f"tcp://{rest} with validate_certs: true"}.get(scheme, "")
    if not mark:
        path = host.removeprefix("unix:")
        if path.startswith("/"):
            meant = f"unix://{path}"
        elif re.fullmatch(r"[\w.-]+:\d+", host):
            meant = f"tcp://{host}"
    return (
        f"docker_host {host!r} cannot be used: it must be a URL such as unix:///var/run/docker.sock,"
        f" tcp://192.0.2.23:2376 or ssh://user@host{f' (did you mean {meant}?)' if meant else ''}"
    )


def unix(path: str) -> Dial:
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


def _tcp(host: str, port: int) -> Dial:
    def dial(timeout: float) -> Line:
        made = socket.create_connection((host, port), timeout)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line = Line(made.family, made.type, made.proto, made.detach())
        line.settimeout(timeout)
        return line

    return dial
