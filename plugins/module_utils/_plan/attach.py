# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Plan attachments: pure, (what is wanted, what is there) to the ordered changes of endpoints."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from .._errors import Refusal, did_you_mean, refuse
from .._model.bridge import DEFAULT_BRIDGE, network_meant
from .._model.endpoint import EndpointSettings, Link
from .._model.state import ContainerState, NetworkSupport, automatic_aliases, is_phantom
from .address_demand import Room
from .attach_checks import (
    AT_CONNECT,
    AT_CREATION,
    MAC_IS_SEEN_TO,
    container_problems,
    mac_problems,
    network_problems,
    settings_problems,
)
from .attach_names import alias_warnings
from .new_networks import new_network_problems
from .plan import (
    Action,
    Attach,
    CreateNetwork,
    Detach,
    Disruption,
    EndpointAction,
    NewEndpoint,
    Plan,
    Reattach,
    Stage,
    singly,
    stages,
)
from .restorations import with_restorations
from .route_warnings import route_warnings

if t.TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

    from .._compose.attachment import AttachSpec, DesiredEndpoint
    from .._engine.info import EngineInfo
    from .._model.endpoint import Json
    from .._model.state import Endpoint, Network, Summary
    from .restorations import Note

# Measured on two cores: the engine gains from concurrency only where network namespaces are set up or torn down.
# Further attaches of a container are serialised by the engine and get slower with threads.
FIRST_ATTACH_WORKERS = 4
DETACH_WORKERS = 4


@dataclass(frozen=True)
class AttachState:
    """What is there, as far as an AttachSpec needs it.

    Attributes:
        network: None if it is missing.
        containers: by the name or ID that the task uses; those that are missing, or I(created), are not in it.
        internal: the names of the internal networks; only read if a container is on several networks.
        others: who may have to leave in a purge, and every container to suggest names.
        known_networks: only read to suggest names, and to create a network.
        network_support: only read to create a network that needs it.
        notes: what interrupted runs left; the containers have the endpoints that are away.
        created: names of containers that get their endpoint when they are created, after this plan is carried out.
        mac_later: names of containers whose MAC address is handled elsewhere, or can only be read once they run.
        members: by ID, who is or will be on the network besides I(containers); only read where an alias is to come.
            Of the others the network's own description has the names.
        neighbours: every container; only read where an endpoint may get an address.
        starts: names of containers that are started afterwards if they do not run.
    """

    info: EngineInfo
    network: Network | None = None
    containers: Mapping[str, ContainerState] = field(default_factory=dict)
    internal: frozenset[str] = frozenset()
    others: tuple[Summary | ContainerState, ...] = ()
    known_networks: tuple[Network, ...] = ()
    network_support: NetworkSupport = field(default_factory=NetworkSupport)
    notes: tuple[Note, ...] = ()
    created: frozenset[str] = frozenset()
    mac_later: frozenset[str] = frozenset()
    members: Mapping[str, ContainerState] = field(default_factory=dict)
    neighbours: tuple[Summary, ...] = ()
    starts: frozenset[str] = frozenset()


@dataclass(frozen=True)
class AttachPlan:
    """The changes of the endpoints of one network, in this order.

    Attributes:
        creation: of the network, if it is missing.
        changes: attaches and reattaches.
        new: by the container's name, the endpoints of those that get them when they are created.
    """

    creation: tuple[CreateNetwork, ...] = ()
    detaches: tuple[Detach, ...] = ()
    changes: tuple[Stage, ...] = ()
    new: Mapping[str, NewEndpoint] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def stages(self) -> tuple[Stage, ...]:
        return stages((singly(self.creation), 1), (singly(self.detaches), DETACH_WORKERS)) + self.changes


def plan_attach(spec: AttachSpec, state: AttachState) -> Plan:
    """Return the changes that make I(state) what I(spec) asks for; raise Refusal."""
    plan = plan_endpoints(spec, state) if spec.present else AttachPlan(detaches=tuple(_detaches(spec, state)))
    return with_restorations(Plan(plan.stages, plan.warnings), state.notes)


def plan_endpoints(spec: AttachSpec, given: AttachState) -> AttachPlan:
    """Return the changes that attach what I(spec) asks for, also to planners of several networks; raise Refusal."""
    if given.network is None and spec.create is None:
        known = [network.name for network in given.known_networks]
        raise Refusal(
            f"network {spec.network} does not exist{network_meant(spec.network, known)}."
            " To have it made, add 'create: {}'. Nothing was changed."
        )
    created = {f"new:{name}": ContainerState(f"new:{name}", name, "created") for name in given.created}
    state = replace(given, containers={**given.containers, **{one.name: one for one in created.values()}})
    refuse(_problems(spec, state))
    changes = _changes(spec, state)
    detaches = tuple(_detaches(spec, state))
    refuse(mac_problems([one for one in changes if one.container.name not in state.mac_later], state.info))
    leaving = frozenset(action.container.id for action in detaches)
    room = _room(spec, state, leaving)
    refuse(room.problems(changes))
    # Planned with the others, since it counts where addresses are scarce, but carried out elsewhere.
    new = [one for one in changes if one.container.id in created]
    order = [
        ([tuple(one for one in unit if one.container.id not in created) for unit in units], workers)
        for units, workers in _in_order(room.units(changes))
    ]
    return AttachPlan(
        creation=tuple(_network_creation(spec, state)),
        detaches=detaches,
        changes=stages(*((filter(None, units), workers) for units, workers in order)),
        new={one.container.name: NewEndpoint(one.network, one.network_ref, one.settings) for one in new},
        warnings=(
            *_create_warnings(spec, state.network),
            *_link_warnings(spec, state, leaving),
            *_name_warnings(spec, state, leaving),
            *room.warnings(changes),
            *route_warnings(changes, _internal(spec, state), state.info),
        ),
    )


def _name(spec: AttachSpec, state: AttachState) -> str:
    return state.network.name if state.network is not None else spec.network


def _named(spec: AttachSpec, state: AttachState) -> dict[str, tuple[ContainerState, DesiredEndpoint]]:
    """Return the containers that the task names and that are there, by ID: one may be named twice, also by its ID."""
    pairs = [(state.containers.get(desired.container), desired) for desired in spec.desired_endpoints]
    return {container.id: (container, desired) for container, desired in pairs if container is not None}


# -- what cannot be done ----------------------------------------------------------------------------------------------


def _problems(spec: AttachSpec, state: AttachState) -> Iterator[str]:
    known = [other.name for other in state.others]
    targets = spec.link_targets
    for ref in dict.fromkeys((*(desired.container for desired in spec.desired_endpoints), *targets)):
        if ref not in state.containers:
            yield f"container {ref} does not exist{did_you_mean(ref, known)}"
    if state.network is not None:
        yield from network_problems(state.network)
    elif spec.create is not None:
        yield from new_network_problems([spec.create], state.known_networks, state.network_support, state.info)
    named: dict[str, str] = {}
    for desired in spec.desired_endpoints:
        container = state.containers.get(desired.container)
        if container is None:
            continue
        if named.setdefault(container.id, desired.container) != desired.container:
            yield f"{named[container.id]} and {desired.container} are the same container, {container.name}"
        yield from _endpoint_problems(container, desired, spec, state)


def _endpoint_problems(
    container: ContainerState, desired: DesiredEndpoint, spec: AttachSpec, state: AttachState
) -> Iterator[str]:
    yield from container_problems(container)
    gates = _gates(container, desired, state)
    yield from settings_problems(container.name, desired.settings, state.network, spec.create, state.info, gates=gates)
    for link in desired.settings.links or ():
        target = state.containers.get(link.target)
        if target is not None and target.id == container.id:
            yield f"link {link} of {container.name} leads to the container itself; give it an alias instead"
        elif target is None or any(target.is_called(other.container) for other in spec.desired_endpoints):
            # Of one that is to be attached as well, all is said already.
            continue
        elif target.network_mode.partition(":")[0] in ("host", "container"):
            yield f"link {link} of {container.name} can never resolve: {'; '.join(container_problems(target))}"


def _gates(container: ContainerState, desired: DesiredEndpoint, state: AttachState) -> Mapping[str, tuple[str, str]]:
    """Return what an engine must have for the settings of an endpoint."""
    end = container.endpoints.get(state.network.name) if state.network is not None else None
    has_it = end is not None and container.live and end.mac == desired.settings.mac_address
    if has_it or container.name in state.mac_later:
        return MAC_IS_SEEN_TO
    return AT_CREATION if container.name in state.created else AT_CONNECT


def _create_warnings(spec: AttachSpec, network: Network | None) -> Iterator[str]:
    if network is None or spec.create is None:
        return
    for option, (there, wanted) in spec.create.differences(network).items():
        yield (
            f"network {network.name} exists with {option} {there!r} and not {wanted!r}; it is used as it is,"
            " since a network's settings cannot be changed without detaching everything from it"
        )


def _link_warnings(spec: AttachSpec, state: AttachState, leaving: Container[str]) -> Iterator[str]:
    joined, name = _named(spec, state), _name(spec, state)
    for ref in spec.link_targets:
        target = state.containers[ref]
        if target.id not in joined and (target.id in leaving or name not in target.endpoints):
            yield f"the link target {target.name} is not on network {name}: the link resolves once it is attached there"


def _name_warnings(spec: AttachSpec, state: AttachState, leaving: Container[str]) -> Iterator[str]:
    named = _named(spec, state)
    known = state.network.members if state.network is not None else {}
    # Of a member that was not read itself, the network knows the name.
    members = {ident: ContainerState(ident, member.name, "running") for ident, member in known.items()}
    members = {ident: one for ident, one in {**members, **state.members}.items() if ident not in leaving}
    members.update((ident, container) for ident, (container, _desired) in named.items())
    given = {ident: frozenset(desired.settings.aliases or ()) for ident, (_one, desired) in named.items()}
    return alias_warnings(_name(spec, state), members, given)


# -- what is to be done -----------------------------------------------------------------------------------------------


def _network_creation(spec: AttachSpec, state: AttachState) -> Iterator[CreateNetwork]:
    if state.network is None and spec.create is not None:
        yield CreateNetwork("it does not exist", Disruption.NONE, spec.create)


def _internal(spec: AttachSpec, state: AttachState) -> frozenset[str]:
    network = state.network if state.network is not None else spec.create
    return state.internal | {network.name} if network is not None and network.internal else state.internal


def _detaches(spec: AttachSpec, state: AttachState) -> Iterator[Detach]:
    network, name, named = state.network, _name(spec, state), _named(spec, state)
    if not spec.present and network is not None:
        for container, _desired in named.values():
            if name in container.endpoints:
                yield _detach(container, name, network, "it should not be attached")
    # A stopped container keeps its endpoint on a network that was removed, and has it again on one of the same name.
    if spec.purge and (spec.present or network is not None):
        for other in state.others:
            one = state.containers.get(other.id)
            if other.id not in named and one is not None and name in one.endpoints:
                yield _detach(one, name, network, "purge: the task does not name it")


def _detach(container: ContainerState, name: str, network: Network | None, reason: str) -> Detach:
    if network is None:
        return Detach(reason, Disruption.NONE, container, name, name)
    phantom = is_phantom(container, container.endpoints[name], network)
    return Detach(reason, Disruption.NONE, container, name, network.id, phantom)


def _changes(spec: AttachSpec, state: AttachState) -> tuple[Attach | Reattach, ...]:
    found = (_change(container, desired, spec, state) for container, desired in _named(spec, state).values())
    return tuple(action for action in found if action is not None)


def _change(
    container: ContainerState, desired: DesiredEndpoint, spec: AttachSpec, state: AttachState
) -> Attach | Reattach | None:
    network, name, info = state.network, _name(spec, state), state.info
    where = (container, name, network.id if network is not None else name)
    endpoint = container.endpoints.get(name)
    asked = _without_automatic_aliases(desired.settings, container, info)
    if endpoint is None or (network is None and container.live and not endpoint.away):
        wanted = _with_link_names(asked, EndpointSettings(), state.containers)
        return Attach("it is not attached", Disruption.NONE, *where, wanted)
    current = carried_over(endpoint, info)
    wanted = _besides(desired, _with_link_names(asked, current, state.containers), current)
    old = replace(endpoint, settings=current)
    if network is not None and wanted.mac_address and not info.speaks("1.54"):
        # It has this one since it was created, and no connect would bring it back.
        old = replace(old, requested_mac=wanted.mac_address)
        wanted = replace(wanted, mac_address=None)
    if endpoint.away or (network is not None and is_phantom(container, endpoint, network)):
        reason, base = "an interrupted change took it away, and its settings are known", current
        if not endpoint.away:
            reason = "a failed connect left the endpoint half made, and the next restart would fail"
            # The addresses of the failed attempt may be what made it fail.
            base = replace(current, ipv4_address=None, ipv6_address=None, link_local_ips=None, mac_address=None)
        return Attach(reason, Disruption.NONE, *where, wanted.over(base))
    reason = _why_stale(container, endpoint, network)
    if reason:
        return Reattach(reason, Disruption.NONE, *where, wanted.over(current), old)
    # The engine does not tell the MAC address of a stopped container that has run: one that is wanted is sent again.
    differences = wanted.differences(replace(current, mac_address=endpoint.mac or None))
    if not differences:
        return None
    disruption = Disruption.RECONNECT if container.live else Disruption.NONE
    return Reattach(describe_differences(differences), disruption, *where, wanted.over(current), old)


def _why_stale(container: ContainerState, endpoint: Endpoint, network: Network | None) -> str:
    """Say why the endpoint of a stopped container is that of another network; else an empty string."""
    if network is None:
        return "the network that it was attached to was removed"
    if not container.live and endpoint.network_id not in ("", network.id):
        return "the network was recreated since the container ran, and its next start would fail"
    return ""


def carried_over(endpoint: Endpoint, info: EngineInfo) -> EndpointSettings:
    """Return what a reconnect must carry over."""
    # Before API 1.54 the engine ignores the MAC address in a connect.
    keep_mac = (endpoint.mac or endpoint.requested_mac) if info.speaks("1.54") else None
    return replace(endpoint.settings, mac_address=keep_mac or None)


def _without_automatic_aliases(
    wanted: EndpointSettings, container: ContainerState, info: EngineInfo
) -> EndpointSettings:
    """Leave out the aliases that the container has anyway: the state is read without them, too."""
    if wanted.aliases is None:
        return wanted
    automatic = automatic_aliases(container.id, container.hostname, info)
    return replace(wanted, aliases=tuple(alias for alias in wanted.aliases if alias not in automatic))


def _with_link_names(
    wanted: EndpointSettings, current: EndpointSettings, containers: Mapping[str, ContainerState]
) -> EndpointSettings:
    """Write each link's target as the endpoint has it already, if it is the same container, else by name.

    The engine resolves a name or the short ID, but not the full ID.
    """
    if wanted.links is None:
        return wanted
    there = {link.alias: link for link in current.links or ()}
    links = []
    for link in wanted.links:
        target, same = containers[link.target], there.get(link.alias)
        known = same is not None and same.target in (target.name, target.short_id)
        links.append(same if same is not None and known else Link(target.name, link.alias))
    return replace(wanted, links=tuple(sorted(links)))


def _besides(desired: DesiredEndpoint, wanted: EndpointSettings, current: EndpointSettings) -> EndpointSettings:
    """Return what is wanted together with what is there, where the task adds; its link wins over one of that alias."""
    aliases, links = wanted.aliases, wanted.links
    if "aliases" in desired.added and aliases is not None:
        aliases = tuple(dict.fromkeys((*(current.aliases or ()), *aliases)))
    if "links" in desired.added and links is not None:
        own = {link.alias for link in links}
        links = tuple(sorted((*(link for link in current.links or () if link.alias not in own), *links)))
    return replace(wanted, aliases=aliases, links=links)


def describe_differences(differences: Mapping[str, tuple[Json, Json]]) -> str:
    """Return the differences as a clause such as C(aliases: +db -old; ipv4_address: 192.0.2.5, not 192.0.2.4)."""
    return "; ".join(f"{name}: {_difference(there, wanted)}" for name, (there, wanted) in differences.items())


def _difference(there: Json, wanted: Json) -> str:
    if isinstance(wanted, tuple):
        new = [f"+{item}" for item in wanted if item not in (there or ())]
        old = [f"-{item}" for item in there or () if item not in wanted]
        return " ".join(new + old)
    return f"{wanted!r}, not {there!r}" if there else f"{wanted!r}"


# -- in which order ---------------------------------------------------------------------------------------------------


def _in_order(units: Sequence[tuple[EndpointAction, ...]]) -> Iterator[tuple[list[tuple[EndpointAction, ...]], int]]:
    """Yield the units of each stage, and how many of them the engine gains from having at once."""
    # The addresses that are asked for are had before the engine gives one of them to a container that asks for none.
    for fixed in (True, False):
        now = [unit for unit in units if _fixed(unit) is fixed]
        yield [unit for unit in now if _first_attach(unit)], FIRST_ATTACH_WORKERS
        yield [unit for unit in now if not _first_attach(unit)], 1


def _first_attach(unit: Sequence[Action]) -> bool:
    """Whether a running container gets the first network besides the default bridge: the slow case."""
    return all(
        isinstance(action, Attach) and action.container.live and set(action.container.endpoints) <= {DEFAULT_BRIDGE}
        for action in unit
    )


def _fixed(unit: Iterable[EndpointAction]) -> bool:
    """Whether each endpoint of a unit has an address of its own.

    In other units the addresses that are asked for are held by the unit itself until it takes its turn.
    """
    return all(isinstance(action, (Attach, Reattach)) and action.settings.addresses for action in unit)


def _room(spec: AttachSpec, state: AttachState, leaving: frozenset[str]) -> Room:
    named = [container for container, _desired in _named(spec, state).values()]
    return Room.of(
        state.network, spec.create, named=named, others=state.neighbours, leaving=leaving, starts=state.starts
    )
