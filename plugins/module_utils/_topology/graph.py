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
    from .._model.state import Container, Network

Json = t.Any


@dataclass(frozen=True)
class GraphState:
    """What is there, as far as a graph needs it.

    Attributes:
        networks: all, without members.
        containers: those that may be in the graph, each with its full description.
        legacy: the legacy links of these containers, by the source's name.
    """

    networks: tuple[Network, ...] = ()
    containers: tuple[Container, ...] = ()
    legacy: Mapping[str, tuple[LegacyLink, ...]] = field(default_factory=dict)


def build_graph(state: GraphState, topology: str | None) -> dict[str, list[dict[str, Json]]]:
    """Return C(networks), C(containers), C(endpoints) and C(links). I(topology): None for the whole engine."""
    internal = frozenset(network.name for network in state.networks if network.internal)
    modes = {one.id: network_mode(one, state.containers) for one in state.containers}
    endpoints = [
        {"network": end.network, **endpoint_result(one, end, internal)}
        for one in state.containers
        for end in one.endpoints.values()
    ]
    links = [*_legacy_links(state), *_network_links(state)]
    nodes = {one.name for one in state.containers}
    networks = {one.name for one in state.networks}
    if topology is not None:
        own = {one.name for one in state.containers if container_owner(one) == topology}
        own_networks = {one.name for one in state.networks if owner(one.labels) == topology}
        endpoints = [end for end in endpoints if end["container"] in own or end["network"] in own_networks]
        links = [link for link in links if own & _ends(link)]
        pairs = [*_shared(state.containers, modes), *map(_ends, links)]
        nodes = own.union({end["container"] for end in endpoints}, *(pair for pair in pairs if own & pair))
        networks = own_networks | {end["network"] for end in endpoints}
    return {
        "networks": _sorted((_network(one) for one in state.networks if one.name in networks), "name", "id"),
        "containers": _sorted((_container(one, modes) for one in state.containers if one.name in nodes), "name"),
        "endpoints": _sorted(endpoints, "container", "network"),
        "links": _sorted(links, "source", "kind", "network", "alias", "target"),
    }


def _ends(link: Mapping[str, Json]) -> set[str]:
    """Return the containers that a link connects. A stale one may bear the name of a container, but leads to none."""
    return {link["source"]} if link["stale"] else {link["source"], link["target"]}


def _sorted(entries: Iterable[dict[str, Json]], *keys: str) -> list[dict[str, Json]]:
    return sorted(entries, key=lambda entry: [entry[key] for key in keys])


# -- nodes ------------------------------------------------------------------------------------------------------------


def _network(network: Network) -> dict[str, Json]:
    return {**network_result(network), "labels": dict(network.labels), "topology": owner(network.labels) or ""}


def _container(container: Container, modes: Mapping[str, str]) -> dict[str, Json]:
    return {
        "id": container.id,
        "name": container.name,
        "image": container.image,
        "status": container.status,
        "health": container.health,
        "topology": container_owner(container) or "",
        "network_mode": modes[container.id],
    }


def network_mode(container: Container, others: Iterable[Container]) -> str:
    """Return the network mode in the words of a topology: the engine keeps an ID where a name was given."""
    mode, _colon, ident = container.network_mode.partition(":")
    if mode == "container":
        return f"container:{next((one.name for one in others if one.is_called(ident)), ident)}"
    return DEFAULT_BRIDGE if mode == "default" else mode


def _shared(containers: Iterable[Container], modes: Mapping[str, str]) -> Iterator[set[str]]:
    """Yield pairs of containers of which one shares the other's network."""
    for one in containers:
        mode, _colon, name = modes[one.id].partition(":")
        if mode == "container":
            yield {one.name, name}


# -- links ------------------------------------------------------------------------------------------------------------


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


def _on_network(containers: Iterable[Container], network: str, ref: str) -> Container | None:
    """Return the container to which a network link leads: the engine knows it by its name or its short ID."""
    return next((one for one in containers if ref in (one.name, one.short_id) and network in one.endpoints), None)
