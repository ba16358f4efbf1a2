# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""What is not possible of a topology on this engine, found before anything is changed. Pure."""

from __future__ import annotations

import ipaddress
import typing as t

from .._engine.images import full_name
from .._errors import did_you_mean
from .._model.bridge import network_meant
from .._model.labels import TOPOLOGY_LABEL, container_owner, owner
from .._model.leftover_names import lasting_name
from .._plan.container_actions import claims_text
from .._plan.new_networks import new_network_problems

if t.TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping

    from .._model.endpoint import EndpointSettings
    from .._model.state import Endpoint, Network
    from .spec import DesiredContainer, TopologySpec
    from .state import TopologyState

Json = t.Any


def problems(spec: TopologySpec, state: TopologyState, going: frozenset[str]) -> Iterator[str]:
    """Say what is not possible.

    Args:
        going: IDs of networks that will be removed first.
    """
    yield from _foreign_containers(spec, state)
    yield from _networks_there(spec, state)
    yield from _new_networks(spec, state, going)
    yield from _addresses(spec, state)
    yield from (f"container {name}: {problem}" for name, _option, problem in unknown_references(spec, state.outside))
    yield from _stopped_outside(spec, state)
    yield from _ports_taken(spec, state)
    yield from _images(spec, state)


def _foreign_containers(spec: TopologySpec, state: TopologyState) -> Iterator[str]:
    for name in spec.containers:
        container = state.containers.get(name)
        if container is None:
            continue
        whose = container_owner(container)
        if whose != spec.name:
            yield (
                f"container {name} exists and is not of topology {spec.name}"
                f" ({f'it belongs to topology {whose}' if whose else 'no topology made it'}); it is neither adopted nor"
                " replaced: name yours otherwise, or remove it first"
            )
        elif container.status in ("removing", "dead"):
            yield f"container {name} is being removed (status {container.status}); run the task again in a moment"


def _networks_there(spec: TopologySpec, state: TopologyState) -> Iterator[str]:
    for name in spec.external:
        if name not in state.networks:
            known = [network.name for network in state.all_networks]
            yield f"network {name} is external and does not exist{network_meant(name, known)}"
    for name in spec.networks:
        network = state.networks.get(name)
        if network is None:
            continue
        whose = owner(network.labels)
        if whose != spec.name:
            yield (
                f"network {name} exists and is not of topology {spec.name}"
                f" ({f'it belongs to topology {whose}' if whose else 'no topology made it'}); to use it as it is, give"
                " it external: true"
            )


def _new_networks(spec: TopologySpec, state: TopologyState, going: frozenset[str]) -> Iterator[str]:
    new = [wanted for name, wanted in spec.networks.items() if name not in state.networks]
    others = [network for network in state.all_networks if network.id not in going]
    return new_network_problems(new, others, state.network_support, state.info)


def _addresses(spec: TopologySpec, state: TopologyState) -> Iterator[str]:
    """Say which addresses older engines do not give: those in a subnet that they chose themselves.

    They do not tell whether they did, but where somebody else did, the gateway is mostly not told.
    """
    if state.info.speaks("1.52"):
        return
    for desired in spec.containers.values():
        container = state.containers.get(desired.name)
        for name, settings in (desired.networks or {}).items():
            network, wanted = state.networks.get(name), spec.networks.get(name)
            end = container.endpoints.get(name) if container is not None else None
            if network is None or wanted is None or wanted.subnets or (end is not None and _has(end, settings)):
                continue
            if any(_is_chosen_by_engine(network, text) for text in (settings.ipv4_address, settings.ipv6_address)):
                yield (
                    f"container {desired.name}: an address of its own needs a subnet that the task gives, and network"
                    f" {name} has one of the engine's choice; remove the topology (state: absent) and give the network"
                    " a subnet with ipam, or name there the one that it has, if it was given by a task"
                )


def _has(end: Endpoint, settings: EndpointSettings) -> bool:
    return all(
        wanted in (None, there)
        for wanted, there in (
            (settings.ipv4_address, end.settings.ipv4_address),
            (settings.ipv6_address, end.settings.ipv6_address),
        )
    )


def _is_chosen_by_engine(network: Network, address: str | None) -> bool:
    """Whether the subnet of a network that an address is of seems to be of the engine's choice."""
    parsed = ipaddress.ip_address(address) if address else None
    return any(
        parsed in ipaddress.ip_network(subnet.subnet) and bool(subnet.gateway)
        for subnet in network.subnets
        if parsed is not None and subnet.subnet
    )


def unknown_references(spec: TopologySpec, outside: Container[str]) -> Iterator[tuple[str, str, str]]:
    """Yield the name of a container, its option, and what it refers to there that nobody has.

    Args:
        outside: names of containers of others.
    """
    for desired in spec.containers.values():
        targets = [("links", link.target) for link in desired.links or ()]
        targets += [("network_mode", desired.shares_with)] if desired.shares_with else []
        for option, target in targets:
            if target not in spec.containers and target not in outside:
                yield desired.name, option, f"there is no container {target}{did_you_mean(target, spec.containers)}"


def _stopped_outside(spec: TopologySpec, state: TopologyState) -> Iterator[str]:
    """Say which containers cannot start, since they need one of others that does not run."""
    for desired in spec.containers.values():
        container = state.containers.get(desired.name)
        if container is not None and container.live:
            continue
        needed = [link.target for link in desired.legacy_links] + ([desired.shares_with] if desired.shares_with else [])
        for name in dict.fromkeys(needed):
            other = state.outside.get(name)
            if other is not None and not other.live:
                yield (
                    f"container {desired.name} needs {name}, which does not run ({other.status}) and is not of this"
                    " topology; start it first"
                )


def _ports_taken(spec: TopologySpec, state: TopologyState) -> Iterator[str]:
    """Say which ports of the host the containers of others publish; those of the topology itself may change."""
    taken: dict[tuple[str, str], list[tuple[str, str]]] = {}
    # What an interrupted change of one of them left has its name, and a mark.
    strangers = [other for other in state.others if lasting_name(other.name) not in spec.containers]
    for other in strangers:
        for address, number, protocol in other.published:
            taken.setdefault((str(number), protocol), []).append((address, other.name))
    for desired in spec.containers.values():
        for port in desired.spec.ports or ():
            holders = {name for address, name in taken.get((port.host, port.protocol), ()) if port.clashes(address)}
            if holders:
                yield (
                    f"container {desired.name}: the port {port.host}/{port.protocol} of the host is published by"
                    f" {', '.join(sorted(holders))} already"
                )


def _images(spec: TopologySpec, state: TopologyState) -> Iterator[str]:
    for desired in spec.containers.values():
        image = desired.spec.image or ""
        labels = (state.image_configs.get(state.image_ids.get(image) or "") or {}).get("Labels")
        if owner(labels) == spec.name:
            yield f"container {desired.name}: {claims_text(image, TOPOLOGY_LABEL, spec.name)}"
        if image not in state.image_ids and desired.spec.pull == "never" and _is_needed(desired, state):
            yield (
                f"container {desired.name}: the engine has no image {image}, and pull: never keeps it from fetching one"
            )
    configs = {image: state.image_configs.get(ident or "") for image, ident in state.image_ids.items()}
    yield from (f"container {name}: {problem}" for name, problem in never_healthy(spec, configs))


def never_healthy(spec: TopologySpec, configs: Mapping[str, Mapping[str, Json] | None]) -> Iterator[tuple[str, str]]:
    """Yield the name of a container, and on whose health it waits in vain.

    Args:
        configs: by the name of an image, its configuration; an image that has to be pulled is not known yet.
    """
    for desired in spec.containers.values():
        for other, condition in desired.needs.items():
            target = spec.containers.get(other)
            if condition == "healthy" and target is not None and _has_no_check(target, configs):
                yield (
                    desired.name,
                    f"depends_on {other} to be healthy, but neither {other} nor its image has a healthcheck",
                )


def _is_needed(desired: DesiredContainer, state: TopologyState) -> bool:
    """Whether an image that the engine does not have is needed for a container."""
    container = state.containers.get(desired.name)
    return container is None or full_name(container.image) != full_name(desired.spec.image or "")


def _has_no_check(desired: DesiredContainer, configs: Mapping[str, Mapping[str, Json] | None]) -> bool:
    check = desired.spec.healthcheck
    if check is not None and check.test is not None:
        return bool(check.test == ("NONE",))
    config = configs.get(desired.spec.image or "")
    return config is not None and not (config.get("Healthcheck") or {}).get("Test")
