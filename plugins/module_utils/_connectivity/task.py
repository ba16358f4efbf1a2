# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The module connectivity, between Ansible and the checks: options, signals, results, and what stays hidden."""

from __future__ import annotations

import os
import re
import signal
import typing as t
from dataclasses import replace
from pathlib import Path

from .._engine.answers import understood
from .._engine.client import Engine
from .._errors import LinklabError, SpecError
from .._module.common import connection_of
from .probe import ProbeImages
from .run import Run, result_of, run_checks
from .spec import parse_checks, parse_total_timeout
from .summary import fix_of, summary_of

if t.TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType

    from ansible.module_utils.basic import AnsibleModule

    from .._engine.connection import Connection
    from .spec import Check

Json = t.Any

# What one argument of a program may have is 128 KiB (Linux, MAX_ARG_STRLEN).
_MOST_CERTIFICATES = 64 * 1024
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")
_HIDDEN = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"


def run_task(module: AnsibleModule) -> None:
    """Make the checks that a task asks for, and end the module with one result or one message."""
    shown = {"invocation": {"module_args": hidden(module.params)}}
    module.no_log_values -= names_of_users(module.params)
    run = Run(ProbeImages(may_pull=not module.check_mode))
    _end_tidily(run)
    try:
        checks = read_authorities(parse_checks(module.params))
        run.begin(parse_total_timeout(module.params))
        engine = Engine(connection(module.params))
        with understood(engine):
            outcomes = run_checks(engine, checks, run)
    except LinklabError as exc:
        module.fail_json(msg=str(exc), **shown)
    result: dict[str, Json] = {"changed": bool(run.images.pulled), "pulled": run.images.pulled, **shown}
    if module.params["checks"] is None:
        result.update(result_of(outcomes[0]))
        if fix := fix_of(outcomes[0]):
            result["msg"] += f"\n\n{fix}"
    else:
        message, lines = summary_of(outcomes)
        result.update(
            msg=message,
            table=lines,
            results=[result_of(one) for one in outcomes],
            passed=all(one.passed for one in outcomes),
            reachable=all(one.reachable for one in outcomes),
        )
    for warning in dict.fromkeys(warning for one in outcomes for warning in one.warnings()):
        module.warn(warning)
    if not result["passed"]:
        if engine.info.podman:
            module.warn("the engine is Podman, and the causes are those that there are with Docker: some may be wrong")
        module.fail_json(**result)
    module.exit_json(**result)


def connection(params: Mapping[str, Json]) -> Connection:
    """Return the connection. The module's option timeout is that of the checks, not that of a request."""
    seconds = os.environ.get("DOCKER_TIMEOUT", "")
    return connection_of({**params, "timeout": int(seconds) if seconds.isdecimal() else 60})


def read_authorities(checks: list[Check]) -> list[Check]:
    """Read the files that ssl_ca names; raise SpecError. The certificates are no secret: they become arguments."""
    found = {path: _certificates(path) for path in {check.login.ssl_ca for check in checks} - {""}}
    return [
        replace(check, login=replace(check.login, authorities=found.get(check.login.ssl_ca, ""))) for check in checks
    ]


def _certificates(path: str) -> str:
    try:
        with Path(path).open(encoding="ascii", errors="replace") as file:
            text = file.read(_MOST_CERTIFICATES + 1)
    except OSError as exc:
        raise SpecError(f"login.ssl_ca: {path} cannot be read on this host: {exc.strerror}") from exc
    if len(text) > _MOST_CERTIFICATES:
        raise SpecError(
            f"login.ssl_ca: {path} has more than {_MOST_CERTIFICATES // 1024} KiB. Give a file with the one authority"
            " that signed the server's certificate"
        )
    found = _CERTIFICATE.findall(text)
    if not found:
        raise SpecError(f"login.ssl_ca: {path} has no certificate in PEM format (-----BEGIN CERTIFICATE-----)")
    return "\n".join(found)


def logins_of(params: Mapping[str, Json]) -> list[Mapping[str, Json]]:
    return [one for holder in (params, *(params.get("checks") or ())) if (one := holder.get("login"))]


def hidden(value: Json) -> Json:
    """Return parameters with every password replaced."""
    if isinstance(value, dict):
        return {
            key: (_HIDDEN if inner else inner) if key == "password" else hidden(inner) for key, inner in value.items()
        }
    return [hidden(inner) for inner in value] if isinstance(value, list) else value


def names_of_users(params: Mapping[str, Json]) -> set[str]:
    """Return the passwords that are the name of their user.

    Ansible blackens every text that equals a password, wherever in the result it stands. The lesson's user root has
    the password root, and its user and its messages would be illegible. Nothing of what a check returns comes from the
    password, so that what is left to see is the user's name. From ansible-core 2.22 on results
    stay as they are, and what is shown of them is hidden whatever a module says.
    """
    return {one["password"] for one in logins_of(params) if one["password"] and one["password"] == one["user"]}


def _end_tidily(run: Run) -> None:
    """Let a task that is asked to stop remove its helper first. A helper also exits, and is removed, on its own."""

    def end(number: int, _frame: FrameType | None) -> t.NoReturn:
        run.stop.set()
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
