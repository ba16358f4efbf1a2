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
from .finding import Finding, Tasks
from .probe_answer import ACCESS_DENIED
from .spec import VERIFYING

if t.TYPE_CHECKING:
    from .evidence import Evidence
    from .probe_answer import ProbeAnswer, Session

# The numbers are part of the protocol: the words that go with them differ between versions and languages.
_CAUSES = {
    1040: "too_many_connections",
    1203: "too_many_connections",
    1226: "too_many_connections",
    1044: "unknown_database",
    1049: "unknown_database",
    ACCESS_DENIED: "access_denied",
    # MariaDB gives it for a wrong password too, where the account also has unix_socket.
    1698: "auth_socket",
    1820: "password_expired",
    1862: "password_expired",
    3118: "account_locked",
    3955: "account_locked",
    4151: "account_locked",
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
# C(Access denied for user 'app'@'172.18.0.3' (using password: YES)), in any language.
_SEEN_AS = re.compile(r"'[^']*'@'([^']+)'")


def diagnose_login(evidence: Evidence) -> Finding | None:
    """Return why the login does not work, or that it reached another server; None if all is right."""
    session = evidence.seen.session
    if evidence.check.protocol != "mysql":
        return None
    if session is None:
        return Finding("probe_failed", "the probe ended without a login", "Try again.")
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


def no_client(evidence: Evidence, answer: ProbeAnswer) -> Finding:
    """Return that nobody who may know the password has the programs for a login."""
    source, target = evidence.ends
    wanted = {
        "mysql": "a mysql client",
        "tls": "a client that can demand TLS without a certificate to check, as MySQL's can and MariaDB's cannot",
        "name": "getent, nslookup or python3",
    }
    program = wanted.get(answer.missing, "a shell")
    place = f", nor has the image {answer.image}" if answer.image else ""
    image = target.container.image
    return Finding(
        "no_probe_tool",
        f"{source.name} does not have {program}{place}, so the login cannot be made. The password is given to no other"
        " image, unless the task names it",
        f"Set probe_image to an image that has {program} and may know the password; often that is {image}, the image of"
        f" {target.name}.",
        (remedies.check_again(evidence.check, probe_image=image),),
    )


def _failed(evidence: Evidence, session: Session) -> Finding:
    _source, target = evidence.ends
    cause = _CAUSES.get(session.error, "mysql_error")
    if cause == "access_denied" and evidence.seen.needs_tls:
        cause = "tls_required"
    server_message = f"{session.text} (error {session.error})"
    # A server that initialises may not have its users and databases yet.
    passing = target.health == "starting" and cause in ("access_denied", "unknown_database")
    describe = _DESCRIBED.get(cause)
    if describe:
        return replace(describe(evidence, server_message), passing=passing)
    advice, tasks = _advice(evidence, cause, session)
    return Finding(cause, f"the server in {target.name} refuses the login: {server_message}", advice, tasks)


def _not_mysql(evidence: Evidence, server_message: str) -> Finding:
    _source, target = evidence.ends
    check = evidence.check
    return Finding(
        "not_mysql",
        f"something accepts connections at port {check.port} of {target.name}, but does not greet as a MySQL server"
        f" does: {server_message}",
        "Correct the port; use protocol: tcp if it is no MySQL server.",
        (remedies.check_again(check, protocol="tcp"),),
    )


def _access_denied(evidence: Evidence, server_message: str) -> Finding:
    """The server does not say why: the hint lists what it may be."""
    source, target = evidence.ends
    login = evidence.check.login
    secret = "a password" if login.password else "no password"
    seen = _SEEN_AS.search(server_message)
    host = seen.group(1) if seen else next(iter(source.addresses), "the client's address")
    user, account = sql_string(login.user), sql_account(login.user)
    root = (
        " For root of an image, MYSQL_ROOT_PASSWORD and MYSQL_ROOT_HOST say so, and count only when its volume is new."
        if login.user == "root"
        else ""
    )
    tls = " TLS, which this login did not use, was tried too." if login.ssl_mode == "disabled" else ""
    listing = f"SELECT host, plugin, ssl_type FROM mysql.user WHERE user = {user}"  # noqa: S608 - a hint; nothing runs it
    return Finding(
        "access_denied",
        f"the server in {target.name} refuses the user {login.user} with {secret}: {server_message}",
        f"It takes the client for {user}@{sql_string(host)} and does not say what is wrong. Either the password is"
        " another one: correct the option login. Or no account is for that address, but one for 'localhost' only, say:"
        f" CREATE USER {account} IDENTIFIED BY '...'.{root} Or the account demands a client certificate: ALTER USER"
        f" {account} REQUIRE NONE.{tls} What there is: {listing}.",
    )


def _unknown_database(evidence: Evidence, server_message: str) -> Finding:
    login = evidence.check.login
    return Finding(
        "unknown_database",
        f"the login works, but not with the database {login.database}: {server_message}",
        f"Create the database, or grant {login.user} its use; MYSQL_DATABASE of an image counts only when its volume is"
        " new.",
    )


_DESCRIBED = {"not_mysql": _not_mysql, "access_denied": _access_denied, "unknown_database": _unknown_database}


def _advice(evidence: Evidence, cause: str, session: Session) -> tuple[str, Tasks]:
    """Return what to do, with the statement that repairs an account, and the tasks if some do."""
    source, _target = evidence.ends
    check = evidence.check
    account = sql_account(check.login.user)
    if cause == "tls_required":
        advice = "Set ssl_mode of the option login to preferred or required."
        return advice, (remedies.check_again(check, login=replace(check.login, ssl_mode="required")),)
    if cause == "tls_failed":
        return _tls_advice(evidence), ()
    with_host = "with the host that the account has"
    statements = {
        "account_locked": f"ALTER USER {account} ACCOUNT UNLOCK, {with_host}.",
        "password_expired": f"ALTER USER {account} IDENTIFIED BY '...', or PASSWORD EXPIRE NEVER, {with_host}.",
        "auth_socket": f"Use another account, or give this one a password: ALTER USER {account} IDENTIFIED WITH"
        f" caching_sha2_password BY '...' (MariaDB: IDENTIFIED BY '...'), {with_host}.",
        "client_not_allowed": f"CREATE USER {account} IDENTIFIED BY '...', since no account is for the address of"
        f" {source.name}; or FLUSH HOSTS, where the server blocks it.",
        "too_many_connections": "Raise max_connections, or look for a client that does not close its connections.",
    }
    return statements.get(cause, f"Look up the error {session.error} in the manual of the server."), ()


def _tls_advice(evidence: Evidence) -> str:
    login, host = evidence.check.login, evidence.host
    if login.ssl_mode not in VERIFYING:
        return "Set ssl_mode of the option login to preferred, or fix the certificate of the server."
    named = "and" if login.ssl_mode == "verify_identity" else "and, for MariaDB's client,"
    return (
        f"The certificate of the server must be signed by an authority in ssl_ca ({login.ssl_ca}), {named} be for the"
        f" name {host}."
    )


def sql_account(user: str) -> str:
    """Return an account for any host, as a statement has it."""
    return f"{sql_string(user)}@'%'"


def sql_string(value: str) -> str:
    """Return a literal that means the same with NO_BACKSLASH_ESCAPES and without, for what has no backslash."""
    return "'" + value.replace("'", "''") + "'"
