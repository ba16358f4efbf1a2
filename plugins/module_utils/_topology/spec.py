# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The desired state of a topology: networks and containers, parsed and validated without an engine."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field, replace

from .._compose.attachment import ENDPOINT_OPTIONS, parse_added, parse_settings
from .._compose.container import ContainerSpec, check_name
from .._compose.network import NetworkSpec, parse_network
from .._compose.values import parse_option, text, texts
from .._errors import SpecError, did_you_mean, seconds_problem
from .._model.bridge import DEFAULT_BRIDGE
from .._model.endpoint import EndpointSettings
from .._model.labels import TOPOLOGY_LABEL
from .._model.words import meant
from .options import TOPOLOGY_CONTAINER_OPTIONS, TOPOLOGY_NETWORK_OPTIONS
from .order import levels

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .._model.endpoint import Link

Json = t.Any

# On everything that a topology creates; the value is the topology's name.

_TOPOLOGY_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")
_NETWORK_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")
_CONDITIONS = {
    "started": "started",
    "service_started": "started",
    "healthy": "healthy",
    "service_healthy": "healthy",
}
# What containers cannot have in these network modes: the engine refuses it, or drops it without a word.
_EXCLUDED = {
    "host": ("ports", "links"),
    "none": ("ports", "links"),
    "container": ("ports", "links", "hostname", "dns", "extra_hosts"),
}
_DEPENDS_ON_OPTIONS: dict[str, Json] = {"condition": {}, "required": {}, "restart": {}}
# Networks of which only a container's network mode makes it a part.
_BY_MODE = ("host", "none")


@dataclass(frozen=True)
class DesiredContainer:
    """One container of a topology.

    Attributes:
        networks: the endpoint's settings by network; None if not given, then the default bridge.
        added: by network, which settings of the endpoint are wanted besides what is there, see DesiredEndpoint.
        links: legacy links if the container is on the default bridge, else network links.
        depends_on: C(started) or C(healthy) by container.
        network_mode: C(bridge), C(host), C(none) or C(container:NAME), if given.
    """

    name: str
    spec: ContainerSpec
    networks: Mapping[str, EndpointSettings] | None = None
    added: Mapping[str, frozenset[str]] = field(default_factory=dict)
    links: tuple[Link, ...] | None = None
    depends_on: Mapping[str, str] = field(default_factory=dict)
    network_mode: str | None = None

    @property
    def on_bridge(self) -> bool:
        """Whether the container must be on the default bridge, as are all that the task puts nowhere else."""
        if self.networks is None:
            return self.network_mode in (None, DEFAULT_BRIDGE)
        return DEFAULT_BRIDGE in self.networks

    @property
    def shares_with(self) -> str | None:
        """The container whose network this one shares."""
        mode, _colon, name = (self.network_mode or "").partition(":")
        return name if mode == "container" else None

    @property
    def legacy_links(self) -> tuple[Link, ...]:
        return (self.links or ()) if self.on_bridge else ()

    @property
    def needs(self) -> dict[str, str]:
        """The condition by container of all that must be there before this one starts."""
        found = {link.target: "started" for link in self.legacy_links}
        if self.shares_with:
            found[self.shares_with] = "started"
        return {**found, **self.depends_on}


@dataclass(frozen=True)
class TopologySpec:
    """What the module topology is asked for.

    Attributes:
        networks: with the topology's label, except those that are external.
        external: names of the networks that others made.
        containers: by name, in the order given.
        levels: names of containers; each level needs only those before it.
    """

    name: str
    networks: Mapping[str, NetworkSpec] = field(default_factory=dict)
    external: frozenset[str] = frozenset()
    containers: Mapping[str, DesiredContainer] = field(default_factory=dict)
    levels: tuple[tuple[str, ...], ...] = ()
    present: bool = True
    purge: bool = False
    volumes: bool = False
    wait: str = "started"
    wait_timeout: int = 120
    name_gap: str = "forbidden"

    @property
    def labels(self) -> dict[str, str]:
        return {TOPOLOGY_LABEL: self.name}

    @property
    def named_volumes(self) -> tuple[str, ...]:
        found = (v.source for desired in self.containers.values() for v in desired.spec.volumes or () if v.named)
        return tuple(dict.fromkeys(found))


def parse_topology(params: Mapping[str, Json]) -> TopologySpec:
    """Read the parameters of the module; raise SpecError."""
    name = params["name"]
    if not _TOPOLOGY_NAME.fullmatch(name):
        raise SpecError(f"name: {name!r} cannot name a topology; use letters, digits, '_', '.' and '-'")
    networks, external = _networks(params.get("networks") or {}, {TOPOLOGY_LABEL: name})
    containers = _containers(params.get("containers") or {}, {*networks, *external, DEFAULT_BRIDGE})
    if problem := seconds_problem("wait_timeout", params.get("wait_timeout", 1), 1):
        raise SpecError(problem)
    return TopologySpec(
        name=name,
        networks=networks,
        external=external,
        containers=containers,
        levels=levels({name: desired.needs for name, desired in containers.items()}),
        present=params.get("state", "present") == "present",
        purge=bool(params.get("purge")),
        volumes=bool(params.get("volumes")),
        wait=params.get("wait") or "started",
        wait_timeout=params.get("wait_timeout") or 120,
        name_gap=params.get("name_gap") or "forbidden",
    )


# -- networks ---------------------------------------------------------------------------------------------------------


def _networks(given: Mapping[str, Json], labels: Mapping[str, str]) -> tuple[dict[str, NetworkSpec], frozenset[str]]:
    networks, external = {}, set()
    for name, options in given.items():
        where = f"networks.{name}"
        if not _NETWORK_NAME.fullmatch(name):
            raise SpecError(f"{where}: {name!r} cannot name a network; use letters, digits, '_', '.' and '-'")
        known = _checked(options, TOPOLOGY_NETWORK_OPTIONS, where)
        if known.pop("external", False):
            if known:
                raise SpecError(f"{where}: an external network is used as it is, so it takes no {', '.join(known)}")
            external.add(name)
            continue
        if name in (DEFAULT_BRIDGE, "host", "none"):
            raise SpecError(
                f"{where}: the engine has a network of this name of its own; name yours otherwise, or leave it out:"
                f" containers may use {DEFAULT_BRIDGE!r} without it"
            )
        network = parse_network(name, known)
        networks[name] = replace(network, labels={**(network.labels or {}), **labels})
    return networks, frozenset(external)


def _checked(options: Json, known: Mapping[str, Json], where: str) -> dict[str, Json]:
    """Return the options that are given; raise SpecError if one is unknown or missing, here or further down.

    Args:
        known: Ansible's argument spec of the options.
    """
    if options is None:
        return {}
    if not isinstance(options, dict):
        raise SpecError(f"{where}: must be a dictionary of options")
    for option in options:
        if option not in known:
            raise SpecError(f"{where}: there is no option {option!r}{meant(str(option), known)}")
    found = {option: value for option, value in options.items() if value is not None}
    for option, spec in known.items():
        if spec.get("required") and option not in found:
            raise SpecError(f"{where}: {option} is missing")
        if "options" in spec and option in found:
            found[option] = _checked_below(found[option], spec["options"], f"{where}.{option}")
    return found


def _checked_below(given: Json, known: Mapping[str, Json], where: str) -> Json:
    if isinstance(given, list):
        # Ansible gives each entry the unknown options of all others as well, without a value.
        entries = [{option: value for option, value in entry.items() if value is not None} for entry in given]
        return [_checked(entry, known, f"{where}[{number}]") for number, entry in enumerate(entries)]
    return _checked(given, known, where)


# -- containers -------------------------------------------------------------------------------------------------------


def _containers(given: Mapping[str, Json], networks: set[str]) -> dict[str, DesiredContainer]:
    containers = {name: _container(name, options, networks) for name, options in given.items()}
    for name, desired in containers.items():
        for other in desired.depends_on:
            if other not in containers:
                raise SpecError(
                    f"containers.{name}.depends_on: no container {other!r} in this"
                    f" topology{did_you_mean(other, containers)}"
                )
        _check_bridge_links(desired, containers)
    _refuse_shared_addresses(containers.values())
    _refuse_shared_ports(containers.values())
    return {name: _with_network_links(desired, containers) for name, desired in containers.items()}


def _container(name: str, options: Json, networks: set[str]) -> DesiredContainer:
    where = f"containers.{name}"
    check_name(name, where)
    known = _checked(options, TOPOLOGY_CONTAINER_OPTIONS, where)
    own = {option: known.pop(option, None) for option in ("networks", "links", "depends_on", "network_mode")}
    endpoints = _endpoints(name, own["networks"], networks)
    desired = DesiredContainer(
        name=name,
        spec=ContainerSpec.parse(known, where),
        networks=None if endpoints is None else {net: parse_settings(name, one) for net, one in endpoints.items()},
        added={net: parse_added(one) for net, one in (endpoints or {}).items()},
        links=_links(name, own["links"]),
        depends_on=_depends_on(name, own["depends_on"]),
        network_mode=_network_mode(where, own["network_mode"]),
    )
    if desired.spec.image is None:
        raise SpecError(f"{where}: image is missing")
    if TOPOLOGY_LABEL in (desired.spec.labels or {}):
        raise SpecError(f"{where}.labels: {TOPOLOGY_LABEL} is for the topology to set")
    if desired.networks is not None and desired.network_mode is not None:
        raise SpecError(f"{where}: networks and network_mode exclude each other")
    _check_mode(desired, where)
    if desired.network_mode == DEFAULT_BRIDGE:
        # Said outright, it is compared like any other network.
        return replace(desired, networks={DEFAULT_BRIDGE: EndpointSettings()})
    return desired


def _check_mode(desired: DesiredContainer, where: str) -> None:
    """A container without a network of its own cannot have what belongs to one."""
    kind = (desired.network_mode or "").partition(":")[0]
    given = {**desired.spec.given(), "links": desired.links}
    found = [option for option in _EXCLUDED.get(kind, ()) if given.get(option)]
    if found:
        raise SpecError(f"{where}: network_mode {desired.network_mode} excludes {', '.join(found)}")


def _endpoints(name: str, given: Json, networks: set[str]) -> dict[str, dict[str, Json]] | None:
    """Return the options of each endpoint, by network."""
    if given is None:
        return None
    where = f"containers.{name}.networks"
    entries = dict.fromkeys(parse_option(where, texts, given)) if isinstance(given, list) else given
    if not isinstance(entries, dict):
        raise SpecError(f"{where}: must be a list of names, or a dictionary of names with settings")
    if not entries:
        raise SpecError(f"{where}: must not be empty; leave it out for the default bridge, or write network_mode: none")
    for network in entries:
        if network in _BY_MODE:
            raise SpecError(f"{where}: the engine lets no container join {network!r}; write network_mode: {network}")
        if network not in networks:
            raise SpecError(
                f"{where}: no network {network!r} in this topology{did_you_mean(network, networks)}; name it under"
                " networks (with external: true if others made it)"
            )
    return {
        network: _checked(settings, ENDPOINT_OPTIONS, f"{where}.{network}") for network, settings in entries.items()
    }


def _links(name: str, given: Json) -> tuple[Link, ...] | None:
    return None if given is None else parse_settings(name, {"links": list(given)}).links


def _depends_on(name: str, given: Json) -> dict[str, str]:
    where = f"containers.{name}.depends_on"
    if given is None:
        return {}
    if isinstance(given, (str, list)):
        return dict.fromkeys(parse_option(where, texts, given), "started")
    if not isinstance(given, dict):
        raise SpecError(f"{where}: must be a list of names, or a dictionary of names with a condition")
    found = {}
    for other, given_options in given.items():
        options = {"condition": given_options} if isinstance(given_options, str) else given_options
        known = _checked(options, _DEPENDS_ON_OPTIONS, f"{where}.{other}")
        if known.get("required", True) is not True or known.get("restart", False) is not False:
            raise SpecError(f"{where}.{other}: a dependency is always required, and never restarts what depends on it")
        condition = parse_option(f"{where}.{other}.condition", text, known.get("condition", "started"))
        if condition not in _CONDITIONS:
            raise SpecError(f"{where}.{other}: there is no condition {condition!r}; write started or healthy")
        found[str(other)] = _CONDITIONS[condition]
    return found


def _network_mode(where: str, given: Json) -> str | None:
    if given is None:
        return None
    mode = DEFAULT_BRIDGE if given == "default" else str(given)
    kind, _colon, name = mode.partition(":")
    if kind == "service":
        raise SpecError(f"{where}.network_mode: write container:{name}; a topology has containers and no services")
    if mode not in (DEFAULT_BRIDGE, "host", "none") and not (kind == "container" and name):
        raise SpecError(
            f"{where}.network_mode: {mode!r} is not bridge, host, none or container:NAME; name networks under networks"
        )
    return mode


# -- what containers want of each other -------------------------------------------------------------------------------


def _check_bridge_links(desired: DesiredContainer, containers: Mapping[str, DesiredContainer]) -> None:
    """On the default bridge, links are legacy links: the target must be on it too."""
    for link in desired.legacy_links:
        target = containers.get(link.target)
        if target is not None and not target.on_bridge:
            raise SpecError(
                f"containers.{desired.name}.links: {link} would be a legacy link, which leads over the default bridge"
                f" only, and {link.target} is not on it. Give both a network of their own."
            )


def _with_network_links(desired: DesiredContainer, containers: Mapping[str, DesiredContainer]) -> DesiredContainer:
    """Put a container's links on each network that it shares with the target."""
    if desired.links is None or desired.networks is None or desired.on_bridge:
        return desired
    networks = dict(desired.networks)
    for name, settings in networks.items():
        here = [link for link in desired.links if _is_on(containers.get(link.target), name)]
        both = dict.fromkeys((*(settings.links or ()), *here))
        networks[name] = replace(settings, links=tuple(sorted(both)))
    for link in desired.links:
        if not any(link in (settings.links or ()) for settings in networks.values()):
            raise SpecError(
                f"containers.{desired.name}.links: {link} leads nowhere, since {link.target} is on none of its networks"
                f" ({', '.join(networks)})"
            )
    return replace(desired, networks=networks)


def _is_on(target: DesiredContainer | None, network: str) -> bool:
    # Others than the topology's own are looked up later.
    return target is None or (target.networks is not None and network in target.networks)


def _refuse_shared_addresses(desired_containers: Iterable[DesiredContainer]) -> None:
    holders: dict[tuple[str, str], str] = {}
    for desired in desired_containers:
        for network, settings in (desired.networks or {}).items():
            for value in (settings.ipv4_address, settings.ipv6_address, settings.mac_address):
                if value and holders.setdefault((network, value), desired.name) != desired.name:
                    other = holders[network, value]
                    raise SpecError(
                        f"networks.{network}: {value} is wanted for two containers: {other} and {desired.name}"
                    )


def _refuse_shared_ports(desired_containers: Iterable[DesiredContainer]) -> None:
    """A port of the host can be published once, on each of its addresses or on all of them."""
    holders: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for desired in desired_containers:
        for port in desired.spec.ports or ():
            if not port.host.isdigit():
                continue
            key = (port.host, port.protocol)
            for address, other in holders.get(key, ()):
                if port.clashes(address):
                    raise SpecError(
                        f"the port {key[0]}/{key[1]} of the host is wanted twice: by {other} and {desired.name}"
                    )
            holders.setdefault(key, []).append((port.address, desired.name))
