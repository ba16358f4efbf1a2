# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""What the probe script is fed for a check: its arguments, and the option file of a login."""

from __future__ import annotations

import typing as t

from .probe_script import script_arguments
from .spec import is_address

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from .spec import Check, Login


def probe_arguments(check: Check, host: str, own: Iterable[str] = ()) -> list[str]:
    """Return the arguments of the probe script. None of them is secret.

    Args:
        host: a name, or an address in the form that the target's have.
        own: the addresses that a login may go to.
    """
    return script_arguments(
        host,
        check.port,
        check.protocol,
        literal=is_address(host),
        own=own,
        lines=option_file(check.login).count("\n"),
        tls=check.login.ssl_mode,
        authorities=check.login.authorities,
    )


def probe_input(check: Check) -> bytes:
    """Return what the script reads: a line to start, then the option file."""
    return ("go\n" + (option_file(check.login) if check.protocol == "mysql" else "")).encode()


def option_file(login: Login) -> str:
    """Return an option file for the C(mysql) program of MySQL and of MariaDB, which read it alike."""
    lines = ["[mysql]", f"user={_quoted(login.user)}", f"password={_quoted(login.password)}"]
    if login.database:
        lines.append(f"database={_quoted(login.database)}")
    # A server may ask for files of the client's.
    lines.append("skip-local-infile")
    # An option that begins with "loose" may be unknown to a client. Without the key, a server with
    # caching_sha2_password refuses every first login that is not encrypted. Without the other, the client does not say
    # by a number that a password has expired.
    lines += ["loose-get-server-public-key", "loose-connect-expired-password"]
    # MariaDB's client alone reads this group. It demands a trusted certificate unless it is asked not to; servers in
    # containers have certificates that they signed themselves.
    if login.ssl_mode == "preferred":
        lines += ["[client-mariadb]", "loose-skip-ssl-verify-server-cert"]
    return "".join(f"{line}\n" for line in lines)


def _quoted(value: str) -> str:
    r"""Quote a value as option files have it (mysys/my_default.cc): in double quotes, with \ before such characters."""
    for raw, escaped in (("\\", "\\\\"), ('"', '\\"')):
        value = value.replace(raw, escaped)
    return f'"{value}"'
