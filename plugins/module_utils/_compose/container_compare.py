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
from .container import OWN_LABELS, WORDS, ContainerSpec
from .items import Volume, mounted

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .items import Healthcheck

Json = t.Any

# In the place of a value that may be a secret.
HIDDEN = "********"


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

    def value(self, key: str) -> Json:
        """Return what there is of a word, by its key in the API."""
        room, _point, name = key.rpartition(".")
        return (self.raw.get(room or "Config") or {}).get(name)

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
        word, compare = WORDS[name], _OWN_RULES.get(name)
        if compare is not None:
            pair = compare(spec, there)
        elif word.read is not None:
            pair = word.read(there.value(word.key)), word.show(wanted)
        else:
            continue
        # Where values are hidden, those that differ look alike.
        if pair[0] != pair[1] or (name == "secret_environment" and any(pair)):
            found[name] = pair
    return found


def why(found: Mapping[str, tuple[Json, Json]]) -> str:
    """Return differences as a clause, such as C(user is '', wanted '1000'; environment differs in A, B)."""
    clauses = []
    for name, (current, wanted) in found.items():
        if isinstance(wanted, dict):
            hidden = HIDDEN in (*current.values(), *wanted.values())
            keys = sorted(key for key in {**current, **wanted} if hidden or current.get(key) != wanted.get(key))
            verb = "differ" if name in ("labels", "sysctls") else "differs"
            clauses.append(f"{name} {verb} in {', '.join(keys)}")
        else:
            clauses.append(f"{name} is {_show(current)}, wanted {_show(wanted)}")
    return "; ".join(clauses)


def _show(value: Json) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(str, value))}]"
    return "not set" if value in (None, "") else str(value)


# -- words that the engine merges with the image's, or knows in several forms -----------------------------------------


def _image(spec: ContainerSpec, there: _There) -> tuple[Json, Json]:
    """One image can have many names, and one name can get another image."""
    name, ident = there.config.get("Image") or "", there.raw.get("Image") or ""
    wanted, same_name = there.images.wanted, full_name(spec.image) == full_name(name)
    if wanted == ident or (wanted is None and same_name):
        return spec.image, spec.image
    if same_name:
        return f"{name} ({_short(ident)})", f"{spec.image} ({_short(wanted or '')})"
    return name, spec.image


def _short(ident: str) -> str:
    return ident.partition(":")[2][:12]


def _command(spec: ContainerSpec, there: _There) -> tuple[Json, Json]:
    current, wanted = list(there.config.get("Cmd") or ()), list(spec.command)
    if not wanted and not spec.entrypoint and not _has_own_entrypoint(there):
        # The engine then takes the image's.
        wanted = list(there.base.get("Cmd") or ())
    return current, wanted


def _has_own_entrypoint(there: _There) -> bool:
    """Whether the entrypoint was given to the container, so that it never got the image's command."""
    own = there.config.get("Entrypoint") or []
    return bool(own) and (own != (there.base.get("Entrypoint") or []) or not there.config.get("Cmd"))


def _environment(spec: ContainerSpec, there: _There, *, secret: bool) -> tuple[Json, Json]:
    """Compare the variables. Current values are never shown: they may be, or have been, secrets."""
    current, inherited = _variables(there.config), _variables(there.base)
    wanted = spec.variables
    changed = {name for name, value in wanted.items() if current.get(name) != value}
    if spec.environment is not None and there.images.base is not None:
        changed |= {name for name, value in current.items() if name not in wanted and inherited.get(name) != value}
    secrets = set(spec.secret_environment or ())
    names = sorted(changed & secrets if secret else changed - secrets)
    return (
        {name: HIDDEN for name in names if name in current},
        {name: HIDDEN if secret else wanted[name] for name in names if name in wanted},
    )


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


_OWN_RULES: dict[str, Callable[[ContainerSpec, _There], tuple[Json, Json]]] = {
    "image": _image,
    "command": _command,
    "entrypoint": lambda spec, there: (list(there.config.get("Entrypoint") or ()), list(spec.entrypoint)),
    "environment": lambda spec, there: _environment(spec, there, secret=False),
    "secret_environment": lambda spec, there: _environment(spec, there, secret=True),
    "volumes": lambda spec, there: _volumes(spec.volumes, there),
    "tmpfs": lambda spec, there: (_tmpfs(there), spec.tmpfs),
    "healthcheck": lambda spec, there: _healthcheck(spec.healthcheck, there),
    "labels": lambda spec, there: _labels(spec.labels, there),
    "security_opt": lambda spec, there: _security(spec.security_opt, there),
}
