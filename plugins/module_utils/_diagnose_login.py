# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Why a MySQL login does not work, from the error's number. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ansible_collections.linklab.docker.plugins.module_utils import _hints as hints
from ansible_collections.linklab.docker.plugins.module_utils._finding import Finding, Tasks

if t.TYPE_CHECKING:
    from ansible_collections.linklab.docker.plugins.module_utils._evidence import Evidence
    from ansible_collections.linklab.docker.plugins.module_utils._probe_answer import Session

# The numbers are part of the protocol: the words that go with them differ between versions and languages.
_CAUSES = {
    1040: "too_many_connections",
    1203: "too_many_connections",
    1226: "too_many_connections",
    1044: "unknown_database",
    1049: "unknown_database",
    1045: "access_denied",
    1698: "access_denied",
    1862: "access_denied",
    3118: "access_denied",
    4151: "access_denied",
    1129: "client_not_allowed",
    1130: "client_not_allowed",
    3159: "tls_required",
    2026: "tls_failed",
    # Nothing, or nothing that makes sense, where the greeting should be.
    1043: "not_mysql",
    2007: "not_mysql",
    2012: "not_mysql",
    2013: "not_mysql",
    2027: "not_mysql",
}


def diagnose_login(evidence: Evidence) -> Finding | None:
    """Return why the login does not work, or that it reached another server; None if all is right."""
    session = evidence.seen.session
    if session is None:
        return None
    if session.row is None:
        return _failed(evidence, session)
    _source, target = evidence.ends
    names = {target.owner.hostname.lower(), target.container.hostname.lower(), target.owner.short_id}
    if session.row[2].lower() in names:
        return None
    return Finding(
        "wrong_server",
        f"the server that answers at {evidence.host} has the hostname {session.row[2]}; that of {target.name} is"
        f" {target.owner.hostname}",
        f"Use a name that only {target.name} has, or its address.",
    )


def _failed(evidence: Evidence, session: Session) -> Finding:
    source, target = evidence.ends
    check = evidence.check
    cause = _CAUSES.get(session.error, "mysql_error")
    said = f"{session.text} (error {session.error})"
    where = f"port {check.port} of {target.name}"
    # A server that initialises may not have its users and databases yet.
    starting = target.health == "starting"
    if cause == "not_mysql":
        return Finding(
            cause,
            f"something accepts connections at {where}, but does not greet as a MySQL server does: {said}",
            "Correct the port; use protocol: tcp if it is no MySQL server.",
            (hints.check_again(check, protocol="tcp"),),
        )
    if cause == "access_denied":
        secret = "a password" if check.login.password else "no password"
        return Finding(
            cause,
            f"the server in {target.name} refuses the user {check.login.user} with {secret}: {said}",
            "Correct user and password of the option login. MYSQL_ROOT_PASSWORD of an image counts only when its"
            " volume is new.",
            passing=starting,
        )
    if cause == "unknown_database":
        return Finding(
            cause,
            f"the login works, but not with the database {check.login.database}: {said}",
            f"Create the database, or grant {check.login.user} its use; MYSQL_DATABASE of an image counts only when its"
            " volume is new.",
            passing=starting,
        )
    advice = {
        "tls_required": "Set ssl_mode of the option login to required.",
        "tls_failed": "Set ssl_mode of the option login to preferred, or mend the certificate of the server.",
        "client_not_allowed": f"Allow {check.login.user} from the address of {source.name} (CREATE USER ... @'%'), or"
        " unblock the address with FLUSH HOSTS.",
        "too_many_connections": "Raise max_connections, or look for a client that does not close its connections.",
    }.get(cause, f"Look up the error {session.error} in the manual of the server.")
    return Finding(cause, f"the server in {target.name} refuses the login: {said}", advice, _with_tls(evidence, cause))


def _with_tls(evidence: Evidence, cause: str) -> Tasks:
    if cause != "tls_required":
        return ()
    check = evidence.check
    return (hints.check_again(check, login=replace(check.login, ssl_mode="required")),)
