# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Which networks are replaced under their members, and the topology as it is seen once they are away. Pure.

The rest of the planning then takes such a network for one that is to be made, and its members for containers whose
endpoints are away and known: the same that it sees where a run was killed between the two.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from .._compose.attachment import DesiredEndpoint
from .._model.bridge import DEFAULT_BRIDGE
from .._model.endpoint import EndpointSettings
from .._model.labels import owner
from .._plan.addresses import address_problems
from .._plan.attach import carried_over
from .._plan.attach_checks import mac_problems
from .._plan.network_actions import RemoveTemporaryNetwork, ReplaceNetwork
from .._plan.new_networks import clashes
from .._plan.plan import Detach, Disruption, Reattach
from .._recovery.temporary_network import REPLACES_LABEL, temporary_name

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .._compose.network import NetworkSpec
    from .._engine.info import EngineInfo
    from .._model.state import ContainerState, Network
    from .._plan.plan import Attach
    from .spec import DesiredContainer, TopologySpec
    from .state import TopologyState

Json = t.Any

# How a container is on the default bridge that nobody attached to it.
_MODES_ON_BRIDGE = ("default", DEFAULT_BRIDGE)
_SERVICE_LABEL = "com.docker.swarm.service.id"


@dataclass(frozen=True)
class Replacement:
    """A network that is to be replaced.

    Attributes:
        create: what takes its place.
        members: by name, everybody on it as they are; whoever is depended on comes before those that need it.
        leaving: names of those of them that the topology does not put there any more.
    """

    old: Network
    create: NetworkSpec
    reason: str
    members: Mapping[str, ContainerState] = field(default_factory=dict)
    leaving: frozenset[str] = frozenset()

    @property
    def keeps_addresses(self) -> bool:
        """Whether the subnets stay as they are."""
        return {one.subnet for one in self.old.subnets} == {entry["subnet"] for entry in self.create.subnets or ()}


def changed(spec: TopologySpec, networks: Mapping[str, Network]) -> Iterator[str]:
    """Yield the names of the topology's own networks that have to be replaced to be as it wants them."""
    for name, wanted in spec.networks.items():
        network = networks.get(name)
        if network is not None and owner(network.labels) == spec.name and set(wanted.differences(network)) - {"labels"}:
            yield name


def replacements_of(spec: TopologySpec, state: TopologyState, going: frozenset[str]) -> dict[str, Replacement]:
    """Return what is to be replaced, by the network's name. going: IDs of containers that are removed before."""
    return {name: _replacement(spec, state, name, going) for name in changed(spec, state.networks)}


def _replacement(spec: TopologySpec, state: TopologyState, name: str, going: frozenset[str]) -> Replacement:
    old, wanted = state.networks[name], spec.networks[name]
    differences = wanted.differences(old)
    reason = "; ".join(_becomes(*found, old) for found in differences.items() if found[0] != "labels")
    # Whoever is depended on comes first.
    order = [ref for level in spec.levels for ref in level]
    mine = sorted(state.containers.values(), key=lambda one: order.index(one.name) if one.name in order else len(order))
    there = (one for one in (*mine, *state.strangers.get(name, ())) if name in one.endpoints and one.id not in going)
    members = {one.name: one for one in there}
    own = {ref: spec.containers[ref] for ref in members if ref in spec.containers}
    leaving = frozenset(ref for ref, desired in own.items() if must_leave(spec, desired, members[ref], old))
    return Replacement(old, wanted.over(old), reason, members, leaving)


def _becomes(option: str, pair: tuple[Json, Json], old: Network) -> str:
    there, wanted = pair
    if option != "ipam":
        return f"{option} {_text(there)} becomes {_text(wanted)}"
    keys = [key for key in ("subnet", "gateway", "ip_range") if any(one.get(key) for one in wanted)]
    before = ", ".join(" ".join(getattr(one, key) or "?" for key in keys) for one in old.subnets) or "none"
    after = ", ".join(" ".join(one.get(key) or "?" for key in keys) for one in wanted)
    return f"{' '.join(keys)} {before} becomes {after}"


def must_leave(spec: TopologySpec, desired: DesiredContainer, container: ContainerState, network: Network) -> bool:
    """Whether it was this topology that put a container on a network where it should no longer be.

    What a user attached by hand to networks of others is left alone.
    """
    if desired.networks is None or network.name in desired.networks or network.name not in container.endpoints:
        return False
    if network.name == DEFAULT_BRIDGE:
        return container.network_mode in _MODES_ON_BRIDGE
    return owner(network.labels) == spec.name


# -- the topology without them ----------------------------------------------------------------------------------------


def without(
    spec: TopologySpec, state: TopologyState, replacements: Mapping[str, Replacement]
) -> tuple[TopologySpec, TopologyState]:
    """Return the topology as it is seen once the networks are away, and as it is to be."""
    if not replacements:
        return spec, state
    creates = {name: one.create for name, one in replacements.items()}
    gone = {one.old.id for one in replacements.values()}

    def away(container: ContainerState) -> ContainerState:
        return _away(container, replacements)

    return replace(spec, networks={**spec.networks, **creates}), replace(
        state,
        networks={name: network for name, network in state.networks.items() if name not in replacements},
        all_networks=tuple(network for network in state.all_networks if network.id not in gone),
        containers={name: away(container) for name, container in state.containers.items()},
        outside={name: away(container) for name, container in state.outside.items()},
        strangers={name: tuple(map(away, state.strangers.get(name, ()))) for name in replacements},
    )


def _away(container: ContainerState, replacements: Mapping[str, Replacement]) -> ContainerState:
    ends = dict(container.endpoints)
    for name, one in replacements.items():
        if name in ends:
            if container.name in one.leaving:
                del ends[name]
            else:
                ends[name] = replace(ends[name], away=True)
    return replace(container, endpoints=ends)


def unnamed_endpoints(
    spec: TopologySpec,
    state: TopologyState,
    network: str,
    containers: Mapping[str, ContainerState],
    going: frozenset[str],
) -> Iterator[DesiredEndpoint]:
    """Yield what else comes back to a network that is replaced: whoever is on it without the task's saying so."""
    if network not in state.strangers:
        return
    for name, container in containers.items():
        named = name in spec.containers and network in (spec.containers[name].networks or ())
        if network in container.endpoints and not named and container.id not in going:
            yield DesiredEndpoint(name, EndpointSettings())


# -- what is to be done -----------------------------------------------------------------------------------------------


def network_changes(
    spec: TopologySpec,
    state: TopologyState,
    replacements: Mapping[str, Replacement],
    returns: Mapping[str, Mapping[str, Attach]],
) -> Iterator[ReplaceNetwork]:
    """Yield the replacements. returns: by network and by the ID of a container, how it is attached again."""
    for name, one in replacements.items():
        members = tuple(_members(one, returns.get(name, {}), state.info))
        live = any(action.container.live for action in members)
        yield ReplaceNetwork(
            one.reason,
            Disruption.RECONNECT if live else Disruption.NONE,
            one.create,
            old=one.old,
            members=members,
            temporary=temporary_name(name) if live and spec.name_gap == "forbidden" else "",
            keeps_addresses=one.keeps_addresses,
        )


def _members(one: Replacement, returns: Mapping[str, Attach], info: EngineInfo) -> Iterator[Reattach | Detach]:
    name, ref = one.old.name, one.old.id
    for container in one.members.values():
        again = returns.get(container.id)
        if again is None:
            yield Detach("the topology does not put it there", Disruption.NONE, container, name, ref)
            continue
        end = container.endpoints[name]
        address = end.ipv4 or end.ipv6 if one.keeps_addresses else ""
        yield Reattach(
            f"its network is replaced; {_has(again.settings, address)}",
            Disruption.RECONNECT if container.live else Disruption.NONE,
            container,
            name,
            ref,
            again.settings,
            replace(end, settings=carried_over(end, info)),
        )


def _has(settings: EndpointSettings, address: str) -> str:
    told = [f"{name} {_text(value)}" for name, value in settings.given().items() if value]
    if not settings.addresses:
        told.append(f"its address {address}" if address else "an address of the network's choice")
    return ", ".join(told)


def _text(value: Json) -> str:
    if isinstance(value, dict):
        return " ".join(f"{key}={one}" for key, one in value.items())
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def leftover_networks(state: TopologyState) -> Iterator[RemoveTemporaryNetwork]:
    """Yield what takes away the temporary networks that an interrupted replacement left."""
    for network in state.temporaries:
        reason = f"an interrupted replacement of network {network.labels[REPLACES_LABEL]} left it"
        yield RemoveTemporaryNetwork(reason, Disruption.NONE, network)


# -- what is not possible, and what one should know -------------------------------------------------------------------


def replacement_problems(
    spec: TopologySpec,
    state: TopologyState,
    replacements: Mapping[str, Replacement],
    actions: Iterable[ReplaceNetwork],
) -> Iterator[str]:
    """Say what is in the way of a replacement. state: as there once the networks are away."""
    for name, one in replacements.items():
        if one.old.scope != "local":
            yield (
                f"network {name} is a Swarm's ({one.reason}): containers of other hosts may be on it, so it is not"
                " replaced. Put the options back, or remove the topology first (state: absent)"
            )
        for ref, container in one.members.items():
            if (container.raw.get("Config") or {}).get("Labels", {}).get(_SERVICE_LABEL):
                yield f"network {name} cannot be replaced ({one.reason}): {ref} on it is a task of a Swarm's service"
        if spec.name_gap == "forbidden" and temporary_name(name) > name:
            yield (
                f"network {name} cannot be replaced without a gap: no name of a temporary network sorts before its own,"
                " by which the engine's resolver goes. Set name_gap: allowed"
            )
        others = [other for key, other in replacements.items() if key != name]
        # With the others that are there, it is compared like any other network that is made.
        yield from clashes(one.create, [other.old for other in others])
    for action in actions:
        returning = [member for member in action.members if isinstance(member, Reattach)]
        for member in returning:
            for problem in address_problems(member.container.name, member.settings, None, action.network, state.info):
                yield f"network {action.subject}: {problem}"
        yield from mac_problems(returning, state.info)


def replacement_warnings(state: TopologyState, actions: Iterable[ReplaceNetwork]) -> Iterator[str]:
    """Say what a replacement means for others, and for what leads outside."""
    for action in actions:
        name = action.subject
        strangers = [one.name for one in state.strangers.get(name, ())]
        if strangers:
            yield (
                f"network {name} is replaced under containers that are not of the topology as well:"
                f" {', '.join(sorted(strangers))}"
            )
        if action.temporary and not action.old.internal:
            yield (
                f"while network {name} is replaced, the default route of its containers may lead over a temporary"
                " network: connections to outside and to published ports can break"
            )


def label_warnings(spec: TopologySpec, state: TopologyState) -> Iterator[str]:
    """Say which networks lack labels: that alone is no reason to replace them."""
    for name, network in spec.networks.items():
        there = state.networks.get(name)
        found = network.differences(there).get("labels") if there is not None else None
        if found is not None:
            lacking = ", ".join(f"{key}={value}" for key, value in found[1].items() if found[0].get(key) != value)
            yield (
                f"network {name} has not the labels {lacking}, and an engine cannot change labels; it gets them once it"
                " is replaced for another reason"
            )
