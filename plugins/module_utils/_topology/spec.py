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
from .._errors import Mistakes, SpecError, did_you_mean, seconds_problem
from .._model.bridge import DEFAULT_BRIDGE
from .._model.endpoint import EndpointSettings
from .._model.labels import TOPOLOGY_LABEL
from .._model.words import meant
from .options import TOPOLOGY_CONTAINER_OPTIONS, TOPOLOGY_NETWORK_OPTIONS
from .order import levels

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .._errors import Place
    from .._model.endpoint import Link

Json = t.Any

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
    """Read the parameters of the module; raise SpecError with all that is wrong."""
    mistakes = Mistakes()
    spec = read_topology(params, mistakes)
    mistakes.raise_any()
    return spec


def read_topology(params: Mapping[str, Json], mistakes: Mistakes) -> TopologySpec:
    """Read the parameters of the module, without the networks and containers that have mistakes."""
    name, given = params["name"], params.get("networks") or {}
    if not _TOPOLOGY_NAME.fullmatch(name):
        mistakes.found.append(
            SpecError(f"{name!r} cannot name a topology; use letters, digits, '_', '.' and '-'", ("name",))
        )
    if problem := seconds_problem("wait_timeout", params.get("wait_timeout", 1), 1):
        mistakes.found.append(SpecError(problem.partition(" ")[2], ("wait_timeout",)))
    networks, external = _networks(given, {TOPOLOGY_LABEL: name}, mistakes)
    containers = _containers(params.get("containers") or {}, {*given, DEFAULT_BRIDGE}, mistakes)
    ordered: tuple[tuple[str, ...], ...] = ()
    with mistakes.collected():
        ordered = levels({name: desired.needs for name, desired in containers.items()})
    return TopologySpec(
        name=name,
        networks=networks,
        external=external,
        containers=containers,
        levels=ordered,
        present=params.get("state", "present") == "present",
        purge=bool(params.get("purge")),
        volumes=bool(params.get("volumes")),
        wait=params.get("wait") or "started",
        wait_timeout=params.get("wait_timeout") or 120,
        name_gap=params.get("name_gap") or "forbidden",
    )


# -- networks ---------------------------------------------------------------------------------------------------------


def _networks(
    given: Mapping[str, Json], labels: Mapping[str, str], mistakes: Mistakes
) -> tuple[dict[str, NetworkSpec], frozenset[str]]:
    networks, external = {}, set()
    for name, options in given.items():
        with mistakes.collected():
            network = _network(name, options)
            if network is None:
                external.add(name)
            else:
                networks[name] = replace(network, labels={**(network.labels or {}), **labels})
    return networks, frozenset(external)


def _network(name: str, options: Json) -> NetworkSpec | None:
    """Return a network that the topology is to have; None if it is one of others."""
    where = ("networks", name)
    if not _NETWORK_NAME.fullmatch(name):
        raise SpecError(f"{name!r} cannot name a network; use letters, digits, '_', '.' and '-'", where)
    known = _checked(options, TOPOLOGY_NETWORK_OPTIONS, where)
    if known.pop("external", False):
        if known:
            raise SpecError(f"an external network is used as it is, so it takes no {', '.join(known)}", where)
        return None
    if name in (DEFAULT_BRIDGE, "host", "none"):
        raise SpecError(
            "the engine has a network of this name of its own; name yours otherwise, or leave it out:"
            f" containers may use {DEFAULT_BRIDGE!r} without it",
            where,
        )
    return parse_network(name, known, where)


def _checked(options: Json, known: Mapping[str, Json], where: Place) -> dict[str, Json]:
    """Return the options that are given; raise SpecError with all that are unknown or missing, here or further down.

    Args:
        known: Ansible's argument spec of the options.
    """
    if options is None:
        return {}
    if not isinstance(options, dict):
        raise SpecError("must be a dictionary of options", where)
    mistakes = Mistakes()
    mistakes.found += [
        SpecError(f"there is no option {option!r}{meant(str(option), known)}", where)
        for option in options
        if option not in known
    ]
    found = {option: value for option, value in options.items() if value is not None}
    for option, spec in known.items():
        if spec.get("required") and option not in found:
            mistakes.found.append(SpecError(f"{option} is missing", where))
        if "options" in spec and option in found:
            with mistakes.collected():
                found[option] = _checked_below(found[option], spec["options"], (*where, option))
    mistakes.raise_any()
    return found


def _checked_below(given: Json, known: Mapping[str, Json], where: Place) -> Json:
    if isinstance(given, list):
        # Ansible gives each entry the unknown options of all others as well, without a value.
        entries = [{option: value for option, value in entry.items() if value is not None} for entry in given]
        return [_checked(entry, known, (*where, number)) for number, entry in enumerate(entries)]
    return _checked(given, known, where)


# -- containers -------------------------------------------------------------------------------------------------------


def _containers(given: Mapping[str, Json], networks: set[str], mistakes: Mistakes) -> dict[str, DesiredContainer]:
    containers: dict[str, DesiredContainer] = {}
    for name, options in given.items():
        with mistakes.collected():
            containers[name] = _container(name, options, networks)
    for name, desired in containers.items():
        mistakes.found += [
            SpecError(
                f"no container {other!r} in this topology{did_you_mean(other, given)}",
                ("containers", name, "depends_on"),
            )
            for other in desired.depends_on
            if other not in given
        ]
        with mistakes.collected():
            _check_bridge_links(desired, containers)
        with mistakes.collected():
            containers[name] = _with_network_links(desired, containers)
    mistakes.found += [*_shared_addresses(containers.values()), *_shared_ports(containers.values())]
    return containers


def _container(name: str, options: Json, networks: set[str]) -> DesiredContainer:
    where = ("containers", name)
    check_name(name, where)
    known = _checked(options, TOPOLOGY_CONTAINER_OPTIONS, where)
    own = {option: known.pop(option, None) for option in ("networks", "links", "depends_on", "network_mode")}
    endpoints: dict[str, EndpointSettings] | None = None
    added: dict[str, frozenset[str]] = {}
    parsed: dict[str, Json] = {}
    mistakes = Mistakes()
    with mistakes.collected():
        parsed["spec"] = ContainerSpec.parse(known, where)
    with mistakes.collected():
        endpoints, added = _endpoints(name, own["networks"], networks)
    with mistakes.collected():
        parsed["links"] = _links(name, own["links"])
    with mistakes.collected():
        parsed["depends_on"] = _depends_on(name, own["depends_on"])
    with mistakes.collected():
        parsed["network_mode"] = _network_mode(where, own["network_mode"])
    mistakes.raise_any()
    desired = DesiredContainer(name=name, networks=endpoints, added=added, **parsed)
    mistakes.found += _contradictions(desired, where)
    mistakes.raise_any()
    if desired.network_mode == DEFAULT_BRIDGE:
        # Said outright, it is compared like any other network.
        return replace(desired, networks={DEFAULT_BRIDGE: EndpointSettings()})
    return desired


def _contradictions(desired: DesiredContainer, where: Place) -> Iterator[SpecError]:
    if desired.spec.image is None:
        yield SpecError("image is missing", where)
    if TOPOLOGY_LABEL in (desired.spec.labels or {}):
        yield SpecError(f"{TOPOLOGY_LABEL} is for the topology to set", (*where, "labels"))
    if desired.networks is not None and desired.network_mode is not None:
        yield SpecError("networks and network_mode exclude each other", where)
    yield from _excluded_by_mode(desired, where)


def _excluded_by_mode(desired: DesiredContainer, where: Place) -> Iterator[SpecError]:
    """A container without a network of its own cannot have what belongs to one."""
    kind = (desired.network_mode or "").partition(":")[0]
    given = {**desired.spec.given(), "links": desired.links}
    found = [option for option in _EXCLUDED.get(kind, ()) if given.get(option)]
    if found:
        yield SpecError(f"network_mode {desired.network_mode} excludes {', '.join(found)}", where)


def _endpoints(
    name: str, given: Json, networks: set[str]
) -> tuple[dict[str, EndpointSettings] | None, dict[str, frozenset[str]]]:
    """Return the settings of each endpoint, by network, and which of them are wanted besides what is there."""
    if given is None:
        return None, {}
    where: Place = ("containers", name, "networks")
    entries = dict.fromkeys(parse_option(where, texts, given)) if isinstance(given, list) else given
    if not isinstance(entries, dict):
        raise SpecError("must be a list of names, or a dictionary of names with settings", where)
    if not entries:
        raise SpecError("must not be empty; leave it out for the default bridge, or write network_mode: none", where)
    found, added = {}, {}
    mistakes = Mistakes()
    for network, settings in entries.items():
        with mistakes.collected():
            _refuse_network(network, networks, where)
            options = _checked(settings, ENDPOINT_OPTIONS, (*where, network))
            found[network] = parse_settings(name, options, (*where, network))
            added[network] = parse_added(options)
    mistakes.raise_any()
    return found, added


def _refuse_network(network: str, networks: set[str], where: Place) -> None:
    if network in _BY_MODE:
        raise SpecError(f"the engine lets no container join {network!r}; write network_mode: {network}", where)
    if network not in networks:
        raise SpecError(
            f"no network {network!r} in this topology{did_you_mean(network, networks)}; name it under"
            " networks (with external: true if others made it)",
            where,
        )


def _links(name: str, given: Json) -> tuple[Link, ...] | None:
    return None if given is None else parse_settings(name, {"links": list(given)}, ("containers", name)).links


def _depends_on(name: str, given: Json) -> dict[str, str]:
    where: Place = ("containers", name, "depends_on")
    if given is None:
        return {}
    if isinstance(given, (str, list)):
        return dict.fromkeys(parse_option(where, texts, given), "started")
    if not isinstance(given, dict):
        raise SpecError("must be a list of names, or a dictionary of names with a condition", where)
    found = {}
    for other, given_options in given.items():
        options = {"condition": given_options} if isinstance(given_options, str) else given_options
        place = (*where, str(other))
        known = _checked(options, _DEPENDS_ON_OPTIONS, place)
        if known.get("required", True) is not True or known.get("restart", False) is not False:
            raise SpecError("a dependency is always required, and never restarts what depends on it", place)
        condition = parse_option((*place, "condition"), text, known.get("condition", "started"))
        if condition not in _CONDITIONS:
            raise SpecError(f"there is no condition {condition!r}; write started or healthy", place)
        found[str(other)] = _CONDITIONS[condition]
    return found


def _network_mode(where: Place, given: Json) -> str | None:
    if given is None:
        return None
    where = (*where, "network_mode")
    mode = DEFAULT_BRIDGE if given == "default" else str(given)
    kind, _colon, name = mode.partition(":")
    if kind == "service":
        raise SpecError(f"write container:{name}; a topology has containers and no services", where)
    if mode not in (DEFAULT_BRIDGE, "host", "none") and not (kind == "container" and name):
        raise SpecError(f"{mode!r} is not bridge, host, none or container:NAME; name networks under networks", where)
    return mode


# -- what containers want of each other -------------------------------------------------------------------------------


def _check_bridge_links(desired: DesiredContainer, containers: Mapping[str, DesiredContainer]) -> None:
    """On the default bridge, links are legacy links: the target must be on it too."""
    for link in desired.legacy_links:
        target = containers.get(link.target)
        if target is not None and not target.on_bridge:
            raise SpecError(
                f"{link} would be a legacy link, which leads over the default bridge"
                f" only, and {link.target} is not on it. Give both a network of their own.",
                ("containers", desired.name, "links"),
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
                f"{link} leads nowhere, since {link.target} is on none of its networks ({', '.join(networks)})",
                ("containers", desired.name, "links"),
            )
    return replace(desired, networks=networks)


def _is_on(target: DesiredContainer | None, network: str) -> bool:
    # Others than the topology's own are looked up later.
    return target is None or (target.networks is not None and network in target.networks)


def _shared_addresses(desired_containers: Iterable[DesiredContainer]) -> Iterator[SpecError]:
    holders: dict[tuple[str, str], str] = {}
    for desired in desired_containers:
        for network, settings in (desired.networks or {}).items():
            for value in (settings.ipv4_address, settings.ipv6_address, settings.mac_address):
                if value and holders.setdefault((network, value), desired.name) != desired.name:
                    other = holders[network, value]
                    yield SpecError(
                        f"{value} is wanted for two containers: {other} and {desired.name}", ("networks", network)
                    )


def _shared_ports(desired_containers: Iterable[DesiredContainer]) -> Iterator[SpecError]:
    """A port of the host can be published once, on each of its addresses or on all of them."""
    holders: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for desired in desired_containers:
        for port in desired.spec.ports or ():
            if not port.host.isdigit():
                continue
            key = (port.host, port.protocol)
            for address, other in holders.get(key, ()):
                if port.clashes(address):
                    yield SpecError(
                        f"the port {key[0]}/{key[1]} of the host is wanted twice: by {other} and {desired.name}",
                        ("containers", desired.name, "ports"),
                    )
            holders.setdefault(key, []).append((port.address, desired.name))
