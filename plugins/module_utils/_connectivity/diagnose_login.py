# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Why a MySQL login does not work, from the error's number. Pure."""

from __future__ import annotations

import re
import typing as t
from dataclasses import replace

from . import remedies
from .causes import CAUSES
from .finding import Finding, Tasks, found
from .spec import VERIFYING

if t.TYPE_CHECKING:
    from .evidence import Evidence
    from .probe_answer import Session

_BY_ERROR = {error: name for name, cause in CAUSES.items() for error in cause.errors}
# C(Access denied for user 'app'@'172.18.0.3' (using password: YES)), in any language.
_SEEN_AS = re.compile(r"'[^']*'@'([^']+)'")


def diagnose_login(evidence: Evidence) -> Finding | None:
    """Return why the login does not work, or that it reached another server; None if all is right."""
    session = evidence.seen.session
    if evidence.check.protocol != "mysql":
        return None
    if session is None:
        return found(evidence, "probe_failed/login")
    if session.row is None:
        return _failed(evidence, session)
    _source, target = evidence.ends
    names = {target.owner.hostname.lower(), target.container.hostname.lower(), target.owner.short_id}
    hostname = session.row[2]
    return None if hostname.lower() in names else found(evidence, "wrong_server", hostname=hostname)


def no_client(evidence: Evidence, place: str) -> Finding:
    """Return that nobody who may know the password has the programs for a login. place: where else was looked."""
    wanted = {
        "mysql": "a mysql client",
        "tls": "a client that can demand TLS without a certificate to check, as MySQL's can and MariaDB's cannot",
        "name": "getent, nslookup or python3",
    }
    program = wanted.get(evidence.seen.missing, "a shell")
    target = evidence.ends[1]
    image = target.container.image
    if image == evidence.seen.image:
        return found(evidence, "no_probe_tool/login", program=program, place=place, often="")
    again = remedies.check_again(evidence.check, probe_image=image)
    often = f"; often that is {image}, the image of {target.name}"
    return found(evidence, "no_probe_tool/login", again, program=program, place=place, often=often)


def _failed(evidence: Evidence, session: Session) -> Finding:
    check = evidence.check
    cause = _BY_ERROR.get(session.error, "mysql_error")
    if cause == "access_denied" and evidence.seen.needs_tls:
        cause = "tls_required"
    facts: dict[str, t.Any] = {
        "server_message": f"{session.text} (error {session.error})",
        "error": session.error,
        "account": f"{sql_string(check.login.user)}@'%'",
    }
    tasks: Tasks = ()
    if cause == "access_denied":
        facts.update(_whom(evidence, session))
    elif cause == "tls_required":
        tasks = (remedies.check_again(check, login=replace(check.login, ssl_mode="required")),)
    elif cause == "not_mysql":
        tasks = (remedies.check_again(check, protocol="tcp"),)
    elif cause == "tls_failed" and check.login.ssl_mode in VERIFYING:
        cause += "/verifying"
        facts["named"] = "and" if check.login.ssl_mode == "verify_identity" else "and, for MariaDB's client,"
    # A server that initialises may not have its users and databases yet.
    passing = evidence.ends[1].health == "starting" and cause in ("access_denied", "unknown_database")
    return found(evidence, cause, *tasks, passing=passing, **facts)


def _whom(evidence: Evidence, session: Session) -> dict[str, str]:
    """Return what there is to say of whom the server refuses."""
    source, _target = evidence.ends
    login = evidence.check.login
    seen = _SEEN_AS.search(session.text)
    user, host = sql_string(login.user), seen[1] if seen else next(iter(source.addresses), "the client's address")
    root = (
        " For root of an image, MYSQL_ROOT_PASSWORD and MYSQL_ROOT_HOST say so, and count only when its volume is new."
    )
    return {
        "secret": "a password" if login.password else "no password",
        "user": user,
        "client": f"{user}@{sql_string(host)}",
        "root": root if login.user == "root" else "",
        "tls": " TLS, which this login did not use, was tried too." if login.ssl_mode == "disabled" else "",
    }


def sql_string(value: str) -> str:
    """Return a literal that means the same with NO_BACKSLASH_ESCAPES and without, for what has no backslash."""
    return "'" + value.replace("'", "''") + "'"
