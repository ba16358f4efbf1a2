# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""What connectivity is to check: the task's options as frozen dataclasses, a matrix as single checks."""

from __future__ import annotations

import ipaddress
import itertools
import re
import typing as t
from dataclasses import dataclass, field, fields

from .._engine.images import image_name
from .._errors import SpecError, seconds_problem
from .causes import CAUSES

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Json = t.Any

# Host names, and the names of containers, which may have an underscore. They become arguments of programs, so none may
# begin with a hyphen.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
# What people write who mean a host: a URL, a host with its port, an address in brackets.
_PLACE = re.compile(r"(?:[a-z]+://)?(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<name>[^/:]+))(?::(?P<port>\d+))?(?:/.*)?")

_LEAST_INTERVAL = 0.05

# What a login may hold. MySQL's and MariaDB's client programs read lines of 4 KiB from an option file, and take the
# rest of a longer one for the next option: with each character escaped these are shorter. Names are as long as the
# longer of the two servers has them.
_MOST_CHARACTERS = {"user": 128, "database": 64}
_MOST_BYTES = {"password": 1024}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
VERIFYING = ("verify_ca", "verify_identity")


@dataclass(frozen=True)
class Login:
    """Who logs in. The password is shown nowhere, not even in a traceback.

    Attributes:
        ssl_ca: a file with certificates on the host that the module runs on.
        authorities: what is in it, as PEM; read by M(read_authorities).
    """

    user: str = "root"
    password: str = field(default="", repr=False)
    database: str = ""
    ssl_mode: str = "preferred"
    ssl_ca: str = ""
    authorities: str = field(default="", repr=False)


@dataclass(frozen=True)
class Check:
    """One question: does the source reach the target under this name and port?

    Attributes:
        source, target: containers, by name or ID.
        host: the name or address that the source uses; empty for the target's own name.
        cause: with expect unreachable, why it must be so; empty for any reason.
        timeout, interval: in seconds.
    """

    source: str
    target: str
    host: str = ""
    port: int = 3306
    protocol: str = "mysql"
    login: Login = field(default_factory=Login)
    expect: str = "reachable"
    cause: str = ""
    timeout: float = 30.0
    interval: float = 1.0
    probe_image: str = ""
    pull: str = "never"

    def describe(self) -> str:
        """Return such as C(client -> database:3306 (mysql)) for tables and messages."""
        host = self.host or self.target
        name = f"[{host}]" if ":" in host else host
        place = name if self.protocol == "dns" else f"{name}:{self.port}"
        return f"{self.source} -> {place} ({self.protocol})"


LOGIN_OPTIONS: dict[str, Json] = {
    "user": {"type": "str", "default": "root"},
    "password": {"type": "str", "default": "", "no_log": True},
    "database": {"type": "str"},
    "ssl_mode": {
        "type": "str",
        "choices": ["disabled", "preferred", "required", *VERIFYING],
        "default": "preferred",
    },
    "ssl_ca": {"type": "path"},
}

# The options that a task gives once for all checks, and that an element of the list may override.
_SHARED: dict[str, Json] = {
    "host": {"type": "str"},
    "protocol": {"type": "str", "choices": ["dns", "tcp", "udp", "mysql"]},
    "login": {"type": "dict", "options": LOGIN_OPTIONS},
    "expect": {"type": "str", "choices": ["reachable", "unreachable"]},
    "cause": {"type": "str", "choices": list(CAUSES)},
    "timeout": {"type": "float"},
    "interval": {"type": "float"},
    "probe_image": {"type": "str"},
    "pull": {"type": "str", "choices": ["never", "missing"]},
}
_DEFAULTS = {name: getattr(Check, name) for name in ("port", "protocol", "expect", "timeout", "interval", "pull")}

CHECK_OPTIONS: dict[str, Json] = {
    **{
        name: {**option, "default": _DEFAULTS[name]} if name in _DEFAULTS else option
        for name, option in _SHARED.items()
    },
    "source": {"type": "str"},
    "target": {"type": "str"},
    "port": {"type": "int", "default": _DEFAULTS["port"]},
    "total_timeout": {"type": "float"},
    "checks": {
        "type": "list",
        "elements": "dict",
        "options": {
            **_SHARED,
            "source": {"type": "list", "elements": "str", "required": True},
            "target": {"type": "list", "elements": "str", "required": True},
            "port": {"type": "list", "elements": "int"},
        },
    },
}


def is_address(host: str) -> bool:
    """Whether I(host) is an IP address and not a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def parse_checks(params: Mapping[str, Json]) -> list[Check]:
    """Return the checks that a task asks for; raise SpecError."""
    if params.get("checks") is None:
        if not (params.get("source") and params.get("target")):
            raise SpecError("give source and target, or a list of checks")
        return [_parse(params)]
    if params.get("source") or params.get("target"):
        raise SpecError("source and target exclude checks: the elements of checks have their own")
    several = len(params["checks"]) > 1
    found = dict.fromkeys(
        check
        for number, element in enumerate(params["checks"])
        for check in _expand(params, element, f"checks[{number}]: " if several else "")
    )
    if not found:
        raise SpecError("checks names no pair of two containers")
    return list(found)


def parse_total_timeout(params: Mapping[str, Json]) -> float:
    """Return how long all checks may take together, in seconds, 0 for no limit; raise SpecError."""
    given = params.get("total_timeout")
    if given is None:
        return 0.0
    if problem := seconds_problem("total_timeout", given, _LEAST_INTERVAL):
        raise SpecError(problem)
    return float(given)


def _expand(params: Mapping[str, Json], element: Mapping[str, Json], where: str) -> Iterator[Check]:
    """Yield source x target x port. In a matrix, the pairs of a container with itself are left out."""
    for name in ("source", "target", "port"):
        if element.get(name) == []:
            otherwise = f"; leave it out for {params['port']}" if name == "port" else ""
            raise SpecError(f"{where}{name} is an empty list{otherwise}")
    ports = element.get("port") or [params["port"]]
    given = {name: value for name, value in element.items() if value is not None}
    pairs = list(itertools.product(element["source"], element["target"]))
    for (source, target), port in itertools.product(pairs, ports):
        if source != target or len(pairs) == 1:
            yield _parse({**params, **given, "source": source, "target": target, "port": port})


def _parse(values: Mapping[str, Json]) -> Check:
    given = {one.name: values[one.name] for one in fields(Check) if values.get(one.name) is not None}
    image = _probe_image(given.get("probe_image") or "")
    check = Check(**{**given, "login": _parse_login(given.get("login") or {}), "probe_image": image})
    problem = _problem(check)
    if problem:
        raise SpecError(f"{check.describe()}: {problem}")
    return check


def _probe_image(given: str) -> str:
    try:
        return image_name(given) if given else ""
    except SpecError as exc:
        raise SpecError(f"probe_image: {exc}") from exc


def _parse_login(given: Mapping[str, Json]) -> Login:
    return Login(**{name: str(value) for name, value in given.items() if value is not None})


def _problem(check: Check) -> str:
    """Return what is wrong with a check, or an empty string."""
    host = check.host or check.target
    problems = {
        "source and target must not be empty": not (check.source and check.target),
        f"{'host' if check.host else 'target'} {host!r} is neither a host name nor an address{_meant(host)}": not (
            is_address(host) or _NAME.fullmatch(host)
        ),
        f"port {check.port} is not between 1 and 65535": not 0 < check.port < 65536,
        seconds_problem("timeout", check.timeout, 0): True,
        seconds_problem("interval", check.interval, _LEAST_INTERVAL): True,
        "a cause needs expect: unreachable": bool(check.cause) and check.expect == "reachable",
    }
    found = [problem for problem, there in problems.items() if problem and there]
    return found[0] if found else _login_problem(check.login)


def _meant(host: str) -> str:
    """Return what may have been meant by a host that is none."""
    found = _PLACE.fullmatch(host)
    name = found and (found["six"] or found["name"])
    if not (found and name and (is_address(name) or _NAME.fullmatch(name))):
        return ""
    return f" (did you mean host: {name}{', port: ' + found['port'] if found['port'] else ''}?)"


def _login_problem(login: Login) -> str:
    """Return what is wrong with a login, or an empty string. It never has the values: one of them is secret."""
    for name in ("user", "password", "database"):
        value = getattr(login, name)
        encoded = value.encode(errors="replace")
        if _CONTROL.search(value) or encoded.decode() != value:
            return f"login.{name} has control characters, or is no text"
        if len(value) > _MOST_CHARACTERS.get(name, len(value)):
            return f"login.{name} has more than {_MOST_CHARACTERS[name]} characters"
        if len(encoded) > _MOST_BYTES.get(name, len(encoded)):
            return f"login.{name} has more than {_MOST_BYTES[name]} bytes"
    if bool(login.ssl_ca) != (login.ssl_mode in VERIFYING):
        wanted = " or ".join(VERIFYING)
        return f"login.ssl_ca goes with login.ssl_mode {wanted}, and one of these with ssl_ca"
    return ""
