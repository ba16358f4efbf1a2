# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Plan what goes: everything with the topology's label, or what has its label and is no part of it any more. Pure."""

from __future__ import annotations

import typing as t

from .._compose.items import is_anonymous_name
from .._errors import agreeing, refuse
from .._model.labels import container_owner, owner
from .._plan.container_actions import RemoveContainer, RemoveNetwork, RemoveVolume
from .._plan.plan import Disruption, Plan, singly, stages

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from .._model.state import ContainerState
    from .spec import TopologySpec
    from .state import TopologyState

REMOVE_WORKERS = 8


def plan_absent(spec: TopologySpec, state: TopologyState) -> Plan:
    """Return the removal of all that carries the topology's label, and of nothing else; raise Refusal."""
    containers = remove_containers(spec, state, "it belongs to the topology, which should be absent")
    networks = remove_networks(spec, state, "it belongs to the topology, which should be absent")
    volumes = [
        RemoveVolume("it belongs to the topology, and volumes are to go with it", Disruption.NONE, name)
        for name, labels in state.volumes.items()
        if spec.volumes and owner(labels) == spec.name
    ]
    refuse(
        (
            *dependents(state, containers),
            *foreign_users(spec, state, networks),
            *_volume_users(state, containers, volumes),
        )
    )
    return Plan(
        stages=stages(
            *((singly(level), REMOVE_WORKERS) for level in _by_level(spec, containers)),
            (singly(networks), 1),
            (singly(volumes), 1),
        ),
        warnings=tuple(
            f"container {name} is not of topology {spec.name} and stays"
            for name, container in state.containers.items()
            if container_owner(container) != spec.name
        ),
    )


def remove_containers(spec: TopologySpec, state: TopologyState, reason: str) -> list[RemoveContainer]:
    found = (state.containers[name] for name in state.leftovers if name in state.containers)
    return [
        RemoveContainer(reason, Disruption.NONE, container, _keeps_data(container), _anonymous(container))
        for container in found
        if container_owner(container) == spec.name
    ]


def _keeps_data(container: ContainerState) -> bool:
    """Whether something outlives the container that its processes may still have to write."""
    mounts = container.raw.get("Mounts") or ()
    return any(mount.get("RW", True) and not is_anonymous_name(mount.get("Name") or "") for mount in mounts)


def _anonymous(container: ContainerState) -> tuple[str, ...]:
    names = (mount.get("Name") or "" for mount in container.raw.get("Mounts") or ())
    return tuple(name for name in names if is_anonymous_name(name))


def remove_networks(spec: TopologySpec, state: TopologyState, reason: str) -> list[RemoveNetwork]:
    return [
        RemoveNetwork(reason, Disruption.NONE, network)
        for name, network in state.networks.items()
        if owner(network.labels) == spec.name and (not spec.present or name not in {*spec.networks, *spec.external})
    ]


def dependents(
    state: TopologyState, removals: Iterable[RemoveContainer], unlinked: Collection[tuple[str, str]] = ()
) -> Iterator[str]:
    """Say which containers that stay need one that is to be removed.

    Args:
        unlinked: source and alias of the legacy links that are taken away first.
    """
    going = {action.container.id for action in removals}
    staying = [other for other in state.others if other.id not in going]
    names = {other.name for other in staying}
    for one in (other for other in state.others if other.id in going):
        sources = sorted({source for source, alias in one.linked_by - set(unlinked) if source in names})
        if sources:
            yield (
                f"container {one.name} cannot be removed: {agreeing(sources, 'has', 'have')} a legacy link to it, and"
                " could run nothing and not start again; remove the link first (linklab.docker.container_link with"
                " state: absent)"
            )
        sharers = sorted(other.name for other in staying if other.network_mode == f"container:{one.id}")
        if sharers:
            yield (
                f"container {one.name} cannot be removed: {agreeing(sharers, 'shares', 'share')} its network and would"
                f" be cut off; remove {'it' if len(sharers) == 1 else 'them'} first"
            )


def _volume_users(
    state: TopologyState, removals: Iterable[RemoveContainer], volumes: Iterable[RemoveVolume]
) -> Iterator[str]:
    going = {action.container.id for action in removals}
    for action in volumes:
        users = sorted(other.name for other in state.others if other.id not in going and action.volume in other.volumes)
        if users:
            who = agreeing(users, "uses", "use")
            yield f"volume {action.volume} cannot be removed: {who} it; leave out volumes: true"


def foreign_users(spec: TopologySpec, state: TopologyState, networks: Iterable[RemoveNetwork]) -> Iterator[str]:
    """Say which containers of others are on networks that are to be removed."""
    own = {one.id for one in state.containers.values() if container_owner(one) == spec.name}
    # Another run may have removed some of its own since they were listed. A network keeps them for a moment longer.
    strangers = [other for other in state.others if other.id not in own and other.name not in state.leftovers]
    for action in networks:
        name, ident, members = action.network.name, action.network.id, action.network.members
        users = {other.name for other in strangers if other.id in members or other.networks.get(name) in (ident, "")}
        if users:
            yield (
                f"network {name} cannot be removed: {agreeing(sorted(users), 'is', 'are')} attached to it and not of"
                f" topology {spec.name}; detach {'it' if len(users) == 1 else 'them'} first"
                " (linklab.docker.network_attach with state: absent)"
            )


def _by_level(spec: TopologySpec, removals: Iterable[RemoveContainer]) -> Iterator[list[RemoveContainer]]:
    """Yield the removals in stages: what needs others goes before them."""
    rest = {action.container.name: action for action in removals}
    levels = [[rest.pop(name) for name in level if name in rest] for level in reversed(spec.levels)]
    # Those that the task does not name may need any of the others.
    yield list(rest.values())
    yield from levels
