# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""What the engine answers, as input: what an answer can be, and one message for whatever else it is.

The shapes are those of the Engine API's reference, for the parts that this collection reads. Go writes what is empty as
null, so that everything may be null or missing that is not marked.
"""

from __future__ import annotations

import json
import re
import typing as t
from contextlib import contextmanager
from pathlib import Path

from .._errors import LinklabError, Unreachable

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Json = t.Any


class Asking(t.Protocol):
    """Whatever keeps the last request that it sent, as Engine does."""

    asked: list[str]


class MapOf(t.NamedTuple):
    """An object with any keys."""

    values: Json


# A part of paths, as it is.
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]*")
_VERSION = re.compile(r"[0-9]{1,4}\.[0-9]{1,4}")
_TEXTS, _TEXT_MAP = [str], MapOf(str)
_LEAST, _MOST = -(2**63), 2**63 - 1


def _all(kind: Json, names: str) -> dict[str, Json]:
    return dict.fromkeys(names.split(), kind)


# "!": neither missing nor null.
_ENDPOINT = {
    **_all(str, "NetworkID EndpointID IPAddress GlobalIPv6Address MacAddress Gateway"),
    **_all(_TEXTS, "Aliases Links DNSNames"),
    "DriverOpts": _TEXT_MAP,
    "GwPriority": int,
    "IPAMConfig": {**_all(str, "IPv4Address IPv6Address"), "LinkLocalIPs": _TEXTS},
}
_MOUNT = {**_all(str, "Destination Type Name Source Mode"), "RW": bool}
_PORTS = MapOf([_all(str, "HostIp HostPort")])
_SUMMARY = {
    "Id!": _ID,
    "Created": int,
    "Names": _TEXTS,
    "Labels": _TEXT_MAP,
    **_all(str, "State Status ImageID"),
    "HostConfig": {"NetworkMode": str},
    "NetworkSettings": {"Networks": MapOf(_ENDPOINT)},
    "Ports": [{**_all(str, "IP Type"), **_all(int, "PrivatePort PublicPort")}],
    "Mounts": [_MOUNT],
}
_CONFIG = {
    **_all(str, "Hostname Image User MacAddress"),
    **_all(_TEXTS, "Env Cmd Entrypoint"),
    **_all(MapOf({}), "Volumes ExposedPorts"),
    "Labels": _TEXT_MAP,
    "StopTimeout": int,
    "Tty": bool,
}
_CONTAINER = {
    "Id!": _ID,
    **_all(str, "Name! Image HostsPath"),
    "RestartCount": int,
    "Config!": _CONFIG,
    "State!": {
        **_all(str, "Status! Error StartedAt FinishedAt"),
        **_all(bool, "Running OOMKilled"),
        **_all(int, "Pid ExitCode"),
        "Health": {"Status": str, "Log": [{"ExitCode": int, "Output": str}]},
    },
    "HostConfig!": {
        "NetworkMode": str,
        **_all(_TEXTS, "Links ExtraHosts Binds VolumesFrom"),
        **_all(bool, "AutoRemove ReadonlyRootfs"),
        "Tmpfs": _TEXT_MAP,
        "PortBindings": _PORTS,
        "RestartPolicy": {"Name": str, "MaximumRetryCount": int},
    },
    "NetworkSettings!": {"Networks": MapOf(_ENDPOINT), "Ports": _PORTS},
    "Mounts": [_MOUNT],
}
_NETWORK = {
    "Id!": _ID,
    **_all(str, "Name! Driver Scope Created"),
    **_all(_TEXT_MAP, "Labels Options"),
    **_all(bool, "Internal Attachable EnableIPv6"),
    "IPAM": {"Config": [{**_all(str, "Subnet Gateway IPRange"), "AuxiliaryAddresses": _TEXT_MAP}]},
    "Containers": MapOf(_all(str, "Name EndpointID IPv4Address IPv6Address")),
}
_SHAPES: Mapping[str, Json] = {
    "GET /version": {"ApiVersion!": _VERSION, **_all(str, "MinAPIVersion Version"), "Components": [{"Name": str}]},
    "GET /info": {"Plugins": {"Network": _TEXTS}},
    "GET /volumes": {"Volumes": [{"Name!": str, "Labels": _TEXT_MAP}]},
    "GET /networks": [_NETWORK],
    "GET /networks/*": _NETWORK,
    "POST /networks/create": {"Id!": _ID, "Warning": str},
    "GET /images/*/json": {"Id!": _ID, "Config": _CONFIG},
    "GET /images/json": [{"Id!": _ID, "Labels": _TEXT_MAP}],
    "GET /containers/json": [_SUMMARY],
    "GET /containers/*/json": _CONTAINER,
    "GET /containers/*/*/json": _CONTAINER,
    "GET /containers/*/top": {"Titles": _TEXTS, "Processes": [_TEXTS]},
    "GET /containers/*/changes": [{"Path!": str, "Kind!": int}],
    "POST /containers/create": {"Id!": _ID, "Warnings": _TEXTS},
    "POST /containers/*/exec": {"Id!": _ID},
    "GET /exec/*/json": {"ExitCode": int},
}
# Where nothing at all is said as null.
_MAY_BE_NULL = "GET /containers/*/changes"
_KINDS: Mapping[type, str] = {
    dict: "an object",
    list: "a list",
    str: "a string",
    int: "an integer",
    bool: "true or false",
    float: "a number with a fraction",
}
_LONGEST_KEY = 60
# A half of a character, which nothing can be written with: only as an escape does it get past the decoding.
_MAYBE_HALF = re.compile(rb"\\u[dD][89a-fA-F]")


def read_json(content: bytes) -> Json:
    """Return what a text says; raise ValueError, also for what Python's reader lets through and JSON does not have."""
    try:
        found = json.loads(content.decode(), parse_constant=_no_number)
        if _MAYBE_HALF.search(content):
            json.dumps(found, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return found


def _no_number(name: str) -> t.NoReturn:
    raise ValueError(f"{name} is no number")


def what_is_wrong(found: Json, label: str) -> str:
    """Return why this cannot be the answer to a request, by its method and path, as a clause; empty if it can be."""
    kind = _kind(label)
    shape = _SHAPES.get(kind)
    if shape is None or (found is None and kind == _MAY_BE_NULL):
        return ""
    try:
        _check(found, shape)
    except _OddError as exc:
        return f"{'.'.join(reversed(exc.path)) or 'it'} {exc.problem}"
    return ""


class _OddError(Exception):
    """What is wrong with a value, as a clause without its subject. path: where it is, innermost key first."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.path: list[str] = []


def _kind(label: str) -> str:
    """Return a request without what it is about."""
    if label in _SHAPES:
        return label
    first, *rest = label.split("/")[1:]
    last = rest.pop() if len(rest) > 1 else ""
    return "/".join([f"{label.partition(' ')[0]} /{first}", *("*" for _part in rest), *filter(None, [last])])


def _check(value: Json, shape: Json) -> None:
    if value is None:
        raise _OddError("is null or missing")
    if isinstance(shape, dict):
        _check_object(value, shape)
    elif isinstance(shape, (list, MapOf)):
        _check_each(value, shape)
    elif isinstance(shape, re.Pattern):
        _check_type(value, str)
        if not shape.fullmatch(value):
            raise _OddError("cannot be one")
    else:
        _check_type(value, shape)
        if shape is int and not _LEAST <= value <= _MOST:
            raise _OddError("is too large")


def _check_object(value: Json, shape: Mapping[str, Json]) -> None:
    _check_type(value, dict)
    key = ""
    try:
        for marked, inner in shape.items():
            needed = marked[-1] == "!"
            key = marked[:-1] if needed else marked
            found = value.get(key)
            if needed or found is not None:
                _check(found, inner)
    except _OddError as exc:
        exc.path.append(key)
        raise


def _check_each(value: Json, shape: list[Json] | MapOf) -> None:
    """Check all that is in a list, where nothing is null, or in an object, where all may be."""
    is_list = isinstance(shape, list)
    _check_type(value, list if is_list else dict)
    inner, at = shape[0], ""
    try:
        for key, found in enumerate(value) if is_list else value.items():
            at = str(key)[:_LONGEST_KEY]
            if is_list or found is not None:
                _check(found, inner)
    except _OddError as exc:
        exc.path.append(at)
        raise


def _check_type(value: Json, wanted: type) -> None:
    # A boolean is an integer for Python alone.
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        raise _OddError(f"is {_KINDS[type(value)]}, not {_KINDS[wanted]}")


@contextmanager
def understood(engine: Asking) -> Iterator[None]:
    """Turn what an odd answer of the engine brings about, where nobody expected it, into one message.

    Raises:
        Unreachable: what the engine says or did is not known then.
    """
    try:
        yield
    except LinklabError:
        raise
    # Everything: answers are odd in ways that nobody thought of, and no task ends in a traceback.
    except Exception as exc:
        raise Unreachable(
            f"something in the engine's answers is not as expected ({_place(exc)}; the last request was"
            f" {engine.asked[0]}). If the engine is sound, this is a mistake of linklab.docker: please report it"
        ) from exc


def _place(exc: BaseException) -> str:
    """Return the kind of an exception and where it comes from. Its text may have anything in it, secrets too."""
    trace, found = exc.__traceback__, ""
    while trace is not None:
        path = Path(trace.tb_frame.f_code.co_filename)
        if "linklab" in path.parts:
            found = f" in {path.name}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(exc).__name__}{found}"
