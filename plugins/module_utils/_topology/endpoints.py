# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Plan which container is on which network: pure, by the same planner that network_attach uses."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from .._compose.attachment import AttachSpec, DesiredEndpoint
from .._errors import Refusal
from .._model.bridge import DEFAULT_BRIDGE
from .._model.endpoint import EndpointSettings
from .._plan.attach import DETACH_WORKERS, AttachState, plan_endpoints
from .._plan.plan import Attach, NewEndpoint, Reattach, Stage, singly, stages
from .networks import must_leave, unnamed_endpoints

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .._model.state import ContainerState, Member, Network
    from .._plan.attach import AttachPlan
    from .spec import DesiredContainer, TopologySpec
    from .state import TopologyState


@dataclass(frozen=True)
class Attachments:
    """The changes of endpoints that a topology needs.

    Attributes:
        detaches: to be done before networks are removed and made.
        changes: attaches and reattaches of containers that are there.
        late: detaches from the default bridge, once another network is there to use.
        new: by the name of a container that is to be created: its endpoints, in the order that the topology gives.
    """

    detaches: tuple[Stage, ...] = ()
    changes: tuple[Stage, ...] = ()
    late: tuple[Stage, ...] = ()
    new: Mapping[str, tuple[NewEndpoint, ...]] = field(default_factory=dict)
    returns: Mapping[str, Mapping[str, Attach]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def plan_attachments(
    spec: TopologySpec, state: TopologyState, new: frozenset[str], going: frozenset[str], replaced: frozenset[str]
) -> Attachments:
    """Return the changes of endpoints.

    Args:
        new: names of containers that are to be created with all their endpoints.
        replaced: names of containers that get a successor.
        going: IDs of containers that will be gone before any of this happens.
    """
    strangers = {one.name: one for found in state.strangers.values() for one in found}
    known_ones = {**strangers, **state.outside, **state.containers}
    there = {name: one for name, one in known_ones.items() if name not in new}
    plans, problems = {}, []
    for name in dict.fromkeys((*_wanted_networks(spec), *state.strangers, *state.networks)):
        attach, known = _question(spec, state, name, there, going)
        known = replace(known, created=new, mac_later=frozenset(_mac_later(spec, state, name, replaced)))
        if known.network is None and attach.create is None:
            continue
        if not attach.desired_endpoints and not known.others:
            continue
        try:
            plans[name] = plan_endpoints(attach, known)
        except Refusal as exc:
            text = str(exc).replace(". Nothing was changed.", "")
            named = text.startswith((f"network {name}:", f"network {name} "))
            problems.append(text if named else f"network {name}: {text}")
    return _sorted_out(spec, plans, problems, frozenset(state.strangers))


def _wanted_networks(spec: TopologySpec) -> Iterator[str]:
    for desired in spec.containers.values():
        yield from desired.networks or ()


def _question(
    spec: TopologySpec, state: TopologyState, name: str, containers: Mapping[str, ContainerState], going: frozenset[str]
) -> tuple[AttachSpec, AttachState]:
    """Ask network_attach's planner about one network, and about this topology's containers alone."""
    network = state.networks.get(name)
    members: dict[str, Member] = {}
    leaving: list[ContainerState] = []
    if network is not None:
        members = {ident: member for ident, member in network.members.items() if ident not in going}
        network = replace(network, members=members)
        leaving = [one for one in _leaving(spec, containers, network) if one.id not in going]
    known = {**containers, **{one.id: one for one in leaving}}
    return (
        AttachSpec(
            network=name,
            create=spec.networks.get(name) if network is None else None,
            desired_endpoints=(
                *_desired_endpoints(spec, name, containers),
                *unnamed_endpoints(spec, state, name, containers, going),
            ),
            purge=True,
        ),
        AttachState(
            info=state.info,
            network=network,
            containers={ref: _settled(spec, state, name, one) for ref, one in known.items()},
            internal=state.internal | {net.name for net in spec.networks.values() if net.internal},
            others=tuple(leaving),
            members={ident: state.members[ident] for ident in members if ident in state.members},
            neighbours=tuple(other for other in state.neighbours if other.id not in going),
            starts=frozenset(spec.containers),
        ),
    )


def _desired_endpoints(
    spec: TopologySpec, network: str, containers: Mapping[str, ContainerState]
) -> tuple[DesiredEndpoint, ...]:
    """Return which containers must be on a network, with which settings."""
    given = (
        DesiredEndpoint(desired.name, desired.networks[network], desired.added.get(network, frozenset()))
        for desired in spec.containers.values()
        if desired.networks is not None and network in desired.networks
    )
    implied = _ends_of_legacy_links(spec, containers) if network == DEFAULT_BRIDGE else ()
    return (*given, *(DesiredEndpoint(name, EndpointSettings()) for name in implied))


def _leaving(
    spec: TopologySpec, containers: Mapping[str, ContainerState], network: Network
) -> Iterator[ContainerState]:
    for name, desired in spec.containers.items():
        if name in containers and must_leave(spec, desired, containers[name], network):
            yield containers[name]


def _mac_later(spec: TopologySpec, state: TopologyState, network: str, replaced: frozenset[str]) -> Iterator[str]:
    """Yield who gets its MAC address on a network when it is created, or whose is only known once it runs."""
    for desired in spec.containers.values():
        container = state.containers.get(desired.name)
        if desired.name in replaced:
            # What the predecessor has goes on; another one is taken with the endpoint.
            known = container is not None and network in container.endpoints
            if state.info.speaks("1.44") or (known and _same_mac(desired, container, network)):
                yield desired.name
        elif container is None:
            # Older engines take one for the whole container, which is that of its first network.
            if network == next(iter(desired.networks or ()), None):
                yield desired.name
        elif not container.live and network in container.endpoints and _same_mac(desired, container, network):
            yield desired.name


def _same_mac(desired: DesiredContainer, container: ContainerState | None, network: str) -> bool:
    """Whether a container that is there may have the MAC address that it should have."""
    end = container.endpoints[network] if container is not None else None
    wanted = desired.networks[network].mac_address if desired.networks and network in desired.networks else None
    return end is not None and (end.mac or end.requested_mac or wanted) == wanted


def _ends_of_legacy_links(spec: TopologySpec, containers: Mapping[str, ContainerState]) -> Iterator[str]:
    """Yield who must be on the default bridge, although the task does not say it in so many words.

    A container that is recreated gets there on its own.
    """
    ends = [end for desired in spec.containers.values() for end in _linked(desired)]
    for name in dict.fromkeys(ends):
        desired, container = spec.containers.get(name), containers.get(name)
        given = desired is None or desired.networks is not None
        if not given and container is not None:
            yield name


def back_on_bridge(attachments: Attachments) -> frozenset[str]:
    """Return the names of running containers that get an endpoint on the default bridge."""
    return frozenset(
        action.container.name
        for stage in attachments.changes
        for unit in stage.units
        for action in unit
        if isinstance(action, (Attach, Reattach)) and action.network == DEFAULT_BRIDGE and action.container.live
    )


def _linked(desired: DesiredContainer) -> list[str]:
    return [*(link.target for link in desired.legacy_links), desired.name] if desired.legacy_links else []


def _settled(spec: TopologySpec, state: TopologyState, network: str, container: ContainerState) -> ContainerState:
    """Return a container as it will be on all other networks.

    An endpoint that goes as well decides nothing here: that the default route leaves with it is no news.
    """
    desired = spec.containers.get(container.name)
    leaves = {
        name
        for name, other in state.networks.items()
        if desired is not None and name != network and must_leave(spec, desired, container, other)
    }
    kept = {name: end for name, end in container.endpoints.items() if name not in leaves}
    return replace(container, endpoints=kept) if leaves else container


def _sorted_out(
    spec: TopologySpec, plans: Mapping[str, AttachPlan], problems: Iterable[str], replaced: frozenset[str]
) -> Attachments:
    late = plans.get(DEFAULT_BRIDGE)
    returns = {name: dict(_returns(plans[name])) for name in replaced if name in plans}
    return Attachments(
        detaches=tuple(stage for plan in plans.values() if plan is not late for stage in _detaches(plan)),
        changes=tuple(stage for name, plan in plans.items() for stage in _changes(plan, returns.get(name, {}))),
        late=_detaches(late) if late is not None else (),
        new={name: tuple(_when_created(desired, plans)) for name, desired in spec.containers.items()},
        returns=returns,
        warnings=tuple(warning for plan in plans.values() for warning in plan.warnings),
        problems=tuple(problems),
    )


def _returns(plan: AttachPlan) -> Iterator[tuple[str, Attach]]:
    """Yield how containers that are on a network now are attached to the one that takes its place."""
    for action in (action for stage in plan.changes for unit in stage.units for action in unit):
        if isinstance(action, Attach) and action.network in action.container.endpoints:
            yield action.container.id, action


def _changes(plan: AttachPlan, returns: Mapping[str, Attach]) -> tuple[Stage, ...]:
    """Return the changes of a plan that are no part of a network's replacement."""
    if not returns:
        return plan.changes
    rest = (
        (tuple(tuple(one for one in unit if one not in returns.values()) for unit in stage.units), stage.workers)
        for stage in plan.changes
    )
    return stages(*((filter(None, units), workers) for units, workers in rest))


def _when_created(desired: DesiredContainer, plans: Mapping[str, AttachPlan]) -> Iterator[NewEndpoint]:
    for network in desired.networks or ():
        if network in plans and desired.name in plans[network].new:
            yield plans[network].new[desired.name]


def _detaches(plan: AttachPlan) -> tuple[Stage, ...]:
    gone = (replace(one, reason="the topology does not put it there") for one in plan.detaches)
    return stages((singly(gone), DETACH_WORKERS))
