# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The desired state of a network: parsed and validated without an engine, in the terms of the Compose Specification."""

from __future__ import annotations

import ipaddress
import re
import typing as t
from dataclasses import dataclass

from .._errors import Mistakes, SpecError

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from .._errors import Place
    from .._model.state import Network

Json = t.Any
IPNetwork = t.Union[ipaddress.IPv4Network, ipaddress.IPv6Network]


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


# The engine has one network of each of these drivers, by this name, and creates no other; 'none' is what users write.
_ONE_NETWORK = {"host": "host", "null": "none", "none": "none"}
# The drivers whose options are known.
_KNOWN_DRIVERS = (None, "bridge", "overlay")
_BRIDGE = "com.docker.network.bridge."
_TRUTH = ("true or false", re.compile(r"1|0|[tTfF]|true|false|True|False|TRUE|FALSE").fullmatch)
# What the engine's drivers parse when a network is created (libnetwork, drivers/bridge/bridge.go, fromLabels).
_DRIVER_OPTIONS: dict[str, tuple[str, Callable[[str], object]]] = {
    "com.docker.network.driver.mtu": ("a number of bytes such as 1500", re.compile(r"\+?[0-9]{1,9}").fullmatch),
    "com.docker.network.host_ipv4": ("an IP address", _is_address),
    f"{_BRIDGE}host_binding_ipv4": ("an IP address", _is_address),
    f"{_BRIDGE}name": (
        "the name of an interface: at most 15 characters, no space and no '/'",
        re.compile(r"(?!\.{1,2}\Z)[^\s/]{0,15}").fullmatch,
    ),
    **{f"{_BRIDGE}{name}": _TRUTH for name in ("enable_icc", "enable_ip_masquerade", "inhibit_ipv4", "default_bridge")},
}

# The Ansible options that describe a network, for network_attach's create and for a topology's networks.
NETWORK_OPTIONS: dict[str, Json] = {
    "driver": {"type": "str"},
    "driver_opts": {"type": "dict"},
    "ipam": {
        "type": "dict",
        "options": {
            "driver": {"type": "str"},
            "options": {"type": "dict"},
            "config": {
                "type": "list",
                "elements": "dict",
                "options": {
                    "subnet": {"type": "str", "required": True},
                    "gateway": {"type": "str"},
                    "ip_range": {"type": "str"},
                    "aux_addresses": {"type": "dict"},
                },
            },
        },
    },
    "internal": {"type": "bool"},
    "attachable": {"type": "bool"},
    "enable_ipv4": {"type": "bool"},
    "enable_ipv6": {"type": "bool"},
    "labels": {"type": "dict"},
}


@dataclass(frozen=True)
class NetworkSpec:
    """A network that must exist. None means: not given, so neither compared nor sent.

    Attributes:
        subnets: subnet, gateway, ip_range and aux_addresses by those names, as the user gave them.
    """

    name: str
    driver: str | None = None
    driver_opts: Mapping[str, str] | None = None
    ipam_driver: str | None = None
    ipam_options: Mapping[str, str] | None = None
    subnets: tuple[Mapping[str, Json], ...] | None = None
    internal: bool | None = None
    attachable: bool | None = None
    enable_ipv4: bool | None = None
    enable_ipv6: bool | None = None
    labels: Mapping[str, str] | None = None

    def over(self, network: Network) -> NetworkSpec:
        """Return a network that is as I(network) is, except for what is given here.

        Of a family of addresses for which no subnet is given, it keeps the subnets. Another driver takes none of the
        options of the one before.
        """
        same_driver = self.driver in (None, network.driver)
        return NetworkSpec(
            name=self.name,
            driver=self.driver or network.driver,
            driver_opts={**(network.options if same_driver else {}), **(self.driver_opts or {})},
            ipam_driver=self.ipam_driver or network.ipam_driver,
            ipam_options=self.ipam_options,
            subnets=tuple(self._subnets_over(network)),
            internal=network.internal if self.internal is None else self.internal,
            attachable=network.attachable if self.attachable is None else self.attachable,
            # Only where it is given: older engines do not know it.
            enable_ipv4=self.enable_ipv4 if network.enable_ipv4 else bool(self.enable_ipv4),
            enable_ipv6=network.enable_ipv6 if self.enable_ipv6 is None else self.enable_ipv6,
            labels={**network.labels, **(self.labels or {})},
        )

    def _subnets_over(self, network: Network) -> Iterator[Mapping[str, Json]]:
        given = self.subnets or ()
        versions = {ipaddress.ip_network(entry["subnet"]).version for entry in given}
        yield from given
        for one in network.subnets:
            version = ipaddress.ip_network(one.subnet).version if one.subnet else 0
            kept = version == 4 or (version == 6 and self.enable_ipv6 is not False)
            if kept and version not in versions:
                entry = {"subnet": one.subnet, "gateway": one.gateway.partition("/")[0], "ip_range": one.ip_range}
                yield {**{key: value for key, value in entry.items() if value}, "aux_addresses": dict(one.aux)}

    def to_api(self) -> dict[str, Json]:
        """Return the body of C(POST /networks/create)."""
        given = {
            "Options": self.driver_opts,
            "Internal": self.internal,
            "Attachable": self.attachable,
            "EnableIPv4": self.enable_ipv4,
            "EnableIPv6": self.enable_ipv6,
            "Labels": self.labels,
        }
        config: dict[str, Json] = {"Name": self.name, "Driver": self.driver or "bridge"}
        config.update({key: value for key, value in given.items() if value is not None})
        if self.ipam_driver or self.ipam_options or self.subnets:
            config["IPAM"] = {
                "Driver": self.ipam_driver or "default",
                "Options": dict(self.ipam_options or {}),
                "Config": [_subnet_to_api(subnet) for subnet in self.subnets or ()],
            }
        return config

    def differences(self, network: Network) -> dict[str, tuple[Json, Json]]:
        """Return name to (there, wanted) of what is given and differs; there may be more labels and options."""
        pairs: dict[str, tuple[Json, Json]] = {
            "driver": (network.driver, self.driver),
            "internal": (network.internal, self.internal),
            "attachable": (network.attachable, self.attachable),
            "enable_ipv4": (network.enable_ipv4, self.enable_ipv4),
            "enable_ipv6": (network.enable_ipv6, self.enable_ipv6),
        }
        found = {name: pair for name, pair in pairs.items() if pair[1] is not None and pair[0] != pair[1]}
        for name, there, wanted in (
            ("driver_opts", network.options, self.driver_opts),
            ("labels", network.labels, self.labels),
        ):
            part = {key: there.get(key) for key in wanted or {}}
            if part != dict(wanted or {}):
                found[name] = (part, dict(wanted or {}))
        there_nets = [{"subnet": s.subnet, "gateway": s.gateway, "ip_range": s.ip_range} for s in network.subnets]
        for wanted_net in self.subnets or ():
            if not any(_subnet_fits(wanted_net, net) for net in there_nets):
                found["ipam"] = (there_nets, [dict(subnet) for subnet in self.subnets or ()])
        return found


def _subnet_to_api(subnet: Mapping[str, Json]) -> dict[str, Json]:
    names = {"subnet": "Subnet", "gateway": "Gateway", "ip_range": "IPRange", "aux_addresses": "AuxiliaryAddresses"}
    return {api: subnet[name] for name, api in names.items() if subnet.get(name)}


def _subnet_fits(wanted: Mapping[str, Json], there: Mapping[str, str]) -> bool:
    return all(not wanted.get(key) or wanted[key] == there[key] for key in ("subnet", "gateway", "ip_range"))


def parse_network(name: str, options: Mapping[str, Json], where: Place) -> NetworkSpec:
    """Read a network's options as Ansible parsed them by NETWORK_OPTIONS; raise SpecError.

    Args:
        where: the place of the options as a whole.
    """
    if name == "default":
        raise SpecError(
            "the engine makes no network of the name default, which stands for its own bridge there. Choose another"
            " one; Compose, too, calls its default network PROJECT_default on the engine",
            where,
        )
    driver = options.get("driver") or None
    driver_opts = option_strings(options.get("driver_opts"))
    _refuse_driver(driver, driver_opts or {}, where)
    ipam = options.get("ipam") or {}
    subnets = ipam.get("config")
    if options.get("enable_ipv4") is False and not options.get("enable_ipv6"):
        raise SpecError("without IPv4 it needs enable_ipv6: true", where)
    return NetworkSpec(
        name=name,
        driver=driver,
        driver_opts=driver_opts,
        ipam_driver=ipam.get("driver"),
        ipam_options=option_strings(ipam.get("options")),
        subnets=None if subnets is None else _parse_subnets(options, subnets, (*where, "ipam", "config")),
        internal=options.get("internal"),
        attachable=options.get("attachable"),
        enable_ipv4=options.get("enable_ipv4"),
        enable_ipv6=options.get("enable_ipv6"),
        labels=option_strings(options.get("labels")),
    )


def _refuse_driver(driver: str | None, options: Mapping[str, str], where: Place) -> None:
    if driver in _ONE_NETWORK:
        raise SpecError(
            f"{driver} cannot be used: the engine has one such network, {_ONE_NETWORK[driver]}, and creates no other. A"
            " container joins it by its network_mode",
            (*where, "driver"),
        )
    for option, value in options.items():
        what, fits = _DRIVER_OPTIONS.get(option, ("", bool))
        if driver in _KNOWN_DRIVERS and what and not fits(value):
            raise SpecError(f"{value!r} must be {what}", (*where, "driver_opts", option))


def option_strings(mapping: Mapping[str, Json] | None) -> dict[str, str] | None:
    """The engine takes strings only; YAML makes numbers and truth values of some."""
    if mapping is None:
        return None
    return {str(k): str(v).lower() if isinstance(v, bool) else "" if v is None else str(v) for k, v in mapping.items()}


def _parse_subnets(options: Mapping[str, Json], given: list[Json], where: Place) -> tuple[Mapping[str, Json], ...]:
    mistakes = Mistakes()
    found = []
    for number, subnet in enumerate(given):
        with mistakes.collected():
            found.append(_parse_subnet(subnet, (*where, number)))
    mistakes.raise_any()
    _refuse_overlaps(found, where)
    if not options.get("enable_ipv6"):
        _refuse_family(found, 6, "without enable_ipv6: true", where)
    if options.get("enable_ipv4") is False:
        _refuse_family(found, 4, "with enable_ipv4: false", where)
    if (options.get("driver") or None) in (None, "bridge"):
        _refuse_several(found, where)
    return tuple(found)


def _parse_subnet(subnet: Mapping[str, Json], where: Place) -> dict[str, Json]:
    net = _parse_range(subnet["subnet"], (*where, "subnet"))
    parsed: dict[str, Json] = {"subnet": str(net)}
    if subnet.get("ip_range"):
        part = _parse_range(subnet["ip_range"], (*where, "ip_range"))
        if part.version != net.version or not part.subnet_of(net):  # type: ignore[arg-type]  # same version: checked
            raise SpecError(f"{part} is not inside the subnet {net}", (*where, "ip_range"))
        parsed["ip_range"] = str(part)
    for place, address in _addresses(subnet, where):
        try:
            inside = ipaddress.ip_address(address) in net
        except ValueError as exc:
            raise SpecError(f"{address!r} is not an IP address: {exc}", place) from exc
        if not inside:
            raise SpecError(f"{address} is not inside the subnet {net}", place)
    if subnet.get("gateway"):
        parsed["gateway"] = str(ipaddress.ip_address(subnet["gateway"]))
    if subnet.get("aux_addresses"):
        parsed["aux_addresses"] = {str(k): str(v) for k, v in subnet["aux_addresses"].items()}
    return parsed


def _addresses(subnet: Mapping[str, Json], where: Place) -> Iterator[tuple[Place, str]]:
    if subnet.get("gateway"):
        yield (*where, "gateway"), str(subnet["gateway"])
    for host, address in (subnet.get("aux_addresses") or {}).items():
        yield (*where, "aux_addresses", host), str(address)


def _parse_range(text: str, where: Place) -> IPNetwork:
    try:
        found = ipaddress.ip_network(str(text).strip())
    except ValueError as exc:
        raise SpecError(f"{text!r} cannot be used: {exc}", where) from exc
    if "/" not in str(text):
        raise SpecError(f"{text!r} has no prefix; write one such as 10.5.0.0/24", where)
    return found


def _refuse_overlaps(subnets: list[dict[str, Json]], where: Place) -> None:
    nets = [ipaddress.ip_network(subnet["subnet"]) for subnet in subnets]
    for index, first in enumerate(nets):
        for second in nets[index + 1 :]:
            if first.overlaps(second):
                raise SpecError(f"the subnets {first} and {second} overlap", where)


def _refuse_family(subnets: list[dict[str, Json]], version: int, reason: str, where: Place) -> None:
    for number, subnet in enumerate(subnets):
        if ipaddress.ip_network(subnet["subnet"]).version == version:
            raise SpecError(f"the engine ignores the IPv{version} subnet {subnet['subnet']} {reason}", (*where, number))


def _refuse_several(subnets: list[dict[str, Json]], where: Place) -> None:
    versions = [ipaddress.ip_network(subnet["subnet"]).version for subnet in subnets]
    for version in (4, 6):
        if versions.count(version) > 1:
            raise SpecError(f"a bridge has one IPv{version} subnet at most; make two networks", where)
