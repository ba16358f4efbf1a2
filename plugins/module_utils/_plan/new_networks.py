# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Which networks the engine would not create: found before anything is changed. Pure."""

from __future__ import annotations

import ipaddress
import typing as t

from .._errors import did_you_mean
from .._model.state import Network, NetworkSupport, Subnet

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .._compose.network import IPNetwork, NetworkSpec
    from .._engine.info import EngineInfo

_BRIDGE_NAME = "com.docker.network.bridge.name"
# Those that every engine has.
_USUAL_DRIVERS = (None, "bridge", "macvlan", "ipvlan")
# What the engine takes subnets from if nobody tells it otherwise: 31, the default bridge's included.
_DEFAULT_POOLS = (
    ("172.17.0.0/16", 16),
    ("172.18.0.0/16", 16),
    ("172.19.0.0/16", 16),
    ("172.20.0.0/14", 16),
    ("172.24.0.0/14", 16),
    ("172.28.0.0/14", 16),
    ("192.168.0.0/16", 20),
)


def needs_support(new: Iterable[NetworkSpec]) -> bool:
    """Whether it takes the engine's longest answer to say whether networks can be created."""
    return any(_takes_from_pool(wanted) or wanted.driver not in _USUAL_DRIVERS for wanted in new)


def new_network_problems(
    new: Sequence[NetworkSpec], others: Iterable[Network], support: NetworkSupport, info: EngineInfo
) -> Iterator[str]:
    """Say which networks cannot be created.

    Args:
        others: the existing ones.
    """
    there = list(others)
    for wanted in new:
        if wanted.enable_ipv4 is False and not info.speaks("1.47"):
            yield (
                f"network {wanted.name}: enable_ipv4: false needs API 1.47 (Docker Engine 27.2); this engine speaks"
                f" {info.api_version}"
            )
        yield from clashes(wanted, there)
        yield from _driver_problems(wanted, support)
        subnets = tuple(Subnet(entry["subnet"]) for entry in wanted.subnets or ())
        there.append(Network("", wanted.name, subnets=subnets, options=wanted.driver_opts or {}))
    yield from _pool_problems(new, there, support)


def clashes(wanted: NetworkSpec, others: Iterable[Network]) -> Iterator[str]:
    """Say which subnets of a network overlap, and whether another network has its bridge.

    One of the same name is no other network: a run at the same time has created it since this one looked for it.
    Engine 20.10 accepts the bridge of its default network, which then has no endpoints any more until it is restarted.
    """
    subnets = [ipaddress.ip_network(entry["subnet"]) for entry in wanted.subnets or ()]
    bridge = (wanted.driver_opts or {}).get(_BRIDGE_NAME)
    for other in (one for one in others if one.name != wanted.name):
        for subnet in subnets:
            for taken in (one.subnet for one in other.subnets if one.subnet):
                if subnet.overlaps(ipaddress.ip_network(taken, strict=False)):
                    yield f"network {wanted.name}: its subnet {subnet} overlaps that of network {other.name}, {taken}"
        if bridge and bridge == other.options.get(_BRIDGE_NAME):
            yield f"network {wanted.name}: network {other.name} has the bridge {bridge} already ({_BRIDGE_NAME})"


def _driver_problems(wanted: NetworkSpec, support: NetworkSupport) -> Iterator[str]:
    known = {name.removesuffix(":latest") for name in support.drivers}
    driver = wanted.driver or "bridge"
    if known and driver.removesuffix(":latest") not in known:
        yield (
            f"network {wanted.name}: the engine has no driver {driver}{did_you_mean(driver, known)}; it has"
            f" {', '.join(sorted(known))}. It does not list an old plugin that no network uses yet: with such a"
            " one, create the network yourself first"
        )
    elif known and driver == "overlay" and not support.manager:
        yield (
            f"network {wanted.name}: an overlay needs a Swarm, and this engine is not a manager of one; run 'docker"
            " swarm init', or create it on a manager"
        )


def _takes_from_pool(wanted: NetworkSpec) -> bool:
    chosen = not wanted.subnets and wanted.enable_ipv4 is not False
    return chosen and wanted.driver in (None, "bridge") and wanted.ipam_driver in (None, "default")


def _pool_problems(new: Sequence[NetworkSpec], others: Iterable[Network], support: NetworkSupport) -> Iterator[str]:
    """Without a subnet of its own, each network takes one of a few from the engine's address pools."""
    needy = [wanted.name for wanted in new if _takes_from_pool(wanted)]
    if not needy:
        return
    taken = [ipaddress.ip_network(one.subnet, strict=False) for other in others for one in other.subnets if one.subnet]
    free = 0
    for base, length in support.pools or _DEFAULT_POOLS:
        for subnet in _pieces(base, length):
            free += not any(subnet.overlaps(other) for other in taken)
            if free >= len(needy):
                return
    some = (
        "1 new network has no subnet of its own"
        if len(needy) == 1
        else (f"{len(needy)} new networks have no subnet of their own")
    )
    yield (
        f"{some} ({', '.join(needy)}), but the engine's address pools have only {free} left; give"
        f" {len(needy) - free} of them a subnet under ipam: config"
    )


def _pieces(base: str, length: int) -> Iterator[IPNetwork]:
    pool = ipaddress.ip_network(base)
    return pool.subnets(new_prefix=max(length, pool.prefixlen))
