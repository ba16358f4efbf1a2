# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Read a graph: the lists of all containers and networks, and at once the containers that may be in it.

The list of containers tells where everybody is and, by its further names, which container each legacy link leads to.
It lacks aliases, network links and the health.
"""

from __future__ import annotations

import typing as t
from dataclasses import replace

from .._engine.marks import given_value, image_values
from .._model.bridge import NAMELESS
from .._model.find import find_containers
from .._model.labels import TOPOLOGY_LABEL, judged, owner
from .._model.legacy_links import LegacyLink, legacy_target
from .._model.state import Summary, read_network, read_summary
from .graph import GraphState, build_graph

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from .._engine.reader import Reader
    from .._model.state import ContainerState, Network

Json = t.Any


class Listed(t.NamedTuple):
    """A container as the list of all tells it, and the topology that made it, if one did."""

    summary: Summary
    topology: str | None = None


def topology_info(engine: Reader, params: Mapping[str, Json]) -> dict[str, Json]:
    """Return what the module topology_info returns."""
    topology = params["name"]
    given = engine.containers()
    labelled = any(owner(raw.get("Labels")) is not None for raw in given)
    images = image_values(engine, TOPOLOGY_LABEL) if labelled else {}
    listed = [Listed(read_summary(raw), given_value(raw, TOPOLOGY_LABEL, images)) for raw in given]
    networks = tuple(read_network(raw) for raw in engine.networks())
    owners = {*(one.topology for one in listed), *(owner(network.labels) for network in networks)}
    state = _observe(engine, listed, networks, concerned(listed, networks, topology))
    return {
        "topologies": sorted(name for name in owners if name is not None),
        **build_graph(replace(state, containers=tuple(judged(one, images) for one in state.containers)), topology),
    }


def concerned(listed: Sequence[Listed], networks: Iterable[Network], topology: str | None) -> list[str]:
    """Return the IDs of the containers that may be in a graph. Pure.

    Those are the topology's own, and all that may share an edge with one of them.
    """
    if topology is None:
        return [one.summary.id for one in listed]
    own = [one for one in listed if one.topology == topology]
    own_ids, own_names = {one.summary.id for one in own}, {one.summary.name for one in own}
    # On these, others may have links that lead to the topology's containers.
    shared = {name for one in own for name in one.summary.networks} - set(NAMELESS)
    shared |= {network.name for network in networks if owner(network.labels) == topology}
    sources = {source for one in own for source, _alias in one.summary.linked_by}
    lenders = {ident for one in own if (ident := _lender(one.summary))}

    def is_near(one: Listed) -> bool:
        return bool(
            one.summary.id in own_ids | lenders
            or one.summary.name in sources
            or shared & set(one.summary.networks)
            or own_names & {source for source, _alias in one.summary.linked_by}
            or _lender(one.summary) in own_ids
        )

    return [one.summary.id for one in listed if is_near(one)]


def _lender(summary: Summary) -> str:
    """Return the ID of the container whose network a container shares; empty if it has its own."""
    mode, _colon, ident = summary.network_mode.partition(":")
    return ident if mode == "container" else ""


def _observe(
    engine: Reader, listed: Iterable[Listed], networks: tuple[Network, ...], wanted: Iterable[str]
) -> GraphState:
    # Who was removed since the list was made is not in the graph.
    found = find_containers(engine, wanted)
    targets = {link: one.summary.id for one in listed for link in one.summary.linked_by}
    return GraphState(
        networks=networks,
        containers=tuple(found.values()),
        legacy={one.name: tuple(_legacy_links(engine, one, found, targets)) for one in found.values()},
    )


def _legacy_links(
    engine: Reader, source: ContainerState, found: Mapping[str, ContainerState], targets: Mapping[tuple[str, str], str]
) -> Iterator[LegacyLink]:
    for link in source.legacy_links:
        target = found.get(targets.get((source.name, link.alias), ""))
        if target is None:
            # Stale, it seems; but the list can miss a container that is being replaced.
            target = legacy_target(engine, source.name, link.alias)
        yield LegacyLink(link.alias, link.target, target)
