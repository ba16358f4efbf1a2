# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Read what container_link needs to know, and tell what it leaves."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from .._apply.replacement_checks import observe_dependencies
from .._errors import NotFound
from .._model.bridge import DEFAULT_BRIDGE
from .._model.find import all_summaries, find_container, find_containers, find_network
from .._model.legacy_links import link_entry
from .._plan.attach_checks import is_default_bridge
from .._recovery.endpoint_notes import with_away
from .._recovery.journal import Journal, read_journal, recovered

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from .._apply.replacement_checks import Dependencies
    from .._engine.client import Engine
    from .._engine.info import EngineInfo
    from .._model.endpoint import Json, Link
    from .._model.legacy_links import LegacyLink
    from .._model.state import ContainerState, Network, Summary
    from .spec import LinkSpec


@dataclass(frozen=True)
class LinkState:
    """What is there, as far as a LinkSpec needs it.

    Attributes:
        network: None if it is missing.
        source: None if it is missing; as it will be once what an interrupted run left is put right.
        legacy: the source's legacy links.
        containers: by the name or ID that the task or a link of the source uses; those that are missing are not in it.
        journal: what interrupted runs left.
        hosts: the hosts file of a source that runs and has legacy links; None if it is not looked at.
        dependencies: only read if the source may have to be recreated.
        image_is_there: whether the engine has the image of C(create).
        neighbours: every container; only read where the source or a target may get an address on the network.
        known_containers, known_networks: only read to suggest names.
    """

    info: EngineInfo
    network: Network | None = None
    source: ContainerState | None = None
    legacy: tuple[LegacyLink, ...] = ()
    containers: Mapping[str, ContainerState] = field(default_factory=dict)
    journal: Journal = field(default_factory=Journal)
    hosts: str | None = None
    dependencies: Dependencies | None = None
    image_is_there: bool = True
    neighbours: tuple[Summary, ...] = ()
    known_containers: tuple[str, ...] = ()
    known_networks: tuple[str, ...] = ()

    @property
    def network_links(self) -> tuple[Link, ...]:
        """The links that the source has on the network."""
        if self.network is None or self.source is None or self.network.name not in self.source.endpoints:
            return ()
        return self.source.endpoints[self.network.name].settings.links or ()


def observe_link(engine: Engine, spec: LinkSpec, patience: float | None = None) -> LinkState:
    """Read the network, the source, its links and their targets; more only if that is not enough to decide.

    Args:
        patience: how long to wait for another run that seems to be at work, instead of what its containers allow.
    """
    state = _begin(engine, spec, patience)
    if state.network is None and spec.present:
        state = replace(state, known_networks=tuple(raw["Name"] for raw in engine.networks()))
    if not spec.present:
        return state
    if _may_attach(spec, state):
        everybody = all_summaries(engine)
        state = replace(state, neighbours=everybody, known_containers=tuple(summary.name for summary in everybody))
    if state.source is None and spec.create is not None:
        return replace(state, image_is_there=_has_image(engine, spec.create.image or ""))
    if state.source is None or state.network is None or not is_default_bridge(state.network):
        return state
    if lacks_a_link(spec, state):
        return replace(state, dependencies=observe_dependencies(engine, state.source))
    if state.source.live and state.legacy and not state.journal.changes:
        # Not at the top: this loads what reads archives and runs programs.
        from .._apply.hosts import read_hosts

        return replace(state, hosts=read_hosts(engine, state.source))
    return state


def _begin(engine: Engine, spec: LinkSpec, patience: float | None) -> LinkState:
    """Return the ends as they will be once what interrupted runs left of them is put right, and the network."""
    source = find_container(engine, spec.container)
    name = source.name if source is not None else spec.container
    journal = read_journal(engine, [name], (spec.container, *spec.targets), patience)
    if journal.waited:
        source = find_container(engine, name)
    state = LinkState(engine.info, find_network(engine, spec.network), journal=journal)
    seen = recovered(engine, journal, name, source)
    if seen is not None:
        state = replace(state, source=seen.container, legacy=seen.links)
    containers = {ref: with_away(one, journal.notes) for ref, one in _containers(engine, spec, state).items()}
    return replace(state, containers=containers)


def _may_attach(spec: LinkSpec, state: LinkState) -> bool:
    """Whether a container is missing, or gets an endpoint, so that it matters which others there are."""
    ends = [state.source, *(state.containers.get(ref) for ref in spec.targets)]
    if state.network is None or is_default_bridge(state.network):
        return None in ends
    name = state.network.name
    return any(one is None or name not in one.endpoints or not one.endpoints[name].endpoint_id for one in ends)


def lacks_a_link(spec: LinkSpec, state: LinkState) -> bool:
    """Whether a legacy link that the task wants is not there, so that the source has to be recreated."""
    there = {(link.alias, link.target.id) for link in state.legacy if link.target is not None}
    wanted = {(link.alias, state.containers[link.target].id) for link in spec.links if link.target in state.containers}
    return not wanted <= there


def _containers(engine: Engine, spec: LinkSpec, state: LinkState) -> dict[str, ContainerState]:
    refs = [*spec.targets, *(link.target for link in state.network_links)]
    # Another container may have the name of one that was removed.
    refs += [link.name for link in state.legacy if link.stale]
    return find_containers(engine, refs)


def _has_image(engine: Engine, image: str) -> bool:
    try:
        engine.image(image)
    except NotFound:
        return False
    return True


# -- what the task returns --------------------------------------------------------------------------------------------


def link_result(spec: LinkSpec, state: LinkState) -> dict[str, Json]:
    """Return the module's own return values."""
    source = state.source
    if source is None:
        return {"container": {"name": spec.container}, "links": []}
    legacy = state.network is not None and is_default_bridge(state.network)
    return {
        "container": {"id": source.id, "name": source.name, "status": source.status},
        "links": _legacy_results(state) if legacy else _network_results(state),
    }


def _legacy_results(state: LinkState) -> list[dict[str, Json]]:
    return [link_entry("legacy", link.name, link.alias, link.target, DEFAULT_BRIDGE) for link in state.legacy]


def _network_results(state: LinkState) -> list[dict[str, Json]]:
    name = state.network.name if state.network is not None else ""
    return [
        link_entry("network", link.target, link.alias, state.containers.get(link.target), name)
        for link in state.network_links
    ]
