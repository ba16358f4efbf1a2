# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The plain values of the Compose Specification as data: durations, sizes, commands, capabilities and their like.

Each function takes what stands in a task and returns its one normal form; it raises SpecError without naming the
option, which the caller knows.
"""

from __future__ import annotations

import ipaddress
import posixpath
import re
import shlex
import signal
import typing as t

from .._errors import SpecError, did_you_mean, shape

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .._errors import Place

Json = t.Any

_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:h|ms|us|µs|ns|m|s))+")
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(h|ms|us|µs|ns|m|s)")
_NANOSECONDS = {"h": 3600 * 10**9, "m": 60 * 10**9, "s": 10**9, "ms": 10**6, "us": 10**3, "µs": 10**3, "ns": 1}
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?", re.IGNORECASE)
_VARIABLE = re.compile(r"[^=\0\s][^=\0]*")
# Those of Linux 5.9 to 6.17, and the engine's word for all of them.
_CAPABILITIES = frozenset(
    re.findall(
        r"\w+",
        """
        ALL AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE DAC_READ_SEARCH
        FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN
        NET_BIND_SERVICE NET_BROADCAST NET_RAW PERFMON SETFCAP SETGID SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT
        SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG WAKE_ALARM
        """,
    )
)


def parse_option(place: Place, parser: Callable[[Json], Json], value: Json) -> Json:
    """Return what I(parser) makes of an option's value; its error gets the option's place."""
    try:
        return parser(value)
    except SpecError as exc:
        raise SpecError(exc.problem, (*place, *exc.place)) from exc


def text(value: Json) -> str:
    """Return a word or a number as text. No message shows a list or a dictionary: it may have a secret."""
    if isinstance(value, (list, dict)):
        raise SpecError(f"must be a single value, not {shape(value)}")
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise SpecError(f"{value!r} is not text; put it in quotes")
    return str(value)


def some_text(value: Json) -> str:
    found = text(value).strip()
    if not found:
        raise SpecError("must not be empty")
    return found


def flag(value: Json) -> bool:
    if not isinstance(value, bool):
        raise SpecError(f"{value!r} is not true or false")
    return value


def words(value: Json) -> tuple[str, ...]:
    """Return a command: a list as it is, a string split as a shell does (but nothing is expanded)."""
    if isinstance(value, list):
        return tuple(text(word) for word in value)
    try:
        return tuple(shlex.split(text(value)))
    except ValueError as exc:
        raise SpecError(f"{value!r} cannot be split into words ({exc}); write it as a list") from exc


def texts(value: Json) -> tuple[str, ...]:
    """Return a list of words; one word stands for a list of one."""
    values = value if isinstance(value, list) else [value]
    return tuple(dict.fromkeys(some_text(word) for word in values))


def mapping(value: Json) -> dict[str, str]:
    """Return names with a value each. No message shows a value: it may be a secret."""
    if not isinstance(value, dict):
        raise SpecError("must be a dictionary, such as NAME: value")
    for name, one in value.items():
        if isinstance(one, bool):
            raise SpecError(f"{name} is a boolean, which has no one spelling; put it in quotes")
        if one is None:
            raise SpecError(f"{name} has no value; write '' for an empty one, or leave it out")
    return {str(name): parse_option((str(name),), text, one) for name, one in value.items()}


def variables(value: Json) -> dict[str, str]:
    """Return environment variables."""
    found = mapping(value)
    for name in found:
        if not _VARIABLE.fullmatch(name):
            raise SpecError(f"{name!r} is not the name of a variable")
    return found


def duration(value: Json) -> int:
    """Return nanoseconds, from C(1h30m), C(2s), C(500ms) and their like."""
    words_ = str(value).strip()
    if words_ == "0":
        return 0
    if not _DURATION.fullmatch(words_):
        raise SpecError(f"{value!r} is not a duration; write a number with its unit, such as 500ms, 10s or 1m30s")
    return _for_engine(sum(float(n) * _NANOSECONDS[unit] for n, unit in _DURATION_PART.findall(words_)), value)


def seconds(value: Json) -> int:
    """Return whole seconds, rounded up."""
    return -(-duration(value) // 10**9)


def check_duration(value: Json) -> int:
    """Return nanoseconds that the engine takes for a healthcheck."""
    found = duration(value)
    if 0 < found < 10**6:
        raise SpecError(f"{value!r} is too short; the engine wants 1ms at least")
    return found


def size(value: Json) -> int:
    """Return bytes, from C(64m), C(1g), C(1048576) and their like; units are powers of 1024."""
    found = _SIZE.fullmatch(str(value).strip())
    if not found:
        raise SpecError(f"{value!r} is not a size; write a number of bytes, or one with a unit such as 64m or 1g")
    return _for_engine(float(found[1]) * 1024 ** (" kmgtp".index(found[2].lower()) if found[2] else 0), value)


def _for_engine(number: float, value: Json) -> int:
    """Return a number as the engine keeps it, in 64 bits."""
    if number >= 2**63:
        raise SpecError(f"{value!r} is too much")
    return round(number)


def shown_size(found: int) -> str:
    """Return bytes as a task would give them; empty for none."""
    unit = ""
    for larger in "kmgt":
        if not found or found % 1024:
            break
        found, unit = found // 1024, larger
    return f"{found}{unit or ' bytes'}" if found else ""


def shown_cpus(found: int) -> str:
    """Return billionths of a CPU as a task would give them; empty for none."""
    return f"{found / 10**9:.9g}" if found else ""


def memory(value: Json) -> int:
    """Return bytes; 0 is no limit."""
    found = size(value)
    if found < 6 * 1024**2 and str(value).strip() != "0":
        raise SpecError(f"{value!r} is too little: the engine wants 6m at least, or 0 for no limit")
    return found


def some_size(value: Json) -> int:
    """Return bytes, at least one: the engine takes none for its default."""
    found = size(value)
    if not found:
        raise SpecError(f"{value!r} is no size")
    return found


def cpus(value: Json) -> int:
    """Return billionths of a CPU; 0 is no limit."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        found = -1.0
    # As "not in", so that not a number is refused.
    if not (found == 0 or 0.01 <= found <= 10**6):
        raise SpecError(f"{value!r} is not a number of CPUs; write one such as 0.5, 0.01 at least, or 0 for no limit")
    return round(found * 10**9)


def path(value: Json) -> str:
    """Return an absolute path in a container, without what it has too much."""
    found = some_text(value)
    if not found.startswith("/"):
        raise SpecError(f"{found!r} is not an absolute path")
    return clean(found)


def clean(found: str) -> str:
    """Return a path as the engine writes it."""
    return "/" + posixpath.normpath(found).lstrip("/")


def capabilities(value: Json) -> tuple[str, ...]:
    """Return capabilities without the prefix C(CAP_); raise SpecError for one that no kernel has."""
    found = plain_capabilities(value)
    for word in found:
        if word not in _CAPABILITIES:
            raise SpecError(f"{word!r} is not a Linux capability{did_you_mean(word, sorted(_CAPABILITIES))}")
    return found


def plain_capabilities(value: Json) -> tuple[str, ...]:
    """Return capabilities without the prefix C(CAP_), which engines from 23.0 on add."""
    return tuple(sorted({re.sub("^CAP_", "", word.upper()) for word in texts(value)}))


def stop_signal(value: Json) -> str:
    """Return a signal by name, from C(SIGTERM), C(term) or C(15)."""
    found = some_text(value).upper()
    if found.isdigit():
        try:
            return signal.Signals(int(found)).name
        except ValueError as exc:
            raise SpecError(f"{value!r} is not a signal") from exc
    found = found if found.startswith("SIG") else f"SIG{found}"
    if not re.fullmatch(r"SIG(RTM(IN|AX)([+-]\d+)?)", found) and found not in signal.Signals.__members__:
        raise SpecError(f"{value!r} is not a signal; write one such as SIGTERM")
    return found


def addresses(value: Json) -> tuple[str, ...]:
    """Return IP addresses, in their order."""
    return tuple(address(word) for word in texts(value))


def address(word: str) -> str:
    try:
        return str(ipaddress.ip_address(word.strip("[]")))
    except ValueError as exc:
        raise SpecError(f"{word!r} is not an IP address") from exc


def hosts(value: Json) -> tuple[tuple[str, str], ...]:
    """Return pairs of a name and an address, from a dictionary or from C(name=address) or C(name:address)."""
    if isinstance(value, dict):
        pairs = [(str(name), text(one)) for name, one in value.items()]
    else:
        pairs = []
        for entry in texts(value):
            name, found, one = entry.partition("=" if "=" in entry else ":")
            if not (found and name):
                raise SpecError(f"{entry!r} is not a host; write name:address")
            pairs.append((name, one))
    return tuple(sorted({(name, one if one == "host-gateway" else address(one)) for name, one in pairs}))


def host_lines(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """Return C(HostConfig.ExtraHosts), sorted."""
    return sorted(f"{name}:{address_}" for name, address_ in pairs)


def read_hosts(entries: Iterable[str] | None) -> list[str]:
    """Return C(HostConfig.ExtraHosts) in its one form; newer clients write C(name=address)."""
    return host_lines(hosts([entry.replace("=", ":", 1) for entry in entries or ()]))


def security(value: Json) -> tuple[str, ...]:
    """Return security options as C(name=value)."""
    return tuple(sorted({_security(option) for option in texts(value)}))


def _security(option: str) -> str:
    if option == "no-new-privileges":
        return "no-new-privileges=true"
    name, _separator, one = re.sub(r"^([a-z-]+):", r"\1=", option).partition("=")
    if not one:
        raise SpecError(f"{option!r} is not a security option; write name=value, such as label=disable")
    if name == "seccomp" and one not in ("unconfined", "builtin") and not one.startswith("{"):
        raise SpecError("seccomp wants 'unconfined' or the text of a profile, not the name of a file")
    return f"{name}={one}"


def mounts_in_memory(value: Json) -> dict[str, str]:
    """Return paths of tmpfs mounts with their options, from C(/run) or C(/run:size=64m,mode=1777)."""
    found = {}
    for entry in texts(value):
        where, _colon, options = entry.partition(":")
        found[path(where)] = ",".join(sorted(filter(None, options.split(","))))
    return found
