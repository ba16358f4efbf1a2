# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Read what network_attach needs to know, and tell what it leaves."""

from __future__ import annotations

import typing as t

from .._model.find import all_summaries, find_containers, find_network, find_network_support, others_on
from .._model.results import endpoint_result, network_result
from .._model.state import NetworkSupport, read_network
from .._plan.attach import AttachState
from .._plan.attach_names import aliases_on
from .._plan.new_networks import needs_support
from .._recovery.endpoint_notes import find_notes, of_containers, with_away

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from .._compose.attachment import AttachSpec
    from .._engine.client import Engine
    from .._model.endpoint import Json
    from .._model.state import ContainerState, Network, Summary
    from .._plan.restorations import Note, NotedEndpoint


def observe_attach(engine: Engine, spec: AttachSpec) -> AttachState:
    """Read the network and the containers that the task names: one request each, and the list only if needed."""
    notes, _waited = find_notes(engine, _concerns(spec))
    network = find_network(engine, spec.network)
    refs = dict.fromkeys(
        (*(desired.container for desired in spec.desired_endpoints), *(spec.link_targets if spec.present else ()))
    )
    found = _find(engine, refs, notes)
    others = all_summaries(engine) if spec.purge or (spec.present and len(found) < len(refs)) else ()
    if spec.purge:
        found.update(_on_network(engine, spec, network, others, notes))
    networks = [read_network(raw) for raw in engine.networks()] if _networks_matter(spec, network, found) else []
    new = [spec.create] if spec.present and spec.create is not None and network is None else []
    return AttachState(
        info=engine.info,
        network=network,
        containers=found,
        internal=frozenset(known.name for known in networks if known.internal),
        others=others,
        notes=notes,
        members=_members(engine, spec, network, found),
        neighbours=(others or all_summaries(engine)) if _gets_an_address(spec, network, found) else (),
        known_networks=tuple(networks),
        network_support=find_network_support(engine) if needs_support(new) else NetworkSupport(),
    )


def _find(engine: Engine, refs: Iterable[str], notes: Sequence[Note]) -> dict[str, ContainerState]:
    """Read containers, with the endpoints that a killed run took away."""
    return {ref: with_away(one, notes) for ref, one in find_containers(engine, refs).items()}


def _on_network(
    engine: Engine, spec: AttachSpec, network: Network | None, others: Iterable[Summary], notes: Sequence[Note]
) -> dict[str, ContainerState]:
    """Read who is on the network, by ID."""
    name = network.name if network is not None else spec.network
    # Phantom endpoints are not in the list, only in the container's own description.
    suspects = [other.id for other in others if network is not None or name in other.networks]
    return {ident: one for ident, one in _find(engine, suspects, notes).items() if name in one.endpoints}


def _networks_matter(spec: AttachSpec, network: Network | None, found: Mapping[str, ContainerState]) -> bool:
    """Whether the network is to be made, or the default route of a container may be on another one."""
    if not spec.present or network is None:
        return spec.present
    # One network alone carries the route, whatever it is.
    return any(set(one.endpoints) - {network.name} for one in found.values())


def _gets_an_address(spec: AttachSpec, network: Network | None, found: Mapping[str, ContainerState]) -> bool:
    """Whether a container has no address on the network, or not the one that the task gives."""
    if not spec.present or network is None:
        return False
    there = [
        (found[desired.container], desired.settings) for desired in spec.desired_endpoints if desired.container in found
    ]
    ends = [(one.endpoints.get(network.name), settings) for one, settings in there]
    return any(
        end is None or not end.endpoint_id or not {end.ipv4, end.ipv6}.issuperset(settings.addresses)
        for end, settings in ends
    )


def _members(
    engine: Engine, spec: AttachSpec, network: Network | None, found: Mapping[str, ContainerState]
) -> dict[str, ContainerState]:
    """Read who else runs on the network, if an alias is to come that may be a name of theirs."""
    if network is None or not spec.present:
        return {}
    new = (
        set(desired.settings.aliases or ()) - aliases_on(found[desired.container], network.name)
        for desired in spec.desired_endpoints
        if desired.container in found
    )
    return others_on(engine, network, found.values()) if any(new) else {}


def _concerns(spec: AttachSpec) -> Callable[[NotedEndpoint], bool]:
    """Return whether what a killed run left is of interest: to a purge, all of it that is about the network."""
    named = of_containers(desired.container for desired in spec.desired_endpoints)
    return lambda end: named(end) or (spec.purge and end.network == spec.network)


def attach_result(spec: AttachSpec, state: AttachState) -> dict[str, Json]:
    """Return the module's own return values."""
    network = state.network
    if network is None:
        return {"network": {"name": spec.network}, "endpoints": []}
    named = (
        state.containers[desired.container]
        for desired in spec.desired_endpoints
        if desired.container in state.containers
    )
    return {
        "network": network_result(network),
        "endpoints": [
            endpoint_result(one, one.endpoints[network.name], state.internal)
            for one in named
            if network.name in one.endpoints
        ],
    }
