# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Find what is wrong with a lab as a whole: what its parts want of each other, as far as no engine is needed. Pure.

The rules are those of the modules. Here they are asked without an engine: what depends on its version, its images, or
the networks and containers of others is not looked at.
"""

from __future__ import annotations

import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.linklab.docker.plugins.module_utils._engine.info import EngineInfo
from ansible_collections.linklab.docker.plugins.module_utils._errors import Mistakes, SpecError, did_you_mean
from ansible_collections.linklab.docker.plugins.module_utils._model.bridge import DEFAULT_BRIDGE
from ansible_collections.linklab.docker.plugins.module_utils._model.state import Network, Subnet
from ansible_collections.linklab.docker.plugins.module_utils._plan.address_demand import Holder, Room
from ansible_collections.linklab.docker.plugins.module_utils._plan.attach_checks import settings_problems
from ansible_collections.linklab.docker.plugins.module_utils._plan.new_networks import clashes
from ansible_collections.linklab.docker.plugins.module_utils._topology.checks import (
    never_healthy,
    unknown_references,
)
from ansible_collections.linklab.docker.plugins.module_utils._topology.options import options_for
from ansible_collections.linklab.docker.plugins.module_utils._topology.spec import read_topology

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from ansible_collections.linklab.docker.plugins.module_utils._errors import Place
    from ansible_collections.linklab.docker.plugins.module_utils._topology.spec import TopologySpec

Json = t.Any

# Newer than any engine, so that nothing is refused that only some engines cannot do.
_ANY_ENGINE = EngineInfo("99.0")


def mistakes_in_whole(options: Mapping[str, Json], wrong: Collection[Place]) -> Iterator[SpecError]:
    """Yield what is wrong, with places such as C(containers), C(app), C(links).

    Args:
        options: C(name), C(networks), C(containers) and C(checks), as the modules take them.
        wrong: places whose mistakes are known; they are left out.
    """
    given = {key: _without(options.get(key), _below(wrong, key)) for key in ("networks", "containers")}
    given = {key: value if isinstance(value, dict) else {} for key, value in given.items()}
    given["containers"] = {
        name: _anywhere(given["networks"]) if one is _WRONG else one for name, one in given["containers"].items()
    }
    given["networks"] = {name: None if one is _WRONG else one for name, one in given["networks"].items()}
    yield from _unknown_in_checks(options.get("checks"), given["containers"])
    task = {"name": str(options.get("name") or "lab"), **given}
    checked = ArgumentSpecValidator(options_for(task)).validate(task)
    if checked.error_messages:
        yield from (SpecError(message) for message in checked.error_messages)
        return
    mistakes = Mistakes()
    spec = read_topology(checked.validated_parameters, mistakes)
    yield from mistakes.found
    yield from _in_networks(spec)
    yield from _in_containers(spec, given["containers"])


def _unknown_in_checks(checks: Json, containers: Collection[str]) -> Iterator[SpecError]:
    """Say which containers the checks name that the lab does not have."""
    for number, check in enumerate(checks if isinstance(checks, list) else ()):
        for end in ("source", "target"):
            given = check.get(end) if isinstance(check, dict) else None
            for name in given if isinstance(given, list) else str(given).split(",") if given is not None else ():
                if str(name) not in containers:
                    problem = f"the lab has no container {str(name)!r}{did_you_mean(str(name), containers)}"
                    yield SpecError(problem, ("checks", number, end))


def _in_networks(spec: TopologySpec) -> Iterator[SpecError]:
    others: list[Network] = []
    for name, wanted in spec.networks.items():
        place: Place = ("networks", name)
        members = [one for one in spec.containers.values() if name in (one.networks or ())]
        holders = [Holder(one.name, "running", (one.networks or {})[name].addresses) for one in members]
        room = Room(None, wanted, {}, frozenset())
        for text in (*clashes(wanted, others), *room.shortages(holders)):
            yield SpecError(text.removeprefix(f"network {name}: "), place)
        subnets = tuple(Subnet(entry["subnet"]) for entry in wanted.subnets or ())
        others.append(Network("", name, subnets=subnets, options=wanted.driver_opts or {}))


def _in_containers(spec: TopologySpec, names: Collection[str]) -> Iterator[SpecError]:
    """Say what is wrong with containers. names: those of all, also of the ones that could not be read."""
    for name, desired in spec.containers.items():
        for network, settings in (desired.networks or {}).items():
            there = Network("", network) if network == DEFAULT_BRIDGE else None
            found = settings_problems(name, settings, there, spec.networks.get(network), _ANY_ENGINE, gates={})
            for text in found:
                yield SpecError(text.removeprefix(f"{name}: "), ("containers", name, "networks", network))
    for name, option, problem in unknown_references(spec, names):
        yield SpecError(problem, ("containers", name, option))
    for name, problem in never_healthy(spec, {}):
        yield SpecError(problem, ("containers", name, "depends_on"))


# -- what is wrong already --------------------------------------------------------------------------------------------

# Stands for a network or a container that is wrong as a whole: its name counts.
_WRONG = object()


def _anywhere(networks: Iterable[str]) -> dict[str, Json]:
    """Return a container about which nothing is known, so that nothing is wrong with what others want of it."""
    return {"image": "unknown", "networks": [*networks, DEFAULT_BRIDGE]}


def _without(named: Json, wrong: Collection[Place]) -> Json:
    if not isinstance(named, dict):
        return named
    return {name: _part_without(one, _below(wrong, name)) for name, one in named.items()}


def _part_without(value: Json, wrong: Collection[Place]) -> Json:
    """Return a part without what is wrong in it; a list in which an element is wrong is wrong as a whole."""
    if any(not place or isinstance(place[0], int) for place in wrong):
        return _WRONG
    if not isinstance(value, dict):
        return value
    found = {key: _part_without(one, _below(wrong, key)) for key, one in value.items()}
    return {key: one for key, one in found.items() if one is not _WRONG}


def _below(places: Iterable[Place], step: str) -> list[Place]:
    return [place[1:] for place in places if place[:1] == (step,)]
