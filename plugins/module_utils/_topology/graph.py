# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Networks, containers, endpoints and links as a graph: plain, sorted data, from what there is. Pure.

The graph of one topology holds what carries its label, and whatever that is connected with directly: every edge with
at least one end of its own, and the nodes at both ends.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._model.bridge import DEFAULT_BRIDGE, NAMELESS
from .._model.labels import container_owner, owner
from .._model.legacy_links import link_entry
from .._model.results import endpoint_result, network_result

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .._model.legacy_links import LegacyLink
    from .._model.state import ContainerState, Network

Json = t.Any
Graph = dict[str, list[dict[str, Json]]]

_SORTED_BY = {
    "networks": ("name", "id"),
    "containers": ("name",),
    "endpoints": ("container", "network"),
    "links": ("source", "kind", "network", "alias", "target"),
}


@dataclass(frozen=True)
class GraphState:
    """What is there, as far as a graph needs it.

    Attributes:
        networks: all, without members.
        containers: those that may be in the graph, each with its full description.
        legacy: the legacy links of these containers, by the source's name.
    """

    networks: tuple[Network, ...] = ()
    containers: tuple[ContainerState, ...] = ()
    legacy: Mapping[str, tuple[LegacyLink, ...]] = field(default_factory=dict)


def build_graph(state: GraphState, topology: str | None) -> Graph:
    """Return C(networks), C(containers), C(endpoints) and C(links). I(topology): None for the whole engine."""
    graph = {
        "networks": list(map(_network, state.networks)),
        "containers": [_container(one, state.containers) for one in state.containers],
        "endpoints": list(_endpoints(state)),
        "links": [*_legacy_links(state), *_network_links(state)],
    }
    if topology is not None:
        own = {one.name for one in state.containers if container_owner(one) == topology}
        graph = _around(graph, own, {one.name for one in state.networks if owner(one.labels) == topology})
    return {kind: _sorted(entries, _SORTED_BY[kind]) for kind, entries in graph.items()}


def _around(graph: Graph, own: set[str], own_networks: set[str]) -> Graph:
    """Return the part of a graph with some containers and networks, and what these are connected with directly."""
    endpoints = [end for end in graph["endpoints"] if end["container"] in own or end["network"] in own_networks]
    links = [link for link in graph["links"] if own & _ends(link)]
    pairs = [*_shared(graph["containers"]), *map(_ends, links)]
    nodes = own.union({end["container"] for end in endpoints}, *(pair for pair in pairs if own & pair))
    networks = own_networks | {end["network"] for end in endpoints}
    return {
        "networks": [one for one in graph["networks"] if one["name"] in networks],
        "containers": [one for one in graph["containers"] if one["name"] in nodes],
        "endpoints": endpoints,
        "links": links,
    }


def _ends(link: Mapping[str, Json]) -> set[str]:
    """Return the containers that a link connects. A stale one may bear the name of a container, but leads to none."""
    return {link["source"]} if link["stale"] else {link["source"], link["target"]}


def _sorted(entries: Iterable[dict[str, Json]], keys: Iterable[str]) -> list[dict[str, Json]]:
    return sorted(entries, key=lambda entry: [entry[key] for key in keys])


# -- nodes ------------------------------------------------------------------------------------------------------------


def _network(network: Network) -> dict[str, Json]:
    return {**network_result(network), "labels": dict(network.labels), "topology": owner(network.labels) or ""}


def _container(container: ContainerState, others: Iterable[ContainerState]) -> dict[str, Json]:
    return {
        "id": container.id,
        "name": container.name,
        "image": container.image,
        "status": container.status,
        "health": container.health,
        "topology": container_owner(container) or "",
        "network_mode": network_mode(container, others),
    }


def network_mode(container: ContainerState, others: Iterable[ContainerState]) -> str:
    """Return the network mode in the words of a topology: the engine keeps an ID where a name was given."""
    mode, _colon, ident = container.network_mode.partition(":")
    if mode == "container":
        return f"container:{next((one.name for one in others if one.is_called(ident)), ident)}"
    return DEFAULT_BRIDGE if mode == "default" else mode


def _shared(containers: Iterable[Mapping[str, Json]]) -> Iterator[set[str]]:
    """Yield pairs of containers of which one shares the other's network."""
    for one in containers:
        mode, _colon, name = one["network_mode"].partition(":")
        if mode == "container":
            yield {one["name"], name}


# -- endpoints and links ----------------------------------------------------------------------------------------------


def _endpoints(state: GraphState) -> Iterator[dict[str, Json]]:
    internal = frozenset(network.name for network in state.networks if network.internal)
    for one in state.containers:
        for end in one.endpoints.values():
            yield {"network": end.network, **endpoint_result(one, end, internal)}


def _legacy_links(state: GraphState) -> Iterator[dict[str, Json]]:
    for source, links in state.legacy.items():
        for link in links:
            entry = link_entry("legacy", link.name, link.alias, link.target, DEFAULT_BRIDGE)
            yield {"source": source, "network": DEFAULT_BRIDGE, **entry}


def _network_links(state: GraphState) -> Iterator[dict[str, Json]]:
    for source in state.containers:
        for name, end in source.endpoints.items():
            for link in (end.settings.links or ()) if name not in NAMELESS else ():
                target = _on_network(state.containers, name, link.target)
                entry = link_entry("network", link.target, link.alias, target, name)
                yield {"source": source.name, "network": name, **entry}


def _on_network(containers: Iterable[ContainerState], network: str, ref: str) -> ContainerState | None:
    """Return the container to which a network link leads: the engine knows it by its name or its short ID."""
    return next((one for one in containers if ref in (one.name, one.short_id) and network in one.endpoints), None)
