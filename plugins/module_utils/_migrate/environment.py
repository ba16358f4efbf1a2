# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The environment variables of legacy links: which there are, and what they would be without the link.

The engine makes them when the source starts, so that they vanish at the next start after the link is gone. Values are
in no output: among them are the secrets of the target.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from .._engine.mask import looks_secret
from .._errors import EngineError
from .._model.legacy_links import NOT_HANDED_ON, engine_release

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from .._engine.client import Engine
    from .._engine.info import EngineInfo
    from .._model.endpoint import Json
    from .._model.legacy_links import LegacyLink
    from .._model.state import ContainerState

_WITHOUT_ENVIRONMENT = (29, 0)
# What procps shows of a process with its environment, and nothing but the first process.
_SHOW_ENVIRONMENT = "eww -o pid,args"
# An alias, or a variable of the target, may have characters in it that no shell takes in a name.
_VARIABLE = re.compile(r"(?:^|\s)([^\s=]+)=")


@dataclass(frozen=True)
class Variable:
    """One environment variable of a link. value: with the link's name where the engine has the target's address."""

    name: str
    value: str = field(repr=False)

    @property
    def secret(self) -> bool:
        return "_ENV_" in self.name and looks_secret(self.name.partition("_ENV_")[2])


def link_variables(source: ContainerState, link: LegacyLink) -> tuple[Variable, ...]:
    """Return the variables that the engine makes of a link (moby, daemon/links). Pure."""
    target = link.target
    if target is None:
        return ()
    start = link.alias.replace("-", "_").upper()
    config = target.raw.get("Config") or {}
    found = [Variable(f"{start}_NAME", f"/{source.name}/{link.alias}"), *_port_variables(start, link.alias, config)]
    for entry in config.get("Env") or ():
        name, equals, value = entry.partition("=")
        if equals and name not in NOT_HANDED_ON:
            found.append(Variable(f"{start}_ENV_{name}", value))
    return tuple(dict.fromkeys(found))


def _port_variables(start: str, alias: str, config: Json) -> list[Variable]:
    ports = sorted(
        (protocol, int(number))
        for number, _slash, protocol in (port.partition("/") for port in config.get("ExposedPorts") or ())
        if number.isdigit()
    )
    if not ports:
        return []
    protocol, number = min(ports, key=lambda one: (one[1], one[0]))
    found = [Variable(f"{start}_PORT", f"{protocol}://{alias}:{number}")]
    for protocol, number in ports:
        one = f"{start}_PORT_{number}_{protocol.upper()}"
        found += [
            Variable(one, f"{protocol}://{alias}:{number}"),
            Variable(f"{one}_ADDR", alias),
            Variable(f"{one}_PORT", str(number)),
            Variable(f"{one}_PROTO", protocol),
        ]
    return found


def read_process_1(engine: Engine, container: ContainerState) -> frozenset[str] | None:
    """Return the names of the variables that process 1 of a running container was started with.

    None if the engine cannot tell, as where its host has no C(ps). What it answers holds values, which go no further.
    """
    try:
        answer = engine.get(f"/containers/{container.id}/top", ps_args=_SHOW_ENVIRONMENT)
    except EngineError:
        return None
    first = str(((container.raw.get("State") or {}).get("Pid")) or "")
    for row in answer.get("Processes") or ():
        if row and row[0] == first:
            names = frozenset(_VARIABLE.findall(row[-1]))
            # Without its environment, which a ps may not show, there is nothing to say.
            return names if "PATH" in names or "HOSTNAME" in names else None
    return None


def vanishing(
    source: ContainerState, links: Iterable[LegacyLink], seen: frozenset[str] | None, info: EngineInfo
) -> tuple[Variable, ...]:
    """Return the variables that the source's processes have now and will not have after its next start. Pure.

    Args:
        seen: the names that process 1 has; None if they are not to be seen.
    """
    if seen is None and engine_release(info) >= _WITHOUT_ENVIRONMENT:
        return ()
    given = {entry.partition("=")[0] for entry in (source.raw.get("Config") or {}).get("Env") or ()}
    found = {one.name: one for link in links for one in link_variables(source, link)}
    return tuple(one for name, one in sorted(found.items()) if name not in given and (seen is None or name in seen))


def environment_report(
    source: ContainerState, links: Iterable[LegacyLink], seen: frozenset[str] | None, info: EngineInfo
) -> dict[str, Json]:
    """Return what link_migrate tells about a source's environment: names, never values. Pure."""
    variables = vanishing(source, links, seen, info)
    return {
        "variables": [one.name for one in variables],
        "secrets": [one.name for one in variables if one.secret],
        "seen": None if seen is None else bool(variables),
    }
