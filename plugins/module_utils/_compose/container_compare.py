# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Compare the desired state of a container with the current one, by the engine's own rules.

A container's description holds what the user gave merged with what its image brings. Only the options that are given
are compared, each as a whole; what comes from the image is left out of account. Nothing here asks the engine.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._engine.images import full_name
from .._errors import SpecError
from . import values
from .container import OWN_LABELS, ContainerSpec
from .items import Port, Restart, Volume, mounted

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from .items import Healthcheck

Json = t.Any

# In the place of a value that may be a secret.
HIDDEN = "********"
_DEFAULT_GRACE = 10


@dataclass(frozen=True)
class ComparedImages:
    """What the engine knows about the two images that matter to one container.

    Attributes:
        wanted: the ID that the wanted name stands for now; None if the engine has no such image.
        base: C(Config) of the image that the container was made of; None if the engine has it no more.
    """

    wanted: str | None = None
    base: Mapping[str, Json] | None = field(default_factory=dict)


@dataclass(frozen=True)
class _There:
    """A container as it is: its description's parts, and its image's configuration."""

    raw: Mapping[str, Json]
    images: ComparedImages

    @property
    def config(self) -> Mapping[str, Json]:
        return self.raw.get("Config") or {}

    @property
    def host(self) -> Mapping[str, Json]:
        return self.raw.get("HostConfig") or {}

    @property
    def base(self) -> Mapping[str, Json]:
        return self.images.base or {}


def differences(spec: ContainerSpec, raw: Mapping[str, Json], images: ComparedImages) -> dict[str, tuple[Json, Json]]:
    """Return option to (current, wanted) of the options that are given and differ. Shows no secret.

    Args:
        raw: the engine's description of the container.
    """
    there = _There(raw, images)
    found: dict[str, tuple[Json, Json]] = {}
    for name, wanted in spec.given().items():
        if name in _READERS:
            current = _READERS[name](there)
            normal = _NORMAL.get(name, _plain)(wanted)
            if current != normal:
                found[name] = (current, normal)
    found.update(_special_differences(spec, there))
    order = list(spec.given())
    return {name: found[name] for name in sorted(found, key=order.index)}


def why(found: Mapping[str, tuple[Json, Json]]) -> str:
    """Return differences as a clause, such as C(user is '', wanted '1000'; environment differs in A, B)."""
    clauses = []
    for name, (current, wanted) in found.items():
        if isinstance(wanted, dict):
            hidden = HIDDEN in (*current.values(), *wanted.values())
            keys = sorted(key for key in {**current, **wanted} if hidden or current.get(key) != wanted.get(key))
            clauses.append(f"{name} differs in {', '.join(keys)}")
        else:
            clauses.append(f"{name} is {_show(current)}, wanted {_show(wanted)}")
    return "; ".join(clauses)


def _show(value: Json) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(str, value))}]"
    return "not set" if value in (None, "") else str(value)


# -- options that one key of the description answers ----------------------------------------------------------------


def _plain(value: Json) -> Json:
    """Return a wanted value as readers return current ones."""
    return sorted(map(str, value)) if isinstance(value, (tuple, frozenset)) else value


def _config(key: str, default: Json) -> Callable[[_There], Json]:
    return lambda there: there.config.get(key) or default


def _host(key: str, default: Json) -> Callable[[_There], Json]:
    return lambda there: there.host.get(key) or default


def _capabilities(key: str) -> Callable[[_There], Json]:
    return lambda there: list(values.plain_capabilities(list(there.host.get(key) or ())))


def _restart(there: _There) -> str:
    policy = there.host.get("RestartPolicy") or {}
    return str(Restart(policy.get("Name") or "no", policy.get("MaximumRetryCount") or 0))


def _stop_signal(there: _There) -> str:
    return values.stop_signal(there.config.get("StopSignal") or "SIGTERM")


def _ports(there: _There) -> list[str]:
    bindings = there.host.get("PortBindings") or {}
    return sorted(str(Port.read(port, binding)) for port, given in bindings.items() for binding in given or ())


def _extra_hosts(there: _There) -> list[str]:
    # Newer clients write name=address.
    entries = [entry.replace("=", ":", 1) if "=" in entry else entry for entry in there.host.get("ExtraHosts") or ()]
    return _hosts(values.hosts(entries))


def _hosts(pairs: Iterable[tuple[str, str]]) -> list[str]:
    return sorted(f"{name}:{address}" for name, address in pairs)


def _tmpfs(there: _There) -> dict[str, str]:
    found = dict(there.host.get("Tmpfs") or {})
    for mount in there.host.get("Mounts") or ():
        if mount.get("Type") == "tmpfs":
            found[mount["Target"]] = _tmpfs_options(mount)
    return {values.clean(path): ",".join(sorted(filter(None, given.split(",")))) for path, given in found.items()}


def _tmpfs_options(mount: Mapping[str, Json]) -> str:
    """Return the options of one of C(HostConfig.Mounts) as the engine itself writes them (moby, linux_parser.go)."""
    given = mount.get("TmpfsOptions") or {}
    size, unit = given.get("SizeBytes") or 0, ""
    for larger in ("k", "m", "g"):
        if size % 1024:
            break
        size, unit = size // 1024, larger
    mode = given.get("Mode") or 0
    return ",".join(
        ("ro" if mount.get("ReadOnly") else "", f"mode={mode:o}" if mode else "", f"size={size}{unit}" if size else "")
    )


_READERS: dict[str, Callable[[_There], Json]] = {
    "user": _config("User", ""),
    "working_dir": lambda there: values.clean(there.config.get("WorkingDir") or "/"),
    "hostname": _config("Hostname", ""),
    "init": _host("Init", False),
    "cap_add": _capabilities("CapAdd"),
    "cap_drop": _capabilities("CapDrop"),
    "privileged": _host("Privileged", False),
    "sysctls": _host("Sysctls", {}),
    "tmpfs": _tmpfs,
    "ports": _ports,
    "restart": _restart,
    "stop_grace_period": lambda there: _DEFAULT_GRACE if (n := there.config.get("StopTimeout")) is None else n,
    "stop_signal": _stop_signal,
    "tty": _config("Tty", False),
    "stdin_open": _config("OpenStdin", False),
    "extra_hosts": _extra_hosts,
    "dns": lambda there: list(there.host.get("Dns") or ()),
    "read_only": _host("ReadonlyRootfs", False),
    "mem_limit": _host("Memory", 0),
    "cpus": _host("NanoCpus", 0),
    "shm_size": _host("ShmSize", 0),
}
_NORMAL: dict[str, Callable[[Json], Json]] = {"restart": str, "dns": list, "extra_hosts": _hosts}


# -- options that the engine merges with the image's ----------------------------------------------------------------


def _special_differences(spec: ContainerSpec, there: _There) -> dict[str, tuple[Json, Json]]:
    candidates: dict[str, tuple[Json, Json] | None] = {
        "image": _image(spec, there),
        "command": _command(spec, there),
        "entrypoint": _entrypoint(spec, there),
        "healthcheck": None if spec.healthcheck is None else _healthcheck(spec.healthcheck, there),
        "labels": None if spec.labels is None else _labels(spec.labels, there),
        "security_opt": None if spec.security_opt is None else _security(spec.security_opt, there),
        "volumes": None if spec.volumes is None else _volumes(spec.volumes, there),
    }
    found = {name: pair for name, pair in candidates.items() if pair is not None and pair[0] != pair[1]}
    found.update(_environment(spec, there))
    return found


def _image(spec: ContainerSpec, there: _There) -> tuple[Json, Json] | None:
    """One image can have many names, and one name can get another image."""
    if spec.image is None:
        return None
    name, ident = there.config.get("Image") or "", there.raw.get("Image") or ""
    if there.images.wanted is not None:
        if there.images.wanted == ident:
            return None
        if full_name(spec.image) == full_name(name):
            return f"{name} ({_short(ident)})", f"{spec.image} ({_short(there.images.wanted)})"
    elif full_name(spec.image) == full_name(name):
        return None
    return name, spec.image


def _short(ident: str) -> str:
    return ident.partition(":")[2][:12]


def _command(spec: ContainerSpec, there: _There) -> tuple[Json, Json] | None:
    if spec.command is None:
        return None
    current, wanted = list(there.config.get("Cmd") or ()), list(spec.command)
    if not wanted and not spec.entrypoint and not _has_own_entrypoint(there):
        # The engine then takes the image's.
        wanted = list(there.base.get("Cmd") or ())
    return current, wanted


def _has_own_entrypoint(there: _There) -> bool:
    """Whether the entrypoint was given to the container, so that it never got the image's command."""
    own = there.config.get("Entrypoint") or []
    return bool(own) and (own != (there.base.get("Entrypoint") or []) or not there.config.get("Cmd"))


def _entrypoint(spec: ContainerSpec, there: _There) -> tuple[Json, Json] | None:
    return None if spec.entrypoint is None else (list(there.config.get("Entrypoint") or ()), list(spec.entrypoint))


def _environment(spec: ContainerSpec, there: _There) -> dict[str, tuple[Json, Json]]:
    """Compare the variables. Current values are never shown: they may be, or have been, secrets."""
    current, inherited = _variables(there.config), _variables(there.base)
    wanted = spec.variables
    changed = {name for name, value in wanted.items() if current.get(name) != value}
    if spec.environment is not None and there.images.base is not None:
        changed |= {name for name, value in current.items() if name not in wanted and inherited.get(name) != value}
    secret = changed & set(spec.secret_environment or ())
    found: dict[str, tuple[Json, Json]] = {}
    for option, names in (("environment", changed - secret), ("secret_environment", secret)):
        if names:
            found[option] = (
                {name: HIDDEN for name in sorted(names) if name in current},
                {name: HIDDEN if name in secret else wanted[name] for name in sorted(names) if name in wanted},
            )
    return found


def _variables(config: Mapping[str, Json]) -> dict[str, str]:
    return {name: value for name, _equals, value in (entry.partition("=") for entry in config.get("Env") or ())}


def _labels(wanted: Mapping[str, str], there: _There) -> tuple[Json, Json]:
    inherited = there.base.get("Labels") or {}
    current = there.config.get("Labels") or {}
    if there.images.base is None:
        current = {name: value for name, value in current.items() if name in wanted}

    def own(labels: Mapping[str, str]) -> dict[str, str]:
        return {
            name: value
            for name, value in labels.items()
            if inherited.get(name) != value and not name.startswith(OWN_LABELS)
        }

    return own(current), own(wanted)


def _volumes(wanted: tuple[Volume, ...], there: _There) -> tuple[Json, Json]:
    """Compare what is mounted, except the volumes that the image declares where nothing else is wanted."""
    current = mounted(there.host)
    taken = {volume.target for volume in current}
    declared = {values.clean(path) for path in there.config.get("Volumes") or ()}
    targets = {volume.target for volume in wanted}
    inherited = declared if there.images.base is None else {values.clean(p) for p in there.base.get("Volumes") or ()}
    # A volume that was anonymous once is carried to a successor by the name that the engine gave it, to lose nothing.
    carried = {volume for volume in current if volume not in wanted and volume.forgotten().anonymous}
    current = (current - carried) | {volume.forgotten() for volume in carried if volume.target in targets}
    current |= {Volume(path) for path in declared - taken if path in targets or path not in inherited}
    return sorted(map(str, current)), sorted(map(str, wanted))


def _security(wanted: tuple[str, ...], there: _There) -> tuple[Json, Json]:
    """The engine itself gives C(label=disable) to a privileged container."""
    implied = {"label=disable"} if there.host.get("Privileged") else set()
    current = {option for given in there.host.get("SecurityOpt") or () for option in _security_option(given)}
    return sorted(current - implied), sorted(set(wanted) - implied)


def _security_option(given: str) -> tuple[str, ...]:
    try:
        return values.security(given)
    except SpecError:  # a form that this collection never writes: not what is wanted, whatever it means
        return (given,)


def _healthcheck(wanted: Healthcheck, there: _There) -> tuple[Json, Json]:
    """What is not given of a healthcheck is the image's."""
    current = _given_check(there.config)
    if there.images.base is None:
        known = wanted.to_api()
        return {key: current.get(key) for key in known}, known
    if wanted.test == ("NONE",):
        return {"Test": current.get("Test")}, {"Test": ["NONE"]}
    return current, {**_given_check(there.base), **wanted.to_api()}


def _given_check(config: Mapping[str, Json]) -> dict[str, Json]:
    return {key: value for key, value in (config.get("Healthcheck") or {}).items() if value}
