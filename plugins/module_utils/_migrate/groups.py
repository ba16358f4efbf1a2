# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Which network a group of linked containers moves to, and what each endpoint on it must be called. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from .._model.bridge import DEFAULT_BRIDGE
from .._model.endpoint import EndpointSettings, Link
from .._model.hosts_lines import link_lines
from .._plan.attach_names import aliases_on, as_resolved, own_names
from .observe import MARK, is_marked

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from .._model.state import ContainerState, Network
    from .observe import MigrateState, Source
    from .spec import MigrateSpec

# Sorts after the default bridge: of two networks, the one whose name comes first has the default route.
_PREFIX = "links-"


@dataclass(frozen=True)
class Group:
    """Containers that links connect.

    Attributes:
        network: the name of the network that they move to.
        there: the network, None if it is to be made.
        sources: those of its members that have links.
        members: sources and targets, by ID.
        settings: what the endpoint of each member must have, besides what it has, by ID.
        problems: why the names are not possible on the network.
    """

    network: str
    there: Network | None
    sources: tuple[Source, ...]
    members: Mapping[str, ContainerState]
    settings: Mapping[str, EndpointSettings] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    def images(self, first: str, shells: Iterable[str]) -> tuple[str, ...]:
        """Return the images of members that have a shell, that of the container with the ID I(first) at the front."""
        order = sorted(set(shells) & set(self.members), key=lambda ident: (ident != first, ident))
        return tuple(dict.fromkeys(str(self.members[ident].raw["Image"]) for ident in order))


def find_groups(spec: MigrateSpec, state: MigrateState) -> tuple[Group, ...]:
    """Return the groups of linked containers, one for each network; stale links connect nothing."""
    by_network: dict[str, list[Source]] = {}
    for part in _parts(state):
        name = _network_name(spec, state, part, {ident: state.containers[ident] for ident in _idents(part)})
        by_network.setdefault(name, []).extend(part)
    groups = []
    for name, part in sorted(by_network.items()):
        members = {ident: state.containers[ident] for ident in sorted(_idents(part))}
        sources = tuple(sorted(part, key=lambda source: source.container.name))
        settings, problems = _settings(name, sources, members, state)
        groups.append(Group(name, state.networks.get(name), sources, members, settings, problems))
    return tuple(groups)


def _parts(state: MigrateState) -> list[list[Source]]:
    """Return the sources in parts that no link connects."""
    parts: list[list[Source]] = []
    for source in state.sources:
        if source.links:
            touched = [part for part in parts if _idents(part) & _idents([source])]
            parts = [part for part in parts if part not in touched]
            parts.append([*(one for part in touched for one in part), source])
    return parts


def _idents(sources: Iterable[Source]) -> set[str]:
    found = {source.container.id for source in sources}
    return found | {target.id for source in sources for target in source.targets}


def _network_name(
    spec: MigrateSpec, state: MigrateState, sources: Sequence[Source], members: Mapping[str, ContainerState]
) -> str:
    if spec.network is not None:
        return next((net.name for net in state.networks.values() if net.is_called(spec.network)), spec.network)
    # An earlier run may have got part of the way.
    begun = sorted(
        name for one in members.values() for name in one.endpoints if is_marked(one, name) and name in state.networks
    )
    if begun:
        return begun[0]
    targets = sorted(target.name for source in sources for target in source.targets)
    if targets:
        return f"{_PREFIX}{targets[0]}"
    # All links lead nowhere, off the bridge: there is nobody to meet.
    return min(sources[0].container.endpoints, default=f"{_PREFIX}{sources[0].container.name}")


# -- names ------------------------------------------------------------------------------------------------------------


def _settings(
    network: str, sources: Sequence[Source], members: Mapping[str, ContainerState], state: MigrateState
) -> tuple[dict[str, EndpointSettings], tuple[str, ...]]:
    """Return how each name of each source leads to the same container as before.

    A name that only the target has, whoever asks, becomes an alias of the target; where another container could notice
    that, or has the name as well, a network link of the source does it, which the source alone sees. So it is where
    the target is on the network already: a further alias would end the connections over its endpoint.
    """
    aliases: dict[str, set[str]] = {ident: set() for ident in members}
    links: dict[str, set[Link]] = {ident: set() for ident in members}
    problems = []
    taken = _taken(network, members, state)
    shared = _may_share(network, members, state)
    wanted = [(source, name, target) for source in sources for name, target in wanted_names(source)]
    for source, name, target in wanted:
        (key,) = as_resolved([name])
        holders = taken.get(key, set()) | {other.id for _one, also, other in wanted if key in as_resolved([also])}
        for elsewhere in set(source.container.endpoints) - {DEFAULT_BRIDGE, network}:
            holders |= _taken(elsewhere, {}, state).get(key, set())
        if holders == {target.id}:
            if key in as_resolved(own_names(target) | aliases_on(target, network)):
                continue
            if shared and not (target.live and network in target.endpoints):
                aliases[target.id].add(name)
                continue
        problem = _link_problem(network, source, name, target)
        if problem:
            problems.append(problem)
        elif not _has_link(source.container, network, name, target):
            links[source.container.id].add(Link(target.name, name))
    return {ident: _further(one, network, aliases[ident], links[ident]) for ident, one in members.items()}, tuple(
        problems
    )


def wanted_names(source: Source) -> Iterator[tuple[str, ContainerState]]:
    """Yield the names under which a source finds its targets: the aliases, and the host names and names behind them.

    In the hosts file of one that runs there may be more: the name that the target had when it started, and what
    somebody added.
    """
    found: dict[str, ContainerState] = {link.alias: link.target for link in source.links if link.target is not None}
    yield from found.items()
    own = own_names(source.container)
    further: dict[str, list[ContainerState]] = {}
    for alias, target in found.items():
        there = {name for line in link_lines(source.hosts, alias) for name in line.names}
        for name in {target.hostname, target.name, *there} - {""}:
            further.setdefault(name, []).append(target)
    for name, targets in sorted(further.items()):
        # One that leads to several containers led to any of them before.
        if name not in found and name not in own and len({target.id for target in targets}) == 1:
            yield name, targets[0]


def _taken(network: str, members: Mapping[str, ContainerState], state: MigrateState) -> dict[str, set[str]]:
    """Return the names that are there already, as the resolver knows them, and the IDs of those who have them."""
    there = {ident: state.containers[ident] for ident in state.members.get(network, ()) if ident in state.containers}
    found: dict[str, set[str]] = {}
    for ident, one in {**there, **members}.items():
        for name in as_resolved(own_names(one) | aliases_on(one, network)):
            found.setdefault(name, set()).add(ident)
    return found


def _may_share(network: str, members: Mapping[str, ContainerState], state: MigrateState) -> bool:
    """Whether a further alias on the network is noticed by nobody but those whom links connect."""
    others = [
        ident
        for ident in state.members.get(network, ())
        if ident not in members and ident in state.containers and not is_marked(state.containers[ident], network)
    ]
    elsewhere = [one for one in members.values() if set(one.endpoints) - {DEFAULT_BRIDGE, network}]
    return not (others or elsewhere)


def _link_problem(network: str, source: Source, name: str, target: ContainerState) -> str:
    container = source.container
    endpoint = container.endpoints.get(network)
    for link in (endpoint.settings.links if endpoint else None) or ():
        if link.alias == name and link.target not in (target.name, target.short_id):
            return (
                f"{container.name} knows {target.name} as {name}, but its endpoint on {network} has a link {link};"
                " remove that first (container_link with state: absent), or name another network"
            )
    if name == container.hostname:
        return (
            f"{container.name} knows {target.name} as {name}, which is also its own host name: without the legacy link"
            " that name resolves to itself; create it again with another host name"
        )
    return ""


def _has_link(source: ContainerState, network: str, name: str, target: ContainerState) -> bool:
    endpoint = source.endpoints.get(network)
    return any(
        link.alias == name and link.target in (target.name, target.short_id)
        for link in (endpoint.settings.links if endpoint else None) or ()
    )


def _further(container: ContainerState, network: str, aliases: set[str], links: set[Link]) -> EndpointSettings:
    """Return what an endpoint must have besides what it has."""
    given = EndpointSettings(aliases=tuple(sorted(aliases)), links=tuple(sorted(links)))
    return given if network in container.endpoints else replace(given, driver_opts={MARK: "1"})
