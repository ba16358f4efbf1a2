# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""What is known about one check: the two containers, the ways between them, and what the probe saw. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._engine.logs import last_healthcheck
from .spec import is_address

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .._model.endpoint import Link
    from .._model.state import ContainerState, Endpoint, Network
    from .probe_answer import Listener, ProbeAnswer
    from .spec import Check

Json = t.Any

BRIDGE = "bridge"


@dataclass(frozen=True)
class Peer:
    """One end of a check.

    Attributes:
        owner: the container whose network namespace it uses: itself, except in C(container:) mode.
    """

    container: ContainerState
    owner: ContainerState

    @property
    def name(self) -> str:
        return self.container.name

    @property
    def state(self) -> Mapping[str, Json]:
        return self.container.raw.get("State") or {}

    @property
    def restarts(self) -> int:
        return int(self.container.raw.get("RestartCount") or 0)

    @property
    def health(self) -> str:
        return self.container.health

    @property
    def last_check(self) -> str:
        """Return the output of the last healthcheck."""
        return last_healthcheck(self.container.raw)

    @property
    def unhealthy(self) -> str:
        """Return that the engine calls it unhealthy, with the output of the last healthcheck."""
        output = f": {self.last_check}" if self.last_check else ", which has no output"
        return f"the engine calls {self.name} unhealthy. The last healthcheck{output}"

    @property
    def borrowed(self) -> bool:
        """Whether it uses another container's network."""
        return self.owner.id != self.container.id

    @property
    def mode(self) -> str:
        """Return host, none, or an empty string for a container with networks."""
        mode = self.owner.network_mode
        if mode in ("host", "none"):
            return mode
        return "" if self.networks else "none"

    @property
    def networks(self) -> dict[str, Endpoint]:
        """Return the endpoints of whoever has its network, by the network's name."""
        return {name: end for name, end in self.owner.endpoints.items() if name not in ("host", "none")}

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(address for end in self.networks.values() for address in (end.ipv4, end.ipv6) if address)

    def describe(self) -> str:
        """Return such as C(running, healthy)."""
        words = [self.container.status, *([self.health] if self.health else [])]
        output = f": {self.last_check}" if self.health == "unhealthy" and self.last_check else ""
        return f"{self.name} is {', '.join(words)}{output}"

    @property
    def published(self) -> dict[int, int]:
        """Return the published TCP ports, the host's port to the container's."""
        return {host: port for _address, host, port in self._bindings()}

    @property
    def published_to_containers(self) -> dict[int, int]:
        """Return those that are not published on a loopback address, which is the machine's own."""
        return {host: port for address, host, port in self._bindings() if not address.startswith(("127.", "::1"))}

    def _bindings(self) -> Iterator[tuple[str, int, int]]:
        ports = (self.owner.raw.get("NetworkSettings") or {}).get("Ports") or {}
        for port, bindings in ports.items():
            for binding in bindings or () if port.endswith("/tcp") else ():
                if str(binding.get("HostPort") or "").isdigit():
                    yield str(binding.get("HostIp") or ""), int(binding["HostPort"]), int(port.partition("/")[0])


@dataclass(frozen=True)
class NetworkPath:
    """A way from the source to the target.

    Attributes:
        kind: legacy_link, network_link, network, shared_namespace, host or published_port.
        names: what the target is called on this way, in lower case.
        addresses: the target's addresses on this way; empty where any will do.
    """

    kind: str
    network: str = ""
    names: frozenset[str] = frozenset()
    addresses: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"network:{self.network}" if self.kind == "network" else self.kind


@dataclass(frozen=True)
class Evidence:
    """Everything that a diagnosis is drawn from. What was not asked of the engine is empty.

    Attributes:
        source, target: None where there is no such container.
        link_names: further names that legacy links give to the target, C(SOURCE/ALIAS).
        answer: what the probe saw, None before it.
        networks: those of both, by name.
        engine_networks: all networks of the engine, where the target is also reached at the machine's addresses.
        others: the other containers on the source's networks.
        known: the names of all containers, to find near matches.
        log: the end of the log of the container that does not run.
        listeners: what listens in the target, None if it cannot be seen.
        sockets: the Unix sockets that listen there.
        refused_again: whether a port that listens refused a second time.
        inside: whether the port does not refuse the target itself, None if that was not tried.
        processes: the names of the target's processes.
        now: the time, in seconds since the epoch.
    """

    check: Check
    source: Peer | None = None
    target: Peer | None = None
    link_names: tuple[str, ...] = ()
    answer: ProbeAnswer | None = None
    networks: Mapping[str, Network] = field(default_factory=dict)
    engine_networks: tuple[Network, ...] = ()
    others: tuple[ContainerState, ...] = ()
    known: tuple[str, ...] = ()
    log: str = ""
    listeners: tuple[Listener, ...] | None = None
    sockets: tuple[str, ...] = ()
    refused_again: bool = False
    inside: bool | None = None
    processes: tuple[str, ...] = ()
    now: float = 0.0

    @property
    def ends(self) -> tuple[Peer, Peer]:
        """Return source and target, once both are known to exist."""
        if self.source is None or self.target is None:
            raise AssertionError("the first two checks come first")
        return self.source, self.target

    @property
    def seen(self) -> ProbeAnswer:
        """Return what the probe saw, once there was one."""
        if self.answer is None:
            raise AssertionError("the probe comes first")
        return self.answer

    @property
    def name_servers(self) -> str:
        return ", ".join(self.seen.resolvers) or "none"

    @property
    def places(self) -> str:
        return "; ".join(self.place_of(peer) for peer in self.ends)

    def place_of(self, peer: Peer) -> str:
        """Return such as C(client is on a, b (internal))."""
        shown = [
            f"{name} (internal)" if name in self.networks and self.networks[name].internal else name
            for name in sorted(peer.networks)
        ]
        return f"{peer.name} is on {', '.join(shown) or 'none'}"

    @property
    def host(self) -> str:
        """Return what the source calls the target."""
        if self.check.host:
            return self.check.host
        # A container that was given by its ID has a name that resolves, too.
        return self.target.name if self.target else self.check.target

    @property
    def name(self) -> str:
        """Return the host as the engine's resolver compares names: without case, and without a dot at the end."""
        return self.host.lower().removesuffix(".")


def names_on(container: ContainerState, network: str) -> frozenset[str]:
    """Return the names of a container on a network, in lower case: the engine's resolver ignores case."""
    end = container.endpoints.get(network)
    if end is None or network == BRIDGE:
        return frozenset()
    return _with_network({container.name, container.short_id, *(end.settings.aliases or ()), *end.dns_names}, network)


def _with_network(names: set[str], network: str) -> frozenset[str]:
    plain = {name.lower() for name in names if name}
    return frozenset(plain | {f"{name}.{network.lower()}" for name in plain})


def legacy_links(evidence: Evidence) -> list[tuple[Link, bool]]:
    """Return the source's legacy links to the target, each with whether it is live.

    A link to a container that was replaced by another of the same name stays in the source's description. The engine
    gives the further name only to the container that the link really leads to.
    """
    source, target = evidence.ends
    return [
        (link, f"{source.owner.name}/{link.alias}" in evidence.link_names)
        for link in source.owner.legacy_links
        if link.target == target.owner.name
    ]


def paths(evidence: Evidence) -> list[NetworkPath]:
    """Return every way from the source to the target, in the order in which a name takes them."""
    source, target = evidence.ends
    if source.owner.id == target.owner.id:
        return [NetworkPath("shared_namespace")]
    if "host" in (source.mode, target.mode) and "none" not in (source.mode, target.mode):
        return [NetworkPath("host", addresses=target.addresses)]
    ways = [*_link_paths(evidence), *_network_paths(evidence)]
    return ways if ways and not _is_gateway(source, evidence.host) else [*ways, *_published_paths(evidence)]


def _link_paths(evidence: Evidence) -> Iterator[NetworkPath]:
    _source, target = evidence.ends
    bridge = target.networks.get(BRIDGE)
    for link, live in legacy_links(evidence):
        if live and bridge is not None and bridge.ipv4:
            # The line in the hosts file: the alias, the hostname (by default the short ID) and the name.
            names = {link.alias, target.owner.name, target.owner.hostname, target.owner.short_id}
            yield NetworkPath("legacy_link", BRIDGE, frozenset(name.lower() for name in names if name), (bridge.ipv4,))


def _network_paths(evidence: Evidence) -> Iterator[NetworkPath]:
    source, target = evidence.ends
    for network in live_common(source, target):
        end = target.networks[network]
        addresses = tuple(address for address in (end.ipv4, end.ipv6) if address)
        names = names_on(target.owner, network)
        aliases = {link.alias for link in links_on(source, network) if leads_to(link, target)}
        if aliases and network != BRIDGE:
            yield NetworkPath("network_link", network, _with_network(aliases, network), addresses)
        yield NetworkPath("network", network, names, addresses)


def _is_gateway(source: Peer, host: str) -> bool:
    """Whether the host is the machine itself, as the source sees it."""
    return any(host == end.gateway for end in source.networks.values())


def _published_paths(evidence: Evidence) -> Iterator[NetworkPath]:
    """A port of the target that is published on the host, and a host that is none of the target's names."""
    _source, target = evidence.ends
    host = evidence.name
    own = {target.name.lower(), target.owner.name.lower(), *target.addresses}
    own |= {name for network in target.networks for name in names_on(target.owner, network)}
    if evidence.check.port in target.published and host not in own:
        yield NetworkPath("published_port")


def links_on(source: Peer, network: str) -> tuple[Link, ...]:
    end = source.networks.get(network)
    return (end.settings.links or ()) if end else ()


def leads_to(link: Link, target: Peer) -> bool:
    """Whether a network link leads to the target. The engine knows its name and its short ID, and no aliases."""
    return link.target in (target.owner.name, target.owner.short_id)


def common(source: Peer, target: Peer) -> list[str]:
    """Return the networks that both are on, the default bridge last."""
    both = set(source.networks) & set(target.networks)
    return sorted(both, key=lambda name: (name == BRIDGE, name))


def live_common(source: Peer, target: Peer) -> list[str]:
    """Return the networks that both are on with an endpoint that the engine made: see phantom_endpoint."""
    return [
        name
        for name in common(source, target)
        if source.networks[name].endpoint_id and target.networks[name].endpoint_id
    ]


def taken_path(evidence: Evidence, address: str = "") -> NetworkPath | None:
    """Return the way that the host takes: first by its name, then by the address that it resolved to."""
    ways = paths(evidence)
    host = evidence.name
    if not is_address(host):
        for way in ways:
            if host in way.names and (not address or not way.addresses or address in way.addresses):
                return way
    for way in ways:
        if (address or host) in way.addresses or way.kind in ("shared_namespace", "host", "published_port"):
            return way
    return ways[0] if ways and not address else None


def only_internal(evidence: Evidence) -> bool:
    """Whether all networks of the source are internal, and so lead nowhere outside."""
    source, _target = evidence.ends
    return bool(source.networks) and all(
        name in evidence.networks and evidence.networks[name].internal for name in source.networks
    )
