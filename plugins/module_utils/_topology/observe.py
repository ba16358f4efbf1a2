# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Read what a topology needs to know: the containers at once, one request for each network, and a few lists."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from .._apply.replacement_checks import Inspected, observe_dependencies
from .._engine.marks import image_values, without_inherited
from .._errors import NotFound
from .._model.bridge import DEFAULT_BRIDGE
from .._model.find import all_summaries, find_containers, find_network, find_network_support, others_on
from .._model.labels import TOPOLOGY_LABEL, judged, owner
from .._model.leftover_names import lasting_name
from .._model.state import NetworkSupport, read_network, read_summary
from .._plan.attach_names import aliases_on
from .._plan.new_networks import needs_support
from .._recovery.endpoint_notes import with_away
from .._recovery.journal import read_journal, recovered
from .._recovery.temporary_network import replaced_by
from .containers import changes_of
from .networks import changed
from .state import TopologyState

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from .._engine.client import Engine
    from .._model.state import ContainerState, Network, Summary
    from .._recovery.journal import Journal, Recovered
    from .containers import ContainerChange
    from .spec import DesiredContainer, TopologySpec

Json = t.Any


def observe_topology(engine: Engine, spec: TopologySpec) -> TopologyState:
    """Return what is there."""
    images = image_values(engine, TOPOLOGY_LABEL)
    listed = [without_inherited(raw, TOPOLOGY_LABEL, images) for raw in _listed(engine, spec)]
    labelled = [read_summary(raw).name for raw in listed if owner(raw.get("Labels")) == spec.name]
    leftovers = tuple(name for name in sorted(labelled) if not (spec.present and _belongs(name, spec.containers)))
    all_networks, temporaries = _all_networks(engine, spec)
    made = frozenset((*spec.networks, *(replaced_by(network, spec.name) for network in temporaries)))
    journal = read_journal(engine, spec.containers if spec.present else (), (*spec.containers, *labelled), made=made)
    if journal.waited:
        all_networks, temporaries = _all_networks(engine, spec)
    names = (*spec.containers, *(leftovers if _removes(spec) else ()))
    found = dict(_find(engine, dict.fromkeys(names), journal))
    state = TopologyState(
        info=engine.info,
        containers={name: judged(one.container, images) for name, one in found.items()},
        others=tuple(read_summary(raw) for raw in listed),
        leftovers=leftovers,
        networks=_networks(engine, spec, all_networks),
        all_networks=all_networks,
        temporaries=temporaries,
        volumes=_volumes(engine) if spec.named_volumes or spec.volumes else {},
        legacy={name: one.links for name, one in found.items() if one.links},
        journal=journal,
    )
    return _with_dependencies(engine, spec, _with_needs(engine, spec, state)) if spec.present else state


def _all_networks(engine: Engine, spec: TopologySpec) -> tuple[tuple[Network, ...], tuple[Network, ...]]:
    """Return every network but the temporary ones of this topology, and these."""
    found = [read_network(raw) for raw in engine.networks()]
    temporaries = tuple(network for network in found if replaced_by(network, spec.name))
    return tuple(network for network in found if network not in temporaries), temporaries


def _strangers(engine: Engine, spec: TopologySpec, state: TopologyState) -> dict[str, tuple[ContainerState, ...]]:
    """Read the containers of others on networks that have to be replaced, those that do not run too."""
    names = tuple(changed(spec, state.networks))
    if not names:
        return {}
    known = {container.id for container in state.containers.values()}
    noted = {end.container: end.network for note in state.journal.notes for end in note.endpoints}
    listed = {one.id: one.networks for one in all_summaries(engine) if one.id not in known}
    found = find_containers(
        engine, (ident for ident, networks in listed.items() if {*networks, noted.get(ident)} & {*names})
    )
    there = [with_away(one, state.journal.notes) for one in found.values()]
    return {name: tuple(one for one in there if name in one.endpoints) for name in names}


def _removes(spec: TopologySpec) -> bool:
    return spec.purge or not spec.present


def _is_about_all(spec: TopologySpec) -> bool:
    """Whether containers matter that are not of the topology: they may depend on it, or publish a port it wants."""
    return _removes(spec) or any(desired.spec.ports for desired in spec.containers.values())


def _listed(engine: Engine, spec: TopologySpec) -> Sequence[Json]:
    if _is_about_all(spec):
        return engine.containers()
    return engine.containers(label=[f"{TOPOLOGY_LABEL}={spec.name}"])


def _with_needs(engine: Engine, spec: TopologySpec, state: TopologyState) -> TopologyState:
    """Read besides what decides how a topology that is wanted comes about."""
    replaced = set(changed(spec, state.networks))
    new = [network for name, network in spec.networks.items() if name not in state.networks or name in replaced]
    return replace(
        state,
        outside=find_containers(engine, _outside(spec)),
        neighbours=_neighbours(engine, spec, state),
        members=_members(engine, spec, state),
        strangers=_strangers(engine, spec, state),
        **_images(engine, spec, state.containers.values()),
        hosts=dict(_hosts(engine, state)),
        network_support=find_network_support(engine) if needs_support(new) else NetworkSupport(),
    )


def _neighbours(engine: Engine, spec: TopologySpec, state: TopologyState) -> tuple[Summary, ...]:
    if not any(
        _may_get_an_address(desired, state.containers.get(desired.name)) for desired in spec.containers.values()
    ):
        return ()
    return state.others if _is_about_all(spec) else all_summaries(engine)


def _may_get_an_address(desired: DesiredContainer, container: ContainerState | None) -> bool:
    """Whether a container gets an endpoint or starts, so that it matters who else is on its networks."""
    if container is None or not container.live:
        return True
    ends = container.endpoints
    return any(
        name not in ends or any(one not in (ends[name].ipv4, ends[name].ipv6) for one in settings.addresses)
        for name, settings in (desired.networks or {}).items()
    )


def _members(engine: Engine, spec: TopologySpec, state: TopologyState) -> dict[str, ContainerState]:
    """Read the containers of others on each network on which a container gets an alias that may be a name of theirs."""
    wanted = {
        name: state.networks[name]
        for desired in spec.containers.values()
        for name, settings in (desired.networks or {}).items()
        if name in state.networks and set(settings.aliases or ()) - _aliases(state.containers.get(desired.name), name)
    }
    known = state.containers.values()
    return {key: one for network in wanted.values() for key, one in others_on(engine, network, known).items()}


def _aliases(container: ContainerState | None, network: str) -> set[str]:
    return aliases_on(container, network) if container is not None else set()


def _belongs(name: str, wanted: Collection[str]) -> bool:
    """Whether a container is one of the topology's, or what is left of a change of one."""
    return name in wanted or lasting_name(name) in wanted


def _find(engine: Engine, names: Iterable[str], journal: Journal) -> Iterator[tuple[str, Recovered]]:
    there = find_containers(engine, names)
    for name in names:
        found = recovered(engine, journal, name, there.get(name))
        if found is not None:
            yield name, found


def _hosts(engine: Engine, state: TopologyState) -> Iterator[tuple[str, str]]:
    for name, links in state.legacy.items():
        # What is put right first is started then, and its file written by the engine.
        if name not in state.journal.changes and state.containers[name].live and any(link.target for link in links):
            # Not at the top: few have a legacy link, and this loads what reads archives and runs programs.
            from .._apply.hosts import read_hosts

            yield name, read_hosts(engine, state.containers[name])


def _with_dependencies(engine: Engine, spec: TopologySpec, state: TopologyState) -> TopologyState:
    """Read what decides about a replacement, for those containers that need one."""
    suspects = [change for change in changes_of(spec, state).values() if change.replaced]
    summaries = all_summaries(engine) if suspects else ()
    dependencies, inspected = {}, Inspected()
    for change in suspects:
        if change.container is not None:
            there = observe_dependencies(engine, change.container, inspected, summaries)
            dependencies[change.desired.name] = replace(there, unwritable=_unwritable(engine, change, change.container))
    return replace(state, dependencies=dependencies)


def _unwritable(engine: Engine, change: ContainerChange, container: ContainerState) -> tuple[str, ...]:
    """Return the files that a container cannot keep if it becomes read-only."""
    if not (change.desired.spec.read_only and change.keep_files):
        return ()
    # Not at the top: to load what reads archives takes its time, and few containers become read-only.
    from .._apply.replacement_files import unwritable

    return unwritable(engine, container.raw, change.desired.spec.tmpfs or ())


def _outside(spec: TopologySpec) -> Iterator[str]:
    """Yield the names of containers that this topology refers to and that are not its own."""
    for desired in spec.containers.values():
        links = [
            *(desired.links or ()),
            *(link for end in (desired.networks or {}).values() for link in end.links or ()),
        ]
        for name in (*(link.target for link in links), *((desired.shares_with,) if desired.shares_with else ())):
            if name not in spec.containers:
                yield name


def _networks(engine: Engine, spec: TopologySpec, all_networks: Iterable[Network]) -> dict[str, Network]:
    bridge = any(desired.networks is not None or desired.on_bridge for desired in spec.containers.values())
    wanted = (*spec.networks, *sorted(spec.external), *((DEFAULT_BRIDGE,) if bridge and spec.present else ()))
    # The engine lists them in no order; those that the task names come as it names them.
    order = {name: number for number, name in enumerate(wanted)}
    names = {net.name for net in all_networks if net.name in order or owner(net.labels) == spec.name}
    return {
        name: found
        for name in sorted(names, key=lambda name: (order.get(name, len(order)), name))
        if (found := find_network(engine, name)) is not None
    }


def _images(engine: Engine, spec: TopologySpec, containers: Iterable[ContainerState]) -> dict[str, Json]:
    ids, configs = {}, {}
    wanted = dict.fromkeys(desired.spec.image for desired in spec.containers.values() if desired.spec.image)
    for name in wanted:
        image = _image(engine, name)
        if image is not None:
            ids[name] = image["Id"]
            configs[image["Id"]] = image.get("Config") or {}
    for ident in {str(container.raw["Image"]) for container in containers} - set(configs):
        image = _image(engine, ident)
        if image is not None:
            configs[ident] = image.get("Config") or {}
    return {"image_ids": ids, "image_configs": configs}


def _image(engine: Engine, name: str) -> Json:
    try:
        return engine.image(name)
    except NotFound:
        return None


def _volumes(engine: Engine) -> dict[str, Mapping[str, str]]:
    return {raw["Name"]: raw.get("Labels") or {} for raw in engine.get("/volumes").get("Volumes") or ()}
