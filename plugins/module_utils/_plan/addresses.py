# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The addresses of a network: which can be asked for, which are reserved, and how many are free. Pure.

As Docker Engine 20.10 gives them away: from the C(ip_range), or else from the whole subnet, except the subnet's own
address, the broadcast address of an IPv4 subnet, the gateway and the auxiliary addresses.
"""

from __future__ import annotations

import ipaddress
import typing as t
from dataclasses import dataclass, field

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from .._compose.network import IPNetwork, NetworkSpec
    from .._engine.info import EngineInfo
    from .._model.endpoint import EndpointSettings
    from .._model.state import Network

IPAddress = t.Union[ipaddress.IPv4Address, ipaddress.IPv6Address]

# Drivers with which the engine always reserves an address for the gateway; of others newer engines do not.
_WITH_GATEWAY = (None, "", "bridge", "overlay")
# How many addresses are looked at for a free one.
_MOST_TRIED = 4096


@dataclass(frozen=True)
class Pool:
    """A subnet of a network.

    Attributes:
        dynamic: the part of it from which the engine gives an address to a container that asks for none.
        reserved: what no container can have, each with what it is.
        may_have_changed: how many of I(reserved) some engines give away all the same.
    """

    subnet: IPNetwork
    dynamic: IPNetwork
    reserved: Mapping[IPAddress, str] = field(default_factory=dict)
    may_have_changed: int = 0

    def room(self, taken: Collection[IPAddress]) -> int:
        """Return how many containers that ask for no address can have one, once I(taken) are taken."""
        return (
            self.dynamic.num_addresses
            - sum(one in self.dynamic for one in {*self.reserved, *taken})
            + self.may_have_changed
        )


def pools_of(network: Network | None, create: NetworkSpec | None) -> list[Pool]:
    """Return the subnets of a network that is there, or else of one that is to be made; those that are known."""
    if network is not None:
        isolated = any("gateway_mode" in option for option in network.options)
        driver = "isolated" if isolated else network.driver
        return [
            _pool(one.subnet, one.ip_range, one.gateway.partition("/")[0], one.aux, driver)
            for one in network.subnets
            if one.subnet
        ]
    return [
        _pool(
            one["subnet"],
            one.get("ip_range") or "",
            one.get("gateway") or "",
            one.get("aux_addresses") or {},
            create.driver if create is not None else None,
        )
        for one in (create.subnets if create is not None else None) or ()
    ]


def _pool(subnet: str, ip_range: str, gateway: str, aux: Mapping[str, str], driver: str | None) -> Pool:
    net = ipaddress.ip_network(subnet)
    dynamic = ipaddress.ip_network(ip_range or net)
    reserved: dict[IPAddress, str] = {
        ipaddress.ip_address(address.partition("/")[0]): f"reserved in the network's aux_addresses (for {host})"
        for host, address in aux.items()
    }
    if net.version == 4:
        reserved[net.broadcast_address] = "the subnet's broadcast address"
    reserved[net.network_address] = "the subnet's own"
    # Without one of the user's choice the engine takes the first address that it may give away.
    first = dynamic.network_address
    chosen = first if first != net.network_address else first + 1
    reserved[ipaddress.ip_address(gateway) if gateway else chosen] = "the network's gateway"
    return Pool(net, dynamic, reserved, may_have_changed=int(not gateway and driver not in _WITH_GATEWAY))


def free_address(network: Network) -> str | None:
    """Return an IPv4 address of a network that no running container has, from the end of a subnet; None if none is.

    The end is where an C(ip_range) mostly is not.
    """
    held = {one.ipv4 for one in network.members.values()}
    for pool in pools_of(network, None):
        size = pool.subnet.num_addresses
        for number in range(size - 1, max(-1, size - _MOST_TRIED), -1):
            address = pool.subnet[number]
            if address.version == 4 and address not in pool.reserved and str(address) not in held:
                return str(address)
    return None


def address_problems(
    name: str, settings: EndpointSettings, network: Network | None, create: NetworkSpec | None, info: EngineInfo
) -> Iterator[str]:
    """Say which addresses of I(settings) container I(name) cannot have on a network, whoever else is on it."""
    pools = pools_of(network, create)
    for address in settings.addresses:
        parsed = ipaddress.ip_address(address)
        home = [pool for pool in pools if parsed in pool.subnet]
        if not pools and network is None and not info.speaks("1.52"):
            yield f"{name}: the address {address} needs a subnet to be in; give the network one with ipam"
        elif pools and not home:
            have = ", ".join(str(pool.subnet) for pool in pools)
            yield f"{name}: the address {address} is outside the network's subnets ({have})"
        for pool in home:
            if parsed in pool.reserved:
                yield f"{name}: the address {address} is {pool.reserved[parsed]}"
