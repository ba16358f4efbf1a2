# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Plan a topology: pure, (what is wanted, what is there) to stages of changes, ordered by dependency."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from .._apply.replacement_checks import replace_problems, replace_warnings
from .._compose.container_compare import why
from .._engine.images import full_name
from .._errors import refuse
from .._model.bridge import DEFAULT_BRIDGE
from .._model.labels import TOPOLOGY_LABEL, owner
from .._plan.container_actions import (
    After,
    CreateContainer,
    CreateVolume,
    PullImage,
    RemoveLink,
    ReplaceContainer,
    RestartContainer,
    RewriteHosts,
    StartContainer,
    UpdateContainer,
)
from .._plan.link_hosts import plan_hosts
from .._plan.plan import Action, CreateNetwork, Disruption, NewEndpoint, Plan, singly, stages
from .._recovery.journal import with_recovery
from .checks import problems
from .containers import ContainerChange, Successor, changes_of, handled_by, levels_of
from .data import data_left_behind
from .endpoints import back_on_bridge, plan_attachments
from .networks import (
    label_warnings,
    leftover_networks,
    network_changes,
    replacement_problems,
    replacement_warnings,
    replacements_of,
    without,
)
from .removal import REMOVE_WORKERS, dependents, foreign_users, plan_absent, remove_containers, remove_networks

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .._apply.replacement_checks import Dependencies
    from .._plan.plan import Stage
    from .endpoints import Attachments
    from .networks import Replacement
    from .spec import DesiredContainer, TopologySpec
    from .state import TopologyState

Json = t.Any

# Measured on two cores: creating and starting gains from 8 at once, and from no more.
CREATE_WORKERS = 8
PULL_WORKERS = 2


def plan_topology(spec: TopologySpec, state: TopologyState) -> Plan:
    """Return the changes that make I(state) what I(spec) asks for; raise Refusal."""
    if not spec.present:
        plan = plan_absent(spec, state)
        return with_recovery(replace(plan, stages=(*plan.stages, *_leftovers(state))), state.journal, state.containers)
    removals = remove_containers(spec, state, "purge: the topology does not name it") if spec.purge else []
    going = frozenset(action.container.id for action in removals)
    replacements = replacements_of(spec, state, going)
    spec, state = without(spec, state, replacements)
    changes = changes_of(spec, state)
    # A container that gets its first network of its own can only have it from the start.
    new = frozenset(name for name, change in changes.items() if change.container is None or change.mode is not None)
    networks = remove_networks(spec, state, "purge: the topology does not name it") if spec.purge else []
    replaced = frozenset(name for name, change in changes.items() if change.replaced)
    attachments = plan_attachments(spec, state, new, going, replaced)
    exchanges = tuple(network_changes(spec, state, replacements, attachments.returns))
    refuse(
        (
            *state.journal.problems,
            *problems(spec, state, frozenset(action.network.id for action in networks)),
            *attachments.problems,
            *replacement_problems(spec, state, replacements, exchanges),
            *dependents(state, removals, {link for change in changes.values() for link in _unlinked(change)}),
            *foreign_users(spec, state, networks),
            *_lossy_replacements(state, changes),
        )
    )
    levels = [
        part
        for level in levels_of(spec, state)
        for part in _static_first([_unit(spec, state, changes[name], changes, attachments) for name in level])
    ]
    before = stages(
        (singly(_pulls(spec, state)), PULL_WORKERS),
        (singly(removals), REMOVE_WORKERS),
    )
    made = stages(
        (singly(networks), 1),
        (singly(exchanges), 1),
        (singly(_network_creations(spec, state, replacements)), 1),
        (singly(_volume_creations(spec, state)), 1),
    )
    unlinks = stages((_unlinks(changes.values()), 1))
    containers = stages(*((level, CREATE_WORKERS) for level in levels))
    hosts = stages((singly(_hosts(state, changes, attachments)), 1))
    moves = (*attachments.detaches, *made, *attachments.changes, *unlinks, *attachments.late)
    warnings = (
        *attachments.warnings,
        *label_warnings(spec, state),
        *replacement_warnings(state, exchanges),
        *_ports_that_move(changes.values()),
        *data_left_behind(changes.values(), state, spec.named_volumes),
    )
    plan = Plan(stages=(*before, *moves, *containers, *hosts, *_leftovers(state)), warnings=warnings)
    return with_recovery(plan, state.journal, state.containers)


def _unlinked(change: ContainerChange) -> Iterator[tuple[str, str]]:
    """Yield source and alias of the legacy links that a container loses."""
    for link, _reason in change.unlink:
        yield change.desired.name, link.alias


def _lossy_replacements(state: TopologyState, changes: Mapping[str, ContainerChange]) -> Iterator[str]:
    for name, change in changes.items():
        if change.container is not None and change.replaced and name in state.dependencies:
            yield from replace_problems(
                change.container,
                _with_targets_started(state.dependencies[name], changes),
                handled=frozenset(handled_by(changes, name)),
                dropped=frozenset(link.alias for link, _reason in change.unlink),
                moves=change.mode is not None,
            )


def _ports_that_move(changes: Iterable[ContainerChange]) -> Iterator[str]:
    for change in changes:
        ports = change.desired.spec.ports
        if change.container is not None and change.replaced and (ports is None or any(not p.host for p in ports)):
            yield from replace_warnings(change.container)


def _with_targets_started(dependencies: Dependencies, changes: Mapping[str, ContainerChange]) -> Dependencies:
    """Return what is around a container by the time that it is replaced: its own topology's link targets run."""
    links = [
        replace(link, target=replace(link.target, status="running"))
        if link.target is not None and link.target.name in changes
        else link
        for link in dependencies.links
    ]
    return replace(dependencies, links=tuple(links))


# -- images, networks, volumes ----------------------------------------------------------------------------------------


def _pulls(spec: TopologySpec, state: TopologyState) -> Iterator[PullImage]:
    seen = set()
    for desired in spec.containers.values():
        image, container = desired.spec.image or "", state.containers.get(desired.name)
        # A container's image was there once; that its name is gone since is no reason to pull it.
        needed = container is None or full_name(container.image) != full_name(image)
        if needed and image not in state.image_ids and full_name(image) not in seen:
            seen.add(full_name(image))
            yield PullImage("the engine does not have it", Disruption.NONE, image, (TOPOLOGY_LABEL, spec.name))


def _leftovers(state: TopologyState) -> tuple[Stage, ...]:
    return stages((singly(leftover_networks(state)), 1))


def _network_creations(
    spec: TopologySpec, state: TopologyState, replacements: Mapping[str, Replacement]
) -> Iterator[CreateNetwork]:
    for name, network in spec.networks.items():
        if name not in state.networks and name not in replacements:
            yield CreateNetwork("it does not exist", Disruption.NONE, network)


def _volume_creations(spec: TopologySpec, state: TopologyState) -> Iterator[CreateVolume]:
    for name in spec.named_volumes:
        if name not in state.volumes:
            yield CreateVolume("it does not exist", Disruption.NONE, name, spec.labels)


# -- containers -------------------------------------------------------------------------------------------------------


def _unlinks(changes: Iterable[ContainerChange]) -> Iterator[tuple[Action, ...]]:
    for change in changes:
        source = change.container
        if source is not None and change.unlink:
            # The engine takes the endpoints of a running container away for a moment, but only if it is on the bridge.
            brief = source.live and DEFAULT_BRIDGE in source.endpoints
            disruption = Disruption.RECONNECT if brief else Disruption.NONE
            yield tuple(RemoveLink(reason, disruption, source, link.name, link.alias) for link, reason in change.unlink)


def _hosts(
    state: TopologyState, changes: Mapping[str, ContainerChange], attachments: Attachments
) -> Iterator[RewriteHosts]:
    """Yield what makes the names of legacy links resolve as they should; at a start the engine does that."""
    moved = back_on_bridge(attachments)
    started = frozenset(name for name, change in changes.items() if change.container and not change.container.live)
    for name, hosts in state.hosts.items():
        change = changes.get(name)
        if change is None or change.container is None or change.replaced:
            continue
        gone = {link.alias for link, _reason in change.unlink}
        links = [link for link in state.legacy.get(name, ()) if link.alias not in gone]
        images = dict.fromkeys((str(change.container.raw["Image"]), *state.image_ids.values()))
        found = plan_hosts(change.container, links, hosts, moved=moved, started=started, images=tuple(images))
        if found is not None:
            yield found


def _unit(
    spec: TopologySpec,
    state: TopologyState,
    change: ContainerChange,
    changes: Mapping[str, ContainerChange],
    attachments: Attachments,
) -> tuple[Action, ...]:
    """Return what is to be done to one container, in order."""
    desired, container = change.desired, change.container
    after = tuple(After(other, condition, spec.wait_timeout) for other, condition in desired.depends_on.items())
    endpoints = attachments.new[desired.name]
    if container is None:
        config = _create_config(spec, desired)
        return (CreateContainer("it does not exist", Disruption.NONE, desired.name, config, endpoints, after),)
    unit: list[Action] = []
    if change.replaced:
        base = state.image_configs.get(container.raw.get("Image") or "")
        unit.append(
            ReplaceContainer(
                "; ".join(change.reasons),
                Disruption.RECREATE,
                container,
                change=Successor(desired.spec, base, change.links, change.mode),
                handled=frozenset(handled_by(changes, desired.name)),
                keep_files=change.keep_files,
                mode=change.mode,
                endpoints=(*endpoints, *_kept_endpoints(spec, state, change)),
                macs={name: end.mac_address for name, end in (desired.networks or {}).items() if end.mac_address},
                after=after,
            )
        )
    elif change.live:
        config = desired.spec.update_to_api(change.live)
        unit.append(UpdateContainer(why(change.live), Disruption.NONE, container, config))
    if container.status == "paused" or not (container.live or change.replaced):
        unit.append(StartContainer(f"it is {container.status}", Disruption.NONE, container, after))
    if change.restart and not change.replaced:
        unit.append(RestartContainer(change.restart, Disruption.RECREATE, container, after))
    return tuple(unit)


def _kept_endpoints(spec: TopologySpec, state: TopologyState, change: ContainerChange) -> Iterator[NewEndpoint]:
    """Yield what goes on to a successor on the default bridge: its endpoints on the networks of others.

    Where the task says nothing about networks, those on the topology's own go on as well.
    """
    container, desired = change.container, change.desired
    if container is None or change.mode != DEFAULT_BRIDGE or desired.networks is not None:
        return
    for name, endpoint in container.endpoints.items():
        network = state.networks.get(name)
        foreign = network is None or owner(network.labels) != spec.name
        if name not in (DEFAULT_BRIDGE, "none") and (foreign or desired.network_mode is None):
            yield NewEndpoint(name, name, endpoint.settings)


def _static_first(units: Iterable[tuple[Action, ...]]) -> tuple[list[tuple[Action, ...]], list[tuple[Action, ...]]]:
    """Return the units in two parts: those with addresses of their own, before the engine gives these to others."""
    static: list[tuple[Action, ...]] = []
    rest: list[tuple[Action, ...]] = []
    for unit in units:
        if unit:
            (static if any(map(_asks_for_an_address, unit)) else rest).append(unit)
    return static, rest


def _asks_for_an_address(action: Action) -> bool:
    settings = []
    if isinstance(action, CreateContainer):
        settings = [endpoint.settings for endpoint in action.endpoints]
    elif isinstance(action, StartContainer):
        settings = [endpoint.settings for endpoint in action.container.endpoints.values()]
    return any(one.ipv4_address or one.ipv6_address for one in settings)


def _create_config(spec: TopologySpec, desired: DesiredContainer) -> dict[str, Json]:
    body = desired.spec.to_api()
    body["Labels"] = {**(desired.spec.labels or {}), **spec.labels}
    if desired.network_mode is not None:
        body["HostConfig"]["NetworkMode"] = desired.network_mode
    if desired.legacy_links:
        body["HostConfig"]["Links"] = [str(link) for link in desired.legacy_links]
    return body
