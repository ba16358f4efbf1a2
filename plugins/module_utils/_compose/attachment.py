# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Which containers to attach to a network, and how: parsed and validated without an engine."""

from __future__ import annotations

import ipaddress
import re
import typing as t
from dataclasses import dataclass

from .._errors import Mistakes, SpecError
from .._model.endpoint import EndpointSettings, Link
from .network import NetworkSpec, option_strings, parse_network
from .values import parse_option

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from .._errors import Place

Json = t.Any

# What a DNS query can ask for (RFC 1035, 2.3.4).
_LONGEST_LABEL, _LONGEST_NAME = 63, 253
_HEX_PAIRS = re.compile(r"[0-9a-f]{12}")
# What the engine itself demands of container names (moby, daemon/names): a link's target is one, or an ID.
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")

# The Ansible options of an endpoint's settings, for network_attach and for a topology's containers.
ENDPOINT_OPTIONS: dict[str, Json] = {
    "aliases": {"type": "list", "elements": "str"},
    "aliases_mode": {"type": "str", "choices": ["exact", "add"], "default": "exact"},
    "links": {"type": "list", "elements": "str"},
    "links_mode": {"type": "str", "choices": ["exact", "add"], "default": "exact"},
    "ipv4_address": {"type": "str"},
    "ipv6_address": {"type": "str"},
    "mac_address": {"type": "str"},
    "driver_opts": {"type": "dict"},
    "gw_priority": {"type": "int"},
}


@dataclass(frozen=True)
class DesiredEndpoint:
    """One container that must have an endpoint.

    Attributes:
        container: a name or an ID.
        added: C(aliases), C(links): which of these are wanted besides those that are there, and not instead of them.
    """

    container: str
    settings: EndpointSettings
    added: frozenset[str] = frozenset()


@dataclass(frozen=True)
class AttachSpec:
    """What network_attach is asked for.

    Attributes:
        network: a name or an ID.
        create: how to make the network if it is missing.
        present: whether the containers of I(desired_endpoints) must be attached, or detached.
        purge: whether every other container must be detached.
    """

    network: str
    create: NetworkSpec | None
    desired_endpoints: tuple[DesiredEndpoint, ...]
    present: bool = True
    purge: bool = False

    @property
    def link_targets(self) -> tuple[str, ...]:
        return tuple(
            dict.fromkeys(link.target for desired in self.desired_endpoints for link in desired.settings.links or ())
        )


def parse_attach(params: Mapping[str, Json]) -> AttachSpec:
    """Read the parameters of network_attach; raise SpecError."""
    network = _name("network", params["network"])
    desired_endpoints = [
        DesiredEndpoint(_name("containers", ref), EndpointSettings()) for ref in params["containers"] or ()
    ]
    desired_endpoints += [
        DesiredEndpoint(
            _name("endpoints: container", options["container"]),
            parse_settings(options["container"], options, ("endpoints", options["container"])),
            parse_added(options),
        )
        for options in params["endpoints"] or ()
    ]
    refuse_repeats("container", (desired.container for desired in desired_endpoints))
    _refuse_shared_addresses(desired_endpoints)
    present = params["state"] == "present"
    # A container can leave none, and has to before it can join another network.
    if network == "host" or (network == "none" and present):
        raise SpecError(
            f"no container can be attached to the network {network!r} while it exists"
            f"{', nor detached from it' if network == 'host' else ''}: the engine allows it"
            " only when the container is created. Name a bridge, overlay, macvlan or ipvlan network."
        )
    create = params["create"]
    return AttachSpec(
        network=network,
        create=None if create is None else parse_network(network, create, ("create",)),
        desired_endpoints=tuple(desired_endpoints),
        present=present,
        purge=params["purge"],
    )


def parse_settings(container: str, options: Mapping[str, Json], where: Place) -> EndpointSettings:
    """Read one endpoint's settings as Ansible parsed them by ENDPOINT_OPTIONS; raise SpecError.

    Args:
        where: the place of the options as a whole.
    """
    parsers: dict[str, Callable[[Json], Json]] = {
        "aliases": _aliases,
        "links": lambda given: _links(container, given),
        "ipv4_address": lambda given: parse_address(given, 4),
        "ipv6_address": lambda given: parse_address(given, 6),
        "mac_address": parse_mac,
        "driver_opts": option_strings,
        "gw_priority": lambda given: given,
    }
    found: dict[str, Json] = {}
    mistakes = Mistakes()
    for name, parser in parsers.items():
        if options.get(name) is not None:
            with mistakes.collected():
                found[name] = parse_option((*where, name), parser, options[name])
    mistakes.raise_any()
    return EndpointSettings(**found)


def parse_added(options: Mapping[str, Json]) -> frozenset[str]:
    """Return which of an endpoint's settings are wanted besides what is there."""
    return frozenset(name for name in ("aliases", "links") if options.get(f"{name}_mode") == "add")


def _name(option: str, value: str) -> str:
    name = value.strip().lstrip("/")
    if not name:
        raise SpecError(f"{option}: a name or an ID is needed, not an empty text")
    return name


def _aliases(given: list[str]) -> tuple[str, ...]:
    for alias in given:
        # The engine stores anything; a name with one of these can never be asked for.
        if not alias or any(char.isspace() or char in "/:\0" for char in alias):
            raise SpecError(f"alias {alias!r} cannot be a host name: it must not be empty or hold blanks, '/' or ':'")
        if len(alias) > _LONGEST_NAME or any(len(label) > _LONGEST_LABEL for label in alias.split(".")):
            raise SpecError(
                f"alias {alias!r} is too long for a host name: at most {_LONGEST_LABEL} characters between two dots,"
                f" {_LONGEST_NAME} in all"
            )
    return tuple(dict.fromkeys(given))


def _links(container: str, given: list[str]) -> tuple[Link, ...]:
    links = tuple(dict.fromkeys(parse_link(text) for text in given))
    targets: dict[str, str] = {}
    for link in links:
        if link.target == container:
            raise SpecError(f"link {link} leads to the container itself; give it an alias instead")
        if targets.setdefault(link.alias, link.target) != link.target:
            raise SpecError(f"two links have the alias {link.alias!r}: to {targets[link.alias]} and to {link.target}")
    return links


def parse_link(text: str) -> Link:
    """Read C(target) or C(target:alias), as C(docker run --link) does; raise SpecError.

    As the C(docker) program does, the alias defaults to the target.
    """
    target, _colon, alias = text.strip().partition(":")
    alias = alias or target
    for what, name in (("target", target), ("alias", alias)):
        if not _NAME.fullmatch(name):
            raise SpecError(f"link {text!r}: {what} {name!r} is not a name; write 'target' or 'target:alias'")
    return Link(target, alias)


def parse_mac(text: str) -> str:
    """Return a MAC address in the engine's notation, from any of the usual ones; raise SpecError."""
    digits = re.sub(r"[:.\-]", "", text.strip().lower())
    if not _HEX_PAIRS.fullmatch(digits):
        raise SpecError(
            f"{text!r} is not a MAC address; write six pairs of hexadecimal digits such as 02:42:ac:11:00:02"
        )
    if int(digits[:2], 16) & 1:
        raise SpecError(f"{text!r} is a multicast MAC address, which no container can have; make its first pair even")
    return ":".join(digits[i : i + 2] for i in range(0, 12, 2))


def parse_address(text: str, version: int) -> str:
    """Return a container's address in its canonical notation; raise SpecError. I(version) is 4 or 6."""
    try:
        address = ipaddress.IPv4Address(text.strip()) if version == 4 else ipaddress.IPv6Address(text.strip())
    except ValueError as exc:
        raise SpecError(f"{text!r} is not an IPv{version} address: {exc}") from exc
    if "%" in str(address):
        raise SpecError(f"{text!r} is not an IPv{version} address of a container: leave out the interface after '%'")
    if address.is_multicast or address.is_unspecified or address.is_loopback:
        raise SpecError(f"{address} cannot be a container's address: it is multicast, unspecified or loopback")
    return str(address)


def refuse_repeats(what: str, names: Iterable[str]) -> None:
    """Raise SpecError if a name occurs more than once."""
    seen: set[str] = set()
    again = [name for name in names if name in seen or seen.add(name)]  # type: ignore[func-returns-value]
    if again:
        raise SpecError(f"{what} named more than once: {', '.join(dict.fromkeys(again))}")


def _refuse_shared_addresses(desired_endpoints: Iterable[DesiredEndpoint]) -> None:
    holders: dict[str, str] = {}
    for desired in desired_endpoints:
        for value in (desired.settings.ipv4_address, desired.settings.ipv6_address, desired.settings.mac_address):
            if value and holders.setdefault(value, desired.container) != desired.container:
                raise SpecError(f"{value} is wanted for two containers: {holders[value]} and {desired.container}")
