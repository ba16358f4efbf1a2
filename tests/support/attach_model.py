# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small model of the engine, as far as endpoints on one network go, and random wishes and states for it.

It knows what the engine does with an endpoint: which settings it keeps, which aliases it adds, that it gives the lowest
free address to whoever asks for none, and that an address is had by one running container at a time.
"""

from __future__ import annotations

import ipaddress
import typing as t
from dataclasses import replace

from ansible_collections.linklab.docker.plugins.module_utils._compose.attachment import AttachSpec, DesiredEndpoint
from ansible_collections.linklab.docker.plugins.module_utils._compose.network import NetworkSpec
from ansible_collections.linklab.docker.plugins.module_utils._engine.info import EngineInfo
from ansible_collections.linklab.docker.plugins.module_utils._model.endpoint import EndpointSettings, Link
from ansible_collections.linklab.docker.plugins.module_utils._model.state import (
    ContainerState,
    Endpoint,
    Member,
    Network,
    Subnet,
    Summary,
    automatic_aliases,
    read_settings,
)
from ansible_collections.linklab.docker.plugins.module_utils._plan.attach import AttachState
from ansible_collections.linklab.docker.plugins.module_utils._plan.plan import (
    Action,
    Attach,
    CreateNetwork,
    Detach,
    EndpointAction,
    Plan,
    Reattach,
)
from hypothesis import reject
from hypothesis import strategies as st

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

SUBNET = ipaddress.IPv4Network("10.94.0.0/24")
SUBNET6 = ipaddress.IPv6Network("fd00:94::/64")
NETWORK = "net"
NETWORK_ID = "aa" * 32
OLD, MIDDLE, NEW = EngineInfo("1.41", "20.10"), EngineInfo("1.48", "28.0"), EngineInfo("1.54", "29.3")


class Refused(Exception):
    """The engine refused a request: a plan must not lead there."""


def ident(number: int) -> str:
    """Return the ID of the container with this number."""
    return f"{number:x}" * 64


def network(**fields: t.Any) -> Network:
    """Return the network, on SUBNET and SUBNET6."""
    subnets = (Subnet(str(SUBNET), str(SUBNET[1])), Subnet(str(SUBNET6), str(SUBNET6[1])))
    return replace(Network(NETWORK_ID, NETWORK, subnets=subnets), **fields)


class Model:
    """The engine. Its containers are known by every name that a task may use."""

    def __init__(self, info: EngineInfo, containers: Iterable[ContainerState], there: Network | None) -> None:
        self.info = info
        self.network = None if there is None else replace(there, members={})
        self.containers: dict[str, ContainerState] = {}
        self.made = 0
        for container in containers:
            self._set(container)

    def state(self) -> AttachState:
        known: dict[str, ContainerState] = {}
        for one in self.containers.values():
            known.update({one.name: one, one.id: one, one.short_id: one})
        others = tuple(
            Summary(one.id, one.name, one.status, {name: end.network_id for name, end in one.endpoints.items()})
            for one in self.containers.values()
        )
        return AttachState(self.info, self.network, known, others=others)

    def settings(self) -> dict[str, EndpointSettings]:
        """Return the settings of the endpoints on the network, by the container's name."""
        return {
            one.name: one.endpoints[NETWORK].settings for one in self.containers.values() if NETWORK in one.endpoints
        }

    def apply(self, plan: Plan, mix: Callable[[Sequence[t.Any]], Sequence[t.Any]] = lambda units: units) -> None:
        """Carry a plan out. Units that may run at once come in the order that I(mix) puts them in."""
        for stage in plan.stages:
            for unit in mix(stage.units) if stage.workers > 1 else stage.units:
                self._apply_unit(unit)

    def _apply_unit(self, unit: Sequence[Action]) -> None:
        for action in unit:
            if isinstance(action, CreateNetwork):
                self.network = network(name=action.network.name)
            elif isinstance(action, (Detach, Reattach)):
                self._disconnect(action)
        changes = [action for action in unit if isinstance(action, (Attach, Reattach))]
        # As in the collection: first those with an address of their own.
        for action in sorted(changes, key=lambda one: not (one.settings.ipv4_address or one.settings.ipv6_address)):
            self._connect(action, action.settings)

    def _disconnect(self, action: EndpointAction) -> None:
        one = self.containers[action.container.id]
        if action.network not in one.endpoints:
            raise Refused(f"500: {one.name} is not connected to {action.network}")
        self._set(replace(one, endpoints={name: end for name, end in one.endpoints.items() if name != action.network}))

    def _connect(self, action: EndpointAction, settings: EndpointSettings) -> None:
        one = self.containers[action.container.id]
        there = one.endpoints.get(action.network)
        if there is not None and (there.endpoint_id or not one.live):
            raise Refused(f"403: endpoint with name {one.name} already exists in network {action.network}")
        self._set(replace(one, endpoints={**one.endpoints, action.network: self._endpoint(one, settings)}))

    def _endpoint(self, one: ContainerState, settings: EndpointSettings) -> Endpoint:
        assert self.network is not None
        automatic = automatic_aliases(one.id, one.hostname, self.info)
        sent = settings.to_api()
        if not self.info.speaks("1.45"):
            sent["Aliases"] = [*sent.get("Aliases", ()), one.short_id, one.hostname]
        kept = read_settings(sent, automatic)
        mac = (settings.mac_address or "") if self.info.speaks("1.54") else ""
        if not one.live:
            return Endpoint(NETWORK, settings=kept, mac=mac)
        self.made += 1
        return Endpoint(
            NETWORK,
            self.network.id,
            f"endpoint{self.made}",
            kept,
            ipv4=self._address(kept.ipv4_address, SUBNET),
            ipv6=self._address(kept.ipv6_address, SUBNET6),
            mac=mac or f"02:42:00:00:00:{self.made % 256:02x}",
            gateway=str(SUBNET[1]),
        )

    def _address(self, wanted: str | None, subnet: ipaddress.IPv4Network | ipaddress.IPv6Network) -> str:
        assert self.network is not None
        taken = {str(subnet[0]), str(subnet[1])}
        if wanted is None and subnet.version == 6:
            # Not one that may be asked for, see there.
            taken.update(ADDRESSES6)
        for member in self.network.members.values():
            taken |= {member.ipv4, member.ipv6}
        if wanted is None:
            return next(str(address) for address in subnet if str(address) not in taken)
        if wanted in taken:
            raise Refused(f"403: Address already in use: {wanted}")
        return wanted

    def _set(self, container: ContainerState) -> None:
        self.containers[container.id] = container
        if self.network is None:
            return
        members = {key: member for key, member in self.network.members.items() if key != container.id}
        end = container.endpoints.get(NETWORK)
        if end is not None and container.live and end.endpoint_id:
            members[container.id] = Member(container.name, end.endpoint_id, end.ipv4, end.ipv6)
        self.network = replace(self.network, members=members)


# -- random wishes and states -----------------------------------------------------------------------------------------

# Few of each, so that they meet often.
NAMES = ("one", "two", "three", "four", "five")
ADDRESSES = [str(SUBNET[number]) for number in range(2, 8)]
# An IPv6 address is asked for together with the IPv4 address of its number. Where one container asks for an IPv4
# address alone and another for an IPv6 address alone, the engine may in any order give the one what the other wants.
ADDRESSES6 = [str(SUBNET6[number]) for number in range(2, 8)]
MACS = [f"02:94:00:00:00:0{number}" for number in range(1, 5)]
STATUSES = ("running", "running", "paused", "restarting", "created", "exited")

infos = st.sampled_from([OLD, MIDDLE, NEW])


def _maybe(values: st.SearchStrategy[t.Any]) -> st.SearchStrategy[t.Any]:
    return st.none() | values


_aliases = st.lists(st.sampled_from(["db", "cache", "web", "own-host"]), unique=True, max_size=3).map(tuple)
_options = st.dictionaries(st.sampled_from(["k", "l"]), st.sampled_from(["v", "w"]), max_size=2)


@st.composite
def _links(draw: st.DrawFn, own: str) -> tuple[Link, ...]:
    aliases = draw(st.lists(st.sampled_from(["a", "b"]), unique=True, max_size=2))
    return tuple(Link(draw(st.sampled_from([name for name in NAMES if name != own])), alias) for alias in aliases)


@st.composite
def desired_settings(draw: st.DrawFn, info: EngineInfo, name: str) -> EndpointSettings:
    """Draw settings that a task may give on an engine, addresses left out."""
    return EndpointSettings(
        aliases=draw(_maybe(_aliases)),
        links=draw(_maybe(_links(name))),
        driver_opts=draw(_maybe(_options)),
        gw_priority=draw(_maybe(st.integers(-1, 1))) if info.speaks("1.48") else None,
    )


@st.composite
def _distinct(draw: st.DrawFn, values: Sequence[str], count: int) -> list[str | None]:
    """Draw a value or none for each of I(count), no value twice."""
    mixed = draw(st.permutations([*values, *[None] * len(values)]))
    return list(mixed[:count])


@st.composite
def _addresses(draw: st.DrawFn) -> list[dict[str, str]]:
    """Draw the addresses that each container has, or should have, as settings: none, an IPv4 address, or both."""
    found = []
    for ipv4 in draw(_distinct(ADDRESSES, len(NAMES))):
        settings = {} if ipv4 is None else {"ipv4_address": ipv4}
        if ipv4 is not None and draw(st.booleans()):
            settings["ipv6_address"] = ADDRESSES6[ADDRESSES.index(ipv4)]
        found.append(settings)
    return found


@st.composite
def engines(draw: st.DrawFn, missing: bool = True) -> Model:
    """Draw an engine with five containers, each in any status, with any endpoints."""
    info = draw(infos)
    there = draw(_maybe(st.just(network()))) if missing else network()
    model = Model(info, (), there)
    fixed = draw(_addresses())
    order = draw(st.permutations(range(len(NAMES))))
    # Static addresses are had before the engine gives the free ones away.
    for number in sorted(order, key=lambda index: not fixed[index]):
        name, key = NAMES[number], ident(number + 1)
        others = {"bridge": "", "other": "bb" * 32}
        on = draw(st.lists(st.sampled_from(sorted(others)), unique=True))
        status = draw(st.sampled_from(STATUSES))
        ends = {net: Endpoint(net, others[net], f"{net}-{name}", gateway="192.0.2.1") for net in on}
        hostname = draw(st.sampled_from([key[:12], "own-host"]))
        one = ContainerState(key, name, status, hostname, endpoints=ends)
        if there is None and status == "exited" and draw(st.booleans()):
            # A stopped container keeps its endpoint on a network that was removed.
            ends[NETWORK] = Endpoint(NETWORK, "cc" * 32, settings=draw(desired_settings(info, name)))
        elif there is not None and draw(st.booleans()):
            try:
                ends[NETWORK] = _drawn_endpoint(draw, model, one, fixed[number])
            except Refused:
                reject()
        model._set(replace(one, endpoints=ends))
    return model


def _drawn_endpoint(draw: st.DrawFn, model: Model, one: ContainerState, addresses: Mapping[str, str]) -> Endpoint:
    settings = replace(draw(desired_settings(model.info, one.name)), **addresses)
    if model.info.speaks("1.54"):
        settings = replace(settings, mac_address=draw(_maybe(st.sampled_from(MACS))))
    kind = draw(st.sampled_from(["whole", "whole", "phantom", "stale"]))
    if kind == "phantom" and one.status in ("running", "paused"):
        kept = read_settings(settings.to_api())
        return Endpoint(NETWORK, settings=kept)
    end = model._endpoint(one, settings)
    if not one.live and one.status == "exited":
        # It ran: the engine knows the network, and tells no MAC address.
        return replace(end, network_id="cc" * 32 if kind == "stale" else NETWORK_ID, mac="")
    return end


@st.composite
def specs(draw: st.DrawFn, model: Model, present: bool | None = None, purge: bool | None = None) -> AttachSpec:
    """Draw what a task may ask of an engine."""
    named = draw(st.lists(st.sampled_from(NAMES), unique=True))
    fixed = draw(_addresses())
    macs = draw(_distinct(MACS, len(NAMES))) if model.info.speaks("1.54") else [None] * len(NAMES)
    desired_endpoints = []
    for name in named:
        number = NAMES.index(name)
        settings = EndpointSettings()
        if draw(st.booleans()):
            settings = replace(
                draw(desired_settings(model.info, name)),
                **fixed[number],
                mac_address=macs[number],
            )
        key = ident(number + 1)
        added = draw(st.frozensets(st.sampled_from(["aliases", "links"])))
        desired_endpoints.append(DesiredEndpoint(draw(st.sampled_from([name, key, key[:12]])), settings, added))
    return AttachSpec(
        network=draw(st.sampled_from([NETWORK, NETWORK_ID])) if model.network is not None else NETWORK,
        create=NetworkSpec(NETWORK, subnets=({"subnet": str(SUBNET)}, {"subnet": str(SUBNET6)})),
        desired_endpoints=tuple(desired_endpoints),
        present=draw(st.booleans()) if present is None else present,
        purge=draw(st.booleans()) if purge is None else purge,
    )


@st.composite
def tasks(
    draw: st.DrawFn, missing: bool = True, present: bool | None = None, purge: bool | None = None
) -> tuple[Model, AttachSpec]:
    """Draw an engine, and what a task asks of it."""
    model = draw(engines(missing))
    return model, draw(specs(model, present, purge))
