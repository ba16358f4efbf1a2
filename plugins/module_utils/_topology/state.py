# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""What is there, as far as a topology needs it, and what the module tells about it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._compose.container_compare import ComparedImages
from .._model.labels import container_owner, owner
from .._model.results import endpoint_result, network_result
from .._model.state import NetworkSupport
from .._recovery.journal import Journal

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from .._apply.replacement_checks import Dependencies
    from .._engine.info import EngineInfo
    from .._model.legacy_links import LegacyLink
    from .._model.state import ContainerState, Network, Summary
    from .spec import DesiredContainer, TopologySpec

Json = t.Any


@dataclass(frozen=True)
class TopologyState:
    """What is there, as far as a topology needs it.

    Attributes:
        containers: by name: those that the topology names, and those with its label if they may be removed. As they
            will be once what an interrupted run left is put right.
        outside: by name: link targets that are not of the topology.
        others: all containers for a removal, and where ports of the host are wanted; else those with its label.
        members: by ID, containers of others on the networks that a container gets a new alias on.
        neighbours: all containers; only read where one of the topology's may get an address.
        leftovers: names of containers with the topology's label that it does not name.
        networks: by name, with their members: those that the topology names or labels, and the default bridge.
        all_networks: every network, without members.
        image_ids: ID by the image's name, for those that the engine has.
        image_configs: C(Config) by the image's ID.
        volumes: labels by name, of all volumes.
        legacy: the legacy links of the topology's containers, by name, where there are any.
        hosts: the hosts files of those that run and have legacy links, by name.
        journal: what interrupted runs left.
        dependencies: what decides whether a container can be replaced, by name, for those that may have to be.
        network_support: only read if a network is to be created that needs it.
        strangers: by the name of a network that has to be replaced, the containers of others on it.
        temporaries: networks that an interrupted replacement left; they are in neither of the others.
    """

    info: EngineInfo
    containers: Mapping[str, ContainerState] = field(default_factory=dict)
    outside: Mapping[str, ContainerState] = field(default_factory=dict)
    others: tuple[Summary, ...] = ()
    members: Mapping[str, ContainerState] = field(default_factory=dict)
    neighbours: tuple[Summary, ...] = ()
    leftovers: tuple[str, ...] = ()
    networks: Mapping[str, Network] = field(default_factory=dict)
    all_networks: tuple[Network, ...] = ()
    image_ids: Mapping[str, str] = field(default_factory=dict)
    image_configs: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    volumes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    legacy: Mapping[str, tuple[LegacyLink, ...]] = field(default_factory=dict)
    hosts: Mapping[str, str] = field(default_factory=dict)
    journal: Journal = field(default_factory=Journal)
    dependencies: Mapping[str, Dependencies] = field(default_factory=dict)
    network_support: NetworkSupport = field(default_factory=NetworkSupport)
    strangers: Mapping[str, tuple[ContainerState, ...]] = field(default_factory=dict)
    temporaries: tuple[Network, ...] = ()

    @property
    def internal(self) -> frozenset[str]:
        """Names of the networks that lead nowhere outside."""
        return frozenset(network.name for network in self.all_networks if network.internal)

    def images_of(self, desired: DesiredContainer, container: ContainerState) -> ComparedImages:
        """Return what a comparison needs to know about images."""
        return ComparedImages(
            self.image_ids.get(desired.spec.image or ""), self.image_configs.get(container.raw.get("Image") or "")
        )


# -- what is left -----------------------------------------------------------------------------------------------------


def topology_result(spec: TopologySpec, state: TopologyState) -> dict[str, Json]:
    """Return the module's own return values."""
    return {
        "name": spec.name,
        "containers": {
            name: _container_result(container, state.internal)
            for name, container in state.containers.items()
            if container_owner(container) == spec.name
        },
        "networks": {
            name: network_result(network)
            for name, network in state.networks.items()
            if owner(network.labels) == spec.name or name in spec.external
        },
        "orphans": list(state.leftovers),
    }


def _container_result(container: ContainerState, internal: frozenset[str]) -> dict[str, Json]:
    networks = {name: endpoint_result(container, endpoint, internal) for name, endpoint in container.endpoints.items()}
    for result in networks.values():
        for key in ("container", "container_id", "status"):
            del result[key]
    return {
        "id": container.id,
        "image": container.image,
        "status": container.status,
        "health": container.health,
        "networks": networks,
        "links": [str(link) for link in container.legacy_links],
    }
