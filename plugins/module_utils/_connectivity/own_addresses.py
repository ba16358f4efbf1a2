# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Which addresses a login may go to: those at which the target is, and no others. Pure."""

from __future__ import annotations

import ipaddress
import typing as t

from .._model.endpoint import canonical
from .evidence import paths
from .spec import is_address

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .._model.state import Network
    from .evidence import Evidence

# The last is what Debian calls a machine's own name in its hosts file.
_LOOPBACK = ("127.0.0.1", "::1", "127.0.1.1")


def is_on_machine(evidence: Evidence) -> bool:
    """Whether the target is also reached at the machine's own addresses: by a published port, or as a part of it."""
    _source, target = evidence.ends
    by_port = target.mode == "host" or evidence.check.port in target.published
    return by_port and any(way.kind in ("host", "published_port") for way in paths(evidence))


def own_addresses(evidence: Evidence) -> frozenset[str]:
    """Return the addresses at which the source may log in to the target, in canonical notation.

    The engine does not tell all addresses of its machine. One that the task itself gives as host is taken for the
    machine's, unless it is in a network of the engine's, where containers are.
    """
    source, target = evidence.ends
    own = set(target.addresses)
    machine = is_on_machine(evidence)
    if source.owner.id == target.owner.id or (machine and source.mode == "host"):
        own.update(_LOOPBACK)
    if machine:
        own.update(_gateways(evidence.engine_networks))
        if is_address(evidence.host) and not _is_inside(evidence):
            own.add(evidence.host)
    return frozenset(canonical(address) for address in own if address)


def _gateways(networks: Iterable[Network]) -> Iterator[str]:
    """Yield the machine's addresses on its bridges; the gateway of another kind of network is somebody else.

    Where none was given, the engine takes the first of the subnet, and does not say so (IpamConf of libnetwork).
    """
    for network in networks:
        if network.driver == "bridge":
            for subnet in network.subnets:
                yield subnet.gateway or (str(ipaddress.ip_network(subnet.subnet)[1]) if subnet.subnet else "")


def _is_inside(evidence: Evidence) -> bool:
    host = ipaddress.ip_address(evidence.host)
    return host.is_loopback or any(
        host in ipaddress.ip_network(subnet.subnet)
        for network in evidence.engine_networks
        for subnet in network.subnets
        if subnet.subnet
    )
