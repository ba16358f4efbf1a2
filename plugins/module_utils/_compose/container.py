# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The desired state of a container, in the terms of the Compose Specification, and in those of the Engine API."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field, fields

from .._engine.images import image_name
from .._errors import SpecError, agreeing
from .._model.labels import TOPOLOGY_LABEL
from .._model.words import meant
from . import values
from .items import Healthcheck, Port, Restart, Volume, ports, volumes

if t.TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping

Json = t.Any

# For the argument spec of a module that creates containers. Documented in the fragment linklab.docker._container.
CONTAINER_OPTIONS: dict[str, Json] = {
    "image": {"type": "str"},
    "pull": {"type": "str", "choices": ["missing", "never"], "default": "missing"},
    "command": {"type": "raw"},
    "entrypoint": {"type": "raw"},
    "environment": {"type": "dict"},
    "secret_environment": {"type": "dict", "no_log": True},
    "user": {"type": "str"},
    "working_dir": {"type": "str"},
    "hostname": {"type": "str"},
    "init": {"type": "bool"},
    "cap_add": {"type": "list", "elements": "str"},
    "cap_drop": {"type": "list", "elements": "str"},
    "privileged": {"type": "bool"},
    "sysctls": {"type": "dict"},
    "volumes": {"type": "list", "elements": "str"},
    "tmpfs": {"type": "raw"},
    "ports": {"type": "list", "elements": "str"},
    "healthcheck": {
        "type": "dict",
        "options": {
            "test": {"type": "raw"},
            "interval": {"type": "str"},
            "timeout": {"type": "str"},
            "retries": {"type": "int"},
            "start_period": {"type": "str"},
            "disable": {"type": "bool"},
        },
    },
    "labels": {"type": "dict"},
    "restart": {"type": "str"},
    "stop_grace_period": {"type": "str"},
    "stop_signal": {"type": "str"},
    "tty": {"type": "bool"},
    "stdin_open": {"type": "bool"},
    "extra_hosts": {"type": "raw"},
    "dns": {"type": "list", "elements": "str"},
    "security_opt": {"type": "list", "elements": "str"},
    "read_only": {"type": "bool"},
    "mem_limit": {"type": "str"},
    "cpus": {"type": "float"},
    "shm_size": {"type": "str"},
}

# Labels of this collection say whose a container is; no user sets them.
OWN_LABELS = "linklab.docker."
# A container that is made otherwise can be given to a topology, which then removes it with all else that is its own.
# What the engine itself demands of a container's name.
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")


@dataclass(frozen=True)
class ContainerSpec:
    """The desired state of a container. None means: not given, so neither compared nor touched.

    Attributes:
        image: a name, with or without tag or digest, or an ID.
        pull: C(missing) or C(never): what to do about an image that the engine does not have.
        entrypoint: empty means: none, not even the image's.
        secret_environment: as I(environment); in no representation of this object.
        stop_grace_period: seconds.
        mem_limit, shm_size: bytes.
        cpus: billionths of a CPU.
    """

    image: str | None = None
    pull: str = "missing"
    command: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    environment: Mapping[str, str] | None = None
    secret_environment: Mapping[str, str] | None = field(default=None, repr=False)
    user: str | None = None
    working_dir: str | None = None
    hostname: str | None = None
    init: bool | None = None
    cap_add: tuple[str, ...] | None = None
    cap_drop: tuple[str, ...] | None = None
    privileged: bool | None = None
    sysctls: Mapping[str, str] | None = None
    volumes: tuple[Volume, ...] | None = None
    tmpfs: Mapping[str, str] | None = None
    ports: tuple[Port, ...] | None = None
    healthcheck: Healthcheck | None = None
    labels: Mapping[str, str] | None = None
    restart: Restart | None = None
    stop_grace_period: int | None = None
    stop_signal: str | None = None
    tty: bool | None = None
    stdin_open: bool | None = None
    extra_hosts: tuple[tuple[str, str], ...] | None = None
    dns: tuple[str, ...] | None = None
    security_opt: tuple[str, ...] | None = None
    read_only: bool | None = None
    mem_limit: int | None = None
    cpus: int | None = None
    shm_size: int | None = None

    @classmethod
    def parse(cls, options: Mapping[str, Json], where: str) -> ContainerSpec:
        """Read the options of a task.

        Args:
            where: what the messages call the options as a whole, such as C(containers.database).

        Raises:
            SpecError: with the option and what to do.
        """
        found: dict[str, Json] = {}
        for name, value in options.items():
            if name not in _PARSERS:
                raise SpecError(f"{where}: there is no option {name!r}{meant(name, _PARSERS)}")
            if value is not None:
                found[name] = values.parse_option(f"{where}.{name}", _PARSERS[name], value)
        spec = cls(**found)
        both = set(spec.environment or ()) & set(spec.secret_environment or ())
        if both:
            raise SpecError(
                f"{where}: {agreeing(sorted(both), 'is', 'are')} in both environment and secret_environment"
            )
        return spec

    def given(self) -> dict[str, Json]:
        """Return the options that are given, but not what to do about a missing image."""
        return {
            f.name: value for f in fields(self) if f.name != "pull" and (value := getattr(self, f.name)) is not None
        }

    @property
    def variables(self) -> dict[str, str]:
        """All variables, secret ones too."""
        return {**(self.environment or {}), **(self.secret_environment or {})}

    def to_api(self) -> dict[str, Json]:
        """Return the Engine API's configuration for a new container: what is given, and nothing else."""
        body: dict[str, Json] = {"HostConfig": {}}
        for name, value in self.given().items():
            if name in _CONFIG:
                key, write = _CONFIG[name]
                body[key] = write(value)
            elif name in _HOST_CONFIG:
                key, write = _HOST_CONFIG[name]
                body["HostConfig"][key] = write(value)
        if self.variables:
            body["Env"] = [f"{name}={value}" for name, value in self.variables.items()]
        if self.ports:
            body["ExposedPorts"] = {port.container: {} for port in self.ports}
        if self.volumes:
            anonymous: dict[str, Json] = {volume.target: {} for volume in self.volumes if volume.anonymous}
            body.update({"Volumes": anonymous} if anonymous else {})
        return body

    def update_to_api(self, names: Container[str]) -> dict[str, Json]:
        """Return the body of C(/containers/NAME/update), which no running process notices.

        Args:
            names: which options are to be changed; others than those of is_live are left out.
        """
        body: dict[str, Json] = {}
        if self.restart and "restart" in names:
            body["RestartPolicy"] = self.restart.to_api()
        if self.cpus and "cpus" in names:
            body["NanoCpus"] = self.cpus
        if self.mem_limit and "mem_limit" in names:
            # The engine refuses a limit above that of memory and swap, which is twice the limit if not given.
            body.update(Memory=self.mem_limit, MemorySwap=2 * self.mem_limit)
        return body


# What the engine changes while a container runs.
_LIVE_OPTIONS = frozenset({"restart", "cpus", "mem_limit"})


def is_live(name: str, wanted: Json) -> bool:
    """Whether the engine changes an option to this value while the container runs.

    It does not take a limit away: in C(/containers/NAME/update), 0 is what stays as it is.
    """
    return name in _LIVE_OPTIONS and wanted != 0


def check_name(name: str, where: str) -> str:
    """Return a name that the engine takes for a container; raise SpecError."""
    if not _NAME.fullmatch(name):
        raise SpecError(
            f"{where}: {name!r} cannot be the name of a container; use two or more letters, digits, '_', '.' and '-',"
            " beginning with a letter or digit"
        )
    return name


def _image(value: Json) -> str:
    return image_name(values.some_text(value))


def _labels(value: Json) -> dict[str, str]:
    found = values.mapping(value)
    own = [name for name in found if name.startswith(OWN_LABELS) and name != TOPOLOGY_LABEL]
    if own:
        raise SpecError(f"{own[0]} is for this collection to set; use another name")
    return found


def _pull(value: Json) -> str:
    if value not in ("missing", "never"):
        raise SpecError(f"{value!r} is neither missing nor never")
    return str(value)


_PARSERS: dict[str, Callable[[Json], Json]] = {
    "image": _image,
    "pull": _pull,
    "command": values.words,
    "entrypoint": values.words,
    "environment": values.variables,
    "secret_environment": values.variables,
    "user": values.some_text,
    "working_dir": values.path,
    "hostname": values.some_text,
    "init": values.flag,
    "cap_add": values.capabilities,
    "cap_drop": values.capabilities,
    "privileged": values.flag,
    "sysctls": values.mapping,
    "volumes": volumes,
    "tmpfs": values.mounts_in_memory,
    "ports": ports,
    "healthcheck": Healthcheck.parse,
    "labels": _labels,
    "restart": Restart.parse,
    "stop_grace_period": values.seconds,
    "stop_signal": values.stop_signal,
    "tty": values.flag,
    "stdin_open": values.flag,
    "extra_hosts": values.hosts,
    "dns": values.addresses,
    "security_opt": values.security,
    "read_only": values.flag,
    "mem_limit": values.memory,
    "cpus": values.cpus,
    "shm_size": values.some_size,
}


def _same(value: Json) -> Json:
    return value


def _port_bindings(found: tuple[Port, ...]) -> dict[str, list[dict[str, str]]]:
    bindings: dict[str, list[dict[str, str]]] = {}
    for port in found:
        bindings.setdefault(port.container, []).append({"HostIp": port.address, "HostPort": port.host})
    return bindings


# Option to the Engine API's key and the value there.
_CONFIG: dict[str, tuple[str, Callable[[Json], Json]]] = {
    "image": ("Image", _same),
    "command": ("Cmd", list),
    "entrypoint": ("Entrypoint", list),
    "user": ("User", _same),
    "working_dir": ("WorkingDir", _same),
    "hostname": ("Hostname", _same),
    "healthcheck": ("Healthcheck", Healthcheck.to_api),
    "labels": ("Labels", dict),
    "stop_grace_period": ("StopTimeout", _same),
    "stop_signal": ("StopSignal", _same),
    "tty": ("Tty", _same),
    "stdin_open": ("OpenStdin", _same),
}
_HOST_CONFIG: dict[str, tuple[str, Callable[[Json], Json]]] = {
    "init": ("Init", _same),
    "cap_add": ("CapAdd", list),
    "cap_drop": ("CapDrop", list),
    "privileged": ("Privileged", _same),
    "sysctls": ("Sysctls", dict),
    "volumes": ("Binds", lambda found: [str(volume) for volume in found if not volume.anonymous]),
    "tmpfs": ("Tmpfs", dict),
    "ports": ("PortBindings", _port_bindings),
    "restart": ("RestartPolicy", Restart.to_api),
    "extra_hosts": ("ExtraHosts", lambda found: [f"{name}:{address}" for name, address in found]),
    "dns": ("Dns", list),
    "security_opt": ("SecurityOpt", list),
    "read_only": ("ReadonlyRootfs", _same),
    "mem_limit": ("Memory", _same),
    "cpus": ("NanoCpus", _same),
    "shm_size": ("ShmSize", _same),
}
