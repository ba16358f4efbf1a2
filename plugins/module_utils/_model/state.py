# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""What is there: the engine's answers, read into frozen dataclasses. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from .endpoint import EndpointSettings, Link, canonical

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .._engine.info import EngineInfo

Json = t.Any


@dataclass(frozen=True)
class Endpoint:
    """A container's attachment to one network, as the container's description tells it.

    Attributes:
        network: the network's name.
        network_id: empty for a container that was never started.
        endpoint_id: empty while the container does not run, and for most phantom endpoints.
        settings: what was requested of the engine.
        ipv4, ipv6: the addresses in use, empty while the container does not run.
        mac: the MAC address in use; that which was sent while the container does not run and has not since it was.
        requested_mac: the MAC address that was asked for when the container was created, as far as the engine tells.
        gateway: the IPv4 gateway that the network offers, empty on internal networks.
        away: whether an interrupted run took it away, so that only a note tells of it (see _recovery/endpoint_notes).
    """

    network: str
    network_id: str = ""
    endpoint_id: str = ""
    settings: EndpointSettings = field(default_factory=EndpointSettings)
    ipv4: str = ""
    ipv6: str = ""
    mac: str = ""
    requested_mac: str = ""
    gateway: str = ""
    dns_names: tuple[str, ...] = ()
    away: bool = False

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses in use, or those that are asked for while there are none."""
        return tuple(filter(None, (self.ipv4, self.ipv6))) or self.settings.addresses


@dataclass(frozen=True)
class ContainerState:
    """A container, from its full description.

    Attributes:
        status: created, running, paused, restarting, exited, removing or dead.
        network_mode: as given at create: default, bridge, host, none, container:ID, or a network's name or ID.
        endpoints: by the network's name.
        legacy_links: from C(HostConfig.Links); the targets are names.
        raw: the engine's whole description, for those who must carry all of it over.
    """

    id: str
    name: str
    status: str
    hostname: str = ""
    image: str = ""
    network_mode: str = "default"
    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)
    legacy_links: tuple[Link, ...] = ()
    raw: Mapping[str, Json] = field(default_factory=dict, repr=False, compare=False)

    @property
    def live(self) -> bool:
        """Whether it has processes, so that the engine acts on its network namespace at once."""
        return is_live(self.status)

    @property
    def started_at(self) -> str:
        """When it was last started, in a form that sorts by time; empty if that is not known."""
        # The engine writes nanoseconds without the zeros at their end.
        second, _point, fraction = ((self.raw.get("State") or {}).get("StartedAt") or "").rstrip("Z").partition(".")
        return f"{second}.{fraction:0<9}" if second else ""

    @property
    def health(self) -> str:
        """What the healthcheck says, starting, healthy or unhealthy; empty without a healthcheck."""
        status = ((self.raw.get("State") or {}).get("Health") or {}).get("Status") or ""
        # What some engines say of a healthcheck that is switched off.
        return "" if status == "none" else str(status)

    @property
    def short_id(self) -> str:
        return self.id[:12]

    def is_called(self, ref: str) -> bool:
        """Whether I(ref) is its name, its ID, or at least 12 digits of its ID."""
        return ref == self.name or (len(ref) >= 12 and self.id.startswith(ref))


@dataclass(frozen=True)
class Summary:
    """A container, from the list of all: no aliases, network links or driver options are in there.

    Attributes:
        networks: network name to network ID.
        addresses: network name to the addresses of its endpoint there.
        linked_by: source and alias of each legacy link that leads to it.
        volumes: names of the volumes that it has.
        published: address, port and protocol (C(tcp)) of the host for each port that it publishes now.
    """

    id: str
    name: str
    status: str
    networks: Mapping[str, str]
    network_mode: str = "default"
    linked_by: frozenset[tuple[str, str]] = frozenset()
    volumes: frozenset[str] = frozenset()
    published: frozenset[tuple[str, int, str]] = frozenset()
    addresses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class NetworkSupport:
    """What an engine has for new networks.

    Attributes:
        drivers: names of the network drivers, as far as the engine knows them.
        manager: whether it is a Swarm manager: only these create networks of the swarm.
        pools: pairs of a base network and a prefix length, from which it takes subnets; empty for its default.
    """

    drivers: tuple[str, ...] = ()
    manager: bool = False
    pools: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Subnet:
    subnet: str
    gateway: str = ""
    ip_range: str = ""
    aux: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Member:
    """A running container on a network, as the network's description tells it."""

    name: str
    endpoint_id: str
    ipv4: str = ""
    ipv6: str = ""


@dataclass(frozen=True)
class Network:
    """A network, from its full description.

    Attributes:
        ipam_driver: what gives the addresses away; C(default) is the engine itself.
        members: running containers only, by container ID.
    """

    id: str
    name: str
    driver: str = "bridge"
    scope: str = "local"
    internal: bool = False
    attachable: bool = False
    enable_ipv4: bool = True
    enable_ipv6: bool = False
    ipam_driver: str = "default"
    subnets: tuple[Subnet, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    members: Mapping[str, Member] = field(default_factory=dict)

    def is_called(self, ref: str) -> bool:
        return ref == self.name or (len(ref) >= 12 and self.id.startswith(ref))


def read_settings(raw: Mapping[str, Json], automatic: Iterable[str] = ()) -> EndpointSettings:
    """Read the Engine API's C(EndpointSettings).

    Args:
        automatic: aliases that nobody asked for, see M(automatic_aliases).
    """
    ipam = raw.get("IPAMConfig") or {}
    aliases = [alias for alias in raw.get("Aliases") or () if alias not in automatic]
    return EndpointSettings(
        aliases=tuple(dict.fromkeys(aliases)),
        links=tuple(sorted({Link.read(text) for text in raw.get("Links") or ()})),
        ipv4_address=canonical(ipam.get("IPv4Address")) or None,
        ipv6_address=canonical(ipam.get("IPv6Address")) or None,
        link_local_ips=tuple(ipam.get("LinkLocalIPs") or ()) or None,
        driver_opts=raw.get("DriverOpts") or None,
        gw_priority=raw.get("GwPriority") or None,
    )


def automatic_aliases(ident: str, hostname: str, info: EngineInfo) -> frozenset[str]:
    """Return the names that a container has on each network anyway, and that the engine may list as its aliases.

    From API 1.45 on it lists what was asked for. The short ID is here even so: a container keeps it among its aliases
    that an older engine attached.
    """
    return frozenset({ident[:12]} if info.speaks("1.45") else {ident[:12], hostname})


def _read_endpoints(raw: Mapping[str, Json], automatic: Iterable[str] = ()) -> dict[str, Endpoint]:
    """Read a container's endpoints, by the network's name, from its description or from the list of all."""
    networks = (raw.get("NetworkSettings") or {}).get("Networks") or {}
    return {name: read_endpoint(name, endpoint or {}, automatic) for name, endpoint in networks.items()}


def read_endpoint(network: str, raw: Mapping[str, Json], automatic: Iterable[str] = ()) -> Endpoint:
    return Endpoint(
        network=network,
        network_id=raw.get("NetworkID") or "",
        endpoint_id=raw.get("EndpointID") or "",
        settings=read_settings(raw, automatic),
        ipv4=raw.get("IPAddress") or "",
        ipv6=raw.get("GlobalIPv6Address") or "",
        mac=(raw.get("MacAddress") or "").lower(),
        gateway=raw.get("Gateway") or "",
        dns_names=tuple(raw.get("DNSNames") or ()),
    )


def is_live(status: str) -> bool:
    """Whether a container of this status has processes."""
    return status in ("running", "paused", "restarting")


def stop_grace(raw: Mapping[str, Json]) -> int:
    """Return the seconds that a container has to end by itself once it is stopped, 10 unless it says otherwise."""
    given = (raw.get("Config") or {}).get("StopTimeout")
    return 10 if given is None else int(given)


def read_container(raw: Mapping[str, Json], info: EngineInfo) -> ContainerState:
    """Read the answer to C(GET /containers/NAME/json)."""
    ident = raw["Id"]
    config, host = raw.get("Config") or {}, raw.get("HostConfig") or {}
    hostname = config.get("Hostname") or ""
    status = (raw.get("State") or {}).get("Status") or "created"
    endpoints = _read_endpoints(raw, automatic_aliases(ident, hostname, info))
    return ContainerState(
        id=ident,
        name=raw["Name"].lstrip("/"),
        status=status,
        hostname=hostname,
        image=config.get("Image") or "",
        network_mode=host.get("NetworkMode") or "default",
        endpoints={
            name: replace(endpoint, requested_mac=_requested_mac(endpoint, status, config, host))
            for name, endpoint in endpoints.items()
        },
        legacy_links=tuple(sorted(_read_legacy_link(text) for text in host.get("Links") or ())),
        raw=raw,
    )


def _requested_mac(endpoint: Endpoint, status: str, config: Mapping[str, Json], host: Mapping[str, Json]) -> str:
    if status == "created":
        return endpoint.mac
    # The container's own field stays as it was at create, for the endpoint on the network of its network mode.
    mode = host.get("NetworkMode") or "default"
    first = mode in (endpoint.network, endpoint.network_id) or (mode == "default" and endpoint.network == "bridge")
    asked = (config.get("MacAddress") or "").lower()
    return asked if first and endpoint.mac in ("", asked) else ""


def _read_legacy_link(text: str) -> Link:
    # "/database:/client/db": the target's name, then the source's name and the alias.
    target, _colon, path = text.partition(":")
    return Link(target.lstrip("/"), path.rpartition("/")[2])


def read_summary(raw: Mapping[str, Json]) -> Summary:
    """Read one element of the answer to C(GET /containers/json)."""
    endpoints = _read_endpoints(raw)
    # The target of a legacy link has further names, "/source/alias"; its own has one slash.
    names = [name[1:].split("/") for name in raw.get("Names") or ()]
    own = [name[0] for name in names if len(name) == 1]
    return Summary(
        id=raw["Id"],
        name=own[0] if own else raw["Id"][:12],
        status=raw.get("State") or "",
        networks={name: endpoint.network_id for name, endpoint in endpoints.items()},
        network_mode=(raw.get("HostConfig") or {}).get("NetworkMode") or "default",
        linked_by=frozenset((name[0], name[1]) for name in names if len(name) == 2),
        volumes=frozenset(_volume_names(raw)),
        published=frozenset(_published(raw)),
        addresses={name: endpoint.addresses for name, endpoint in endpoints.items()},
    )


def _volume_names(raw: Mapping[str, Json]) -> Iterator[str]:
    for mount in raw.get("Mounts") or ():
        if mount.get("Type") == "volume" and mount.get("Name"):
            yield mount["Name"]


def _published(raw: Mapping[str, Json]) -> Iterator[tuple[str, int, str]]:
    for port in raw.get("Ports") or ():
        if port.get("PublicPort"):
            yield port.get("IP") or "", port["PublicPort"], port.get("Type") or "tcp"


def read_network_support(info: Mapping[str, Json]) -> NetworkSupport:
    """Read the answer to C(GET /info)."""
    return NetworkSupport(
        drivers=tuple((info.get("Plugins") or {}).get("Network") or ()),
        manager=bool((info.get("Swarm") or {}).get("ControlAvailable")),
        pools=tuple((pool["Base"], pool["Size"]) for pool in info.get("DefaultAddressPools") or ()),
    )


def read_network(raw: Mapping[str, Json]) -> Network:
    """Read the answer to C(GET /networks/NAME)."""
    ipam = (raw.get("IPAM") or {}).get("Config") or ()
    return Network(
        id=raw["Id"],
        name=raw["Name"],
        driver=raw.get("Driver") or "",
        scope=raw.get("Scope") or "local",
        internal=bool(raw.get("Internal")),
        attachable=bool(raw.get("Attachable")),
        enable_ipv4=bool(raw.get("EnableIPv4", True)),
        enable_ipv6=bool(raw.get("EnableIPv6")),
        ipam_driver=(raw.get("IPAM") or {}).get("Driver") or "default",
        subnets=tuple(
            Subnet(
                canonical(entry.get("Subnet")),
                canonical(entry.get("Gateway")),
                canonical(entry.get("IPRange")),
                entry.get("AuxiliaryAddresses") or {},
            )
            for entry in ipam
        ),
        options=raw.get("Options") or {},
        labels=raw.get("Labels") or {},
        members={
            ident: Member(
                name=member.get("Name") or "",
                endpoint_id=member.get("EndpointID") or "",
                ipv4=(member.get("IPv4Address") or "").partition("/")[0],
                ipv6=(member.get("IPv6Address") or "").partition("/")[0],
            )
            for ident, given in (raw.get("Containers") or {}).items()
            for member in (given or {},)
        },
    )


def is_phantom(container: ContainerState, endpoint: Endpoint, network: Network) -> bool:
    """Whether a container seems to have an endpoint that the engine does not have.

    A failed connect leaves such a one to a running container.
    """
    if endpoint.away:
        return True
    if container.status not in ("running", "paused"):
        return False
    member = network.members.get(container.id)
    return not endpoint.endpoint_id or (member is not None and member.endpoint_id != endpoint.endpoint_id)
