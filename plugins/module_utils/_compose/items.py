# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""What the Compose Specification writes in a syntax of its own, as data: volumes, ports, healthchecks and restarts."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from .._errors import SpecError, did_you_mean
from .values import address, check_duration, clean, parse_option, path, some_text, text

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Json = t.Any

_PORTS = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")
_ALL_ADDRESSES = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - compared with, never listened on
_VOLUME_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
# The engine names an anonymous volume by 32 random bytes.
_ANONYMOUS_NAME = re.compile(r"[0-9a-f]{64}")
_VOLUME_MODES = frozenset({"ro", "rw", "z", "Z", "nocopy"})
_PROPAGATIONS = frozenset({"shared", "rshared", "slave", "rslave", "private", "rprivate"})
# Modes that change nothing on Linux; "rw" is the default.
_IDLE_MODES = frozenset({"rw", "cached", "delegated", "consistent"})


@dataclass(frozen=True, order=True)
class Restart:
    """A restart policy. retries: for on-failure, 0 for no limit."""

    name: str
    retries: int = 0

    def __str__(self) -> str:
        return f"{self.name}:{self.retries}" if self.retries else self.name

    def to_api(self) -> dict[str, Json]:
        return {"Name": self.name, "MaximumRetryCount": self.retries}

    @classmethod
    def parse(cls, value: Json) -> Restart:
        # YAML reads a bare C(no) as false.
        words_ = "no" if value is False or str(value).lower() == "false" else some_text(value)
        name, colon, retries = words_.partition(":")
        if name not in ("no", "always", "unless-stopped", "on-failure"):
            raise SpecError(f"{words_!r} is no restart policy; write no, always, unless-stopped or on-failure[:times]")
        if colon and not (name == "on-failure" and retries.isdigit()):
            raise SpecError(f"{words_!r}: only on-failure takes a number of times, as in on-failure:3")
        return cls(name, int(retries or 0))


def read_restart(policy: Mapping[str, Json] | None) -> str:
    """Return C(HostConfig.RestartPolicy) as a task would give it."""
    given = policy or {}
    return str(Restart(given.get("Name") or "no", given.get("MaximumRetryCount") or 0))


@dataclass(frozen=True, order=True)
class Volume:
    """What is mounted at a path: an anonymous volume (no source), a named one, or a path of the host."""

    target: str
    source: str = ""
    modes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ":".join(filter(None, (self.source, self.target, ",".join(self.modes))))

    @property
    def anonymous(self) -> bool:
        return not self.source

    @property
    def named(self) -> bool:
        return bool(self.source) and not self.source.startswith("/")

    def forgotten(self) -> Volume:
        """Return the volume without its name if the engine made the name up."""
        return Volume(self.target) if _ANONYMOUS_NAME.fullmatch(self.source) else self

    @classmethod
    def parse(cls, value: Json) -> Volume:
        """Read C([SOURCE:]TARGET[:MODES])."""
        words_ = some_text(value)
        parts = words_.split(":")
        if len(parts) > 3 or not all(parts):
            raise SpecError(f"{words_!r} is not a volume; write [source:]target[:ro]")
        if len(parts) == 1:
            return cls(path(words_))
        source, target, modes = parts[0], parts[1], parts[2].split(",") if len(parts) == 3 else []
        if source.startswith(("./", "../", "~")) or source in (".", ".."):
            raise SpecError(f"{words_!r}: a path of the host must be absolute; where the task runs means nothing there")
        if source.startswith("/"):
            source = clean(source)
        elif not _VOLUME_NAME.fullmatch(source):
            raise SpecError(f"{words_!r}: {source!r} is neither the name of a volume nor an absolute path")
        for mode in modes:
            if mode not in _VOLUME_MODES | _PROPAGATIONS | _IDLE_MODES:
                raise SpecError(f"{words_!r}: unknown mode {mode!r}; ro makes it read-only")
        return cls(path(target), source, _modes(modes))

    @classmethod
    def read(cls, bind: str) -> Volume:
        """Read one of C(HostConfig.Binds)."""
        source, _colon, rest = bind.partition(":")
        target, _colon, modes = rest.partition(":")
        return cls(clean(target), clean(source) if source.startswith("/") else source, _modes(modes.split(",")))

    @classmethod
    def read_mount(cls, mount: Mapping[str, Json]) -> Volume:
        """Read one of C(HostConfig.Mounts) that is a volume or a folder of the host; other clients write these."""
        modes = [
            "ro" if mount.get("ReadOnly") else "",
            (mount.get("BindOptions") or {}).get("Propagation") or "",
            "nocopy" if (mount.get("VolumeOptions") or {}).get("NoCopy") else "",
        ]
        return cls.read(f"{mount.get('Source') or ''}:{mount['Target']}:{','.join(modes)}")


def is_volume(mount: Mapping[str, Json]) -> bool:
    """Whether one of C(HostConfig.Mounts) is a volume or a folder of the host."""
    return mount.get("Type") in ("volume", "bind")


def mounted(host: Mapping[str, Json]) -> set[Volume]:
    """Return the volumes and folders of the host that a container's C(HostConfig) names."""
    binds = {Volume.read(bind) for bind in host.get("Binds") or ()}
    return binds | {Volume.read_mount(mount) for mount in host.get("Mounts") or () if is_volume(mount)}


def _modes(modes: list[str]) -> tuple[str, ...]:
    return tuple(sorted(set(filter(None, modes)) - _IDLE_MODES))


def is_anonymous_name(name: str) -> bool:
    """Whether a volume's name is one that the engine makes up."""
    return bool(_ANONYMOUS_NAME.fullmatch(name))


def volumes(value: Json) -> tuple[Volume, ...]:
    found = tuple(Volume.parse(entry) for entry in (value if isinstance(value, list) else [value]))
    targets = [volume.target for volume in found]
    for target in targets:
        if targets.count(target) > 1:
            raise SpecError(f"{target} is given twice")
    return tuple(sorted(found))


def binds(found: tuple[Volume, ...]) -> list[str]:
    """Return C(HostConfig.Binds); anonymous volumes are none."""
    return [str(volume) for volume in found if not volume.anonymous]


@dataclass(frozen=True, order=True)
class Port:
    """A published port. container: C(80/tcp). host: empty for any free one, else a port or a range to choose from."""

    container: str
    host: str = ""
    address: str = ""

    def __str__(self) -> str:
        address_ = f"[{self.address}]" if ":" in self.address else self.address
        return f"{address_}:{self.host}:{self.container}" if address_ else f"{self.host}:{self.container}".lstrip(":")

    @property
    def protocol(self) -> str:
        return self.container.partition("/")[2]

    def clashes(self, address: str) -> bool:
        """Whether a port of the host that is published on an address cannot be published by this one as well."""
        return address == self.address or bool({address, self.address} & _ALL_ADDRESSES)

    @classmethod
    def read(cls, container: str, binding: Mapping[str, Json]) -> Port:
        host = str(binding.get("HostPort") or "")
        return cls(container, "" if host == "0" else host, str(binding.get("HostIp") or ""))


def ports(value: Json) -> tuple[Port, ...]:
    found: set[Port] = set()
    for entry in value if isinstance(value, list) else [value]:
        found.update(_ports(some_text(entry)))
    return tuple(sorted(found))


def port_bindings(found: tuple[Port, ...]) -> dict[str, list[dict[str, str]]]:
    """Return C(HostConfig.PortBindings)."""
    bindings: dict[str, list[dict[str, str]]] = {}
    for port in found:
        bindings.setdefault(port.container, []).append({"HostIp": port.address, "HostPort": port.host})
    return bindings


def read_ports(bindings: Mapping[str, Json] | None) -> list[str]:
    """Return C(HostConfig.PortBindings) as a task would give them, sorted."""
    return sorted(str(Port.read(port, one)) for port, given in (bindings or {}).items() for one in given or ())


def _ports(entry: str) -> list[Port]:
    """Read C([[ADDRESS:][HOST]:]CONTAINER[/PROTOCOL]); both may be ranges of one length."""
    rest, _slash, protocol = entry.partition("/")
    protocol = (protocol or "tcp").lower()
    if protocol not in ("tcp", "udp", "sctp"):
        raise SpecError(f"{entry!r}: {protocol!r} is no protocol; write tcp, udp or sctp")
    rest, _colon, container = rest.rpartition(":")
    where, _colon, host = rest.rpartition(":")
    inside = _port_range(entry, container)
    where = address(where) if where else ""
    if not host or host == "0":
        return [Port(f"{port}/{protocol}", "", where) for port in inside]
    outside = _port_range(entry, host)
    if len(inside) == len(outside):
        return [Port(f"{i}/{protocol}", str(o), where) for i, o in zip(inside, outside)]
    if len(inside) == 1:
        return [Port(f"{inside[0]}/{protocol}", host, where)]
    raise SpecError(f"{entry!r}: {len(outside)} ports of the host do not fit {len(inside)} of the container")


def _port_range(entry: str, words_: str) -> range:
    found = _PORTS.fullmatch(words_)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 1 <= first <= last <= 65535:
        raise SpecError(f"{entry!r} is not a port; write [[address:]host:]container[/protocol], such as 8080:80")
    return range(first, last + 1)


@dataclass(frozen=True)
class Healthcheck:
    """How the engine learns whether a container is healthy. None: as the image has it. Durations in nanoseconds."""

    test: tuple[str, ...] | None = None
    interval: int | None = None
    timeout: int | None = None
    start_period: int | None = None
    retries: int | None = None

    def to_api(self) -> dict[str, Json]:
        found = {
            "Test": list(self.test) if self.test is not None else None,
            "Interval": self.interval,
            "Timeout": self.timeout,
            "StartPeriod": self.start_period,
            "Retries": self.retries,
        }
        return {name: value for name, value in found.items() if value}

    @classmethod
    def parse(cls, value: Json) -> Healthcheck:
        if not isinstance(value, dict):
            raise SpecError("must be a dictionary with test, interval, timeout, retries, start_period or disable")
        given = {name: one for name, one in value.items() if one is not None}
        if given.pop("disable", False):
            if given:
                raise SpecError(f"disable excludes {', '.join(sorted(given))}")
            return cls(test=("NONE",))
        unknown = sorted(set(given) - set(_HEALTHCHECK))
        if unknown:
            raise SpecError(f"there is no option {unknown[0]!r}{did_you_mean(unknown[0], (*_HEALTHCHECK, 'disable'))}")
        return cls(**{name: parse_option((name,), _HEALTHCHECK[name], one) for name, one in given.items()})


def _test(value: Json) -> tuple[str, ...]:
    if not isinstance(value, list):
        return ("CMD-SHELL", some_text(value))
    found = tuple(text(word) for word in value)
    if not found or found[0] not in ("NONE", "CMD", "CMD-SHELL"):
        raise SpecError("a list must begin with CMD, CMD-SHELL or NONE; a string is run by the shell")
    if (len(found) < 2 and found[0] != "NONE") or (len(found) != 2 and found[0] == "CMD-SHELL"):
        raise SpecError(f"{found[0]} wants {'one string' if found[0] == 'CMD-SHELL' else 'a command'} after it")
    return found


def _retries(value: Json) -> int:
    if isinstance(value, bool) or not str(value).isdigit():
        raise SpecError(f"{value!r} is not a number of times")
    return int(value)


_HEALTHCHECK: dict[str, Callable[[Json], Json]] = {
    "test": _test,
    "interval": check_duration,
    "timeout": check_duration,
    "start_period": check_duration,
    "retries": _retries,
}
