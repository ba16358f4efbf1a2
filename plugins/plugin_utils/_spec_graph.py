# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The graph of a planned topology, made from the options of the module topology without an engine."""

from __future__ import annotations

import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.linklab.docker.plugins.module_utils._errors import SpecError
from ansible_collections.linklab.docker.plugins.module_utils._model.bridge import DEFAULT_BRIDGE
from ansible_collections.linklab.docker.plugins.module_utils._model.words import meant
from ansible_collections.linklab.docker.plugins.module_utils._topology.options import (
    TOPOLOGY_CONTAINER_OPTIONS,
    options_for,
)
from ansible_collections.linklab.docker.plugins.module_utils._topology.spec import parse_topology

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ansible_collections.linklab.docker.plugins.module_utils._model.endpoint import EndpointSettings
    from ansible_collections.linklab.docker.plugins.module_utils._topology.spec import DesiredContainer, TopologySpec

Json = t.Any

# What a graph needs of a container. The rest stays out of sight, secrets above all.
_USED = ("image", "networks", "links", "network_mode", "depends_on")
# The networks that every engine has of its own.
_OF_THE_ENGINE = {DEFAULT_BRIDGE: "bridge", "host": "host", "none": "null"}


def graph_of_topology(options: Mapping[str, Json]) -> dict[str, list[dict[str, Json]]]:
    """Return the graph as the module topology_info does, without what only an engine knows; raise SpecError.

    Args:
        options: C(name), C(networks) and C(containers) of the module topology.
    """
    given = {
        "name": plain(options.get("name")),
        "networks": plain(options.get("networks")),
        "containers": _containers(options.get("containers")),
    }
    checked = ArgumentSpecValidator(options_for(given)).validate(given)
    if checked.error_messages:
        raise SpecError("; ".join(checked.error_messages))
    return _graph(parse_topology(checked.validated_parameters))


def _containers(given: Json) -> Json:
    """Return the containers with what a graph needs of each. Nothing else is even looked at."""
    if not isinstance(given, dict):
        return plain(given)
    containers: dict[str, Json] = {}
    for name, options in _by_text(given):
        if not isinstance(options, dict):
            containers[name] = plain(options)
            continue
        for option in options:
            if option not in TOPOLOGY_CONTAINER_OPTIONS:
                raise SpecError(
                    f"containers.{name}: there is no option {option!r}{meant(str(option), TOPOLOGY_CONTAINER_OPTIONS)}"
                )
        containers[name] = {option: plain(options[option]) for option in _USED if option in options}
    return containers


def plain(value: Json) -> Json:
    """Return a copy in Python's own types: those in which Ansible keeps templates warn when they are copied."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in _by_text(value)}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


def _by_text(value: Mapping[t.Any, Json]) -> Iterator[tuple[str, Json]]:
    """Yield what is in a dictionary by name. YAML takes a name such as 2001 for a number; modules get it as text."""
    return ((str(name), inner) for name, inner in value.items())


def _graph(spec: TopologySpec) -> dict[str, list[dict[str, Json]]]:
    endpoints = [_endpoint(name, *end) for name, desired in spec.containers.items() for end in _ends(desired)]
    links = [link for desired in spec.containers.values() for link in _links(desired)]
    others = {link["target"] for link in links} | {desired.shares_with for desired in spec.containers.values()}
    return {
        "networks": [_network(name, spec) for name in sorted({*_named(spec), *(end["network"] for end in endpoints)})],
        "containers": [
            _container(name, spec) for name in sorted({*spec.containers, *(name for name in others if name)})
        ],
        "endpoints": sorted(endpoints, key=lambda end: (end["container"], end["network"])),
        "links": sorted(links, key=lambda link: (link["source"], link["kind"], link["network"], link["alias"])),
    }


def _named(spec: TopologySpec) -> set[str]:
    return {*spec.networks, *spec.external}


def _network(name: str, spec: TopologySpec) -> dict[str, Json]:
    wanted = spec.networks.get(name)
    if wanted is None:
        driver = _OF_THE_ENGINE.get(name, "")
        return {"name": name, "driver": driver, "internal": False, "subnets": [], "labels": {}, "topology": ""}
    return {
        "name": name,
        "driver": wanted.driver or "bridge",
        "internal": bool(wanted.internal),
        "subnets": [subnet["subnet"] for subnet in wanted.subnets or ()],
        "labels": dict(wanted.labels or {}),
        "topology": spec.name,
    }


def _container(name: str, spec: TopologySpec) -> dict[str, Json]:
    desired = spec.containers.get(name)
    if desired is None:
        return {"name": name, "image": "", "topology": "", "network_mode": ""}
    return {
        "name": name,
        "image": desired.spec.image or "",
        "topology": spec.name,
        "network_mode": desired.network_mode or next(iter(desired.networks or ()), DEFAULT_BRIDGE),
    }


def _ends(desired: DesiredContainer) -> Iterator[tuple[str, EndpointSettings | None]]:
    if desired.networks is not None:
        yield from desired.networks.items()
    elif desired.shares_with is None:
        yield desired.network_mode or DEFAULT_BRIDGE, None


def _endpoint(container: str, network: str, settings: EndpointSettings | None) -> dict[str, Json]:
    return {
        "container": container,
        "network": network,
        "ipv4_address": (settings.ipv4_address if settings else None) or "",
        "ipv6_address": (settings.ipv6_address if settings else None) or "",
        "mac_address": (settings.mac_address if settings else None) or "",
        "aliases": sorted((settings.aliases if settings else None) or ()),
        "links": [str(link) for link in (settings.links if settings else None) or ()],
    }


def _links(desired: DesiredContainer) -> Iterator[dict[str, Json]]:
    found = [("legacy", DEFAULT_BRIDGE, link) for link in desired.legacy_links]
    for name, settings in (desired.networks or {}).items():
        found += [("network", name, link) for link in settings.links or ()]
    for kind, network, link in found:
        yield {
            "source": desired.name,
            "kind": kind,
            "network": network,
            "alias": link.alias,
            "target": link.target,
            "stale": False,
        }
