# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Whether everybody on a network can have an address, those that do not run too: counted beforehand. Pure.

The engine keeps no address for a container that does not run, not even the one that it asked for. And a connect that
finds no free one leaves an endpoint half made, so that the container cannot be started again.
"""

from __future__ import annotations

import ipaddress
import typing as t
from dataclasses import dataclass

from .._model.leftover_names import is_leftover
from .addresses import pools_of

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from .._compose.network import NetworkSpec
    from .._model.state import ContainerState, Network, Summary
    from .addresses import IPAddress, Pool
    from .plan import Attach, EndpointAction, Reattach


@dataclass(frozen=True)
class Holder:
    """A container on a network. addresses: those that it has, or asks for while it does not run."""

    name: str
    status: str
    addresses: tuple[str, ...] = ()

    @property
    def runs(self) -> bool:
        return self.status == "running"


@dataclass(frozen=True)
class Room:
    """Who is on a network before a change of it.

    Attributes:
        network: None if it is to be made as I(create) says.
        holders: by the container's ID, without those that leave.
        named: IDs of the containers that must be on it.
        starts: IDs of those of them that are started if they do not run.
    """

    network: Network | None
    create: NetworkSpec | None
    holders: Mapping[str, Holder]
    named: frozenset[str]
    starts: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        network: Network | None,
        create: NetworkSpec | None,
        *,
        named: Iterable[ContainerState],
        others: Iterable[Summary],
        leaving: frozenset[str],
        starts: Collection[str],
    ) -> Room:
        """Return what there is to know. I(starts) has names of containers, I(leaving) IDs."""
        mine = {one.id: one for one in named}
        started = frozenset(one.id for one in mine.values() if one.name in starts)
        if network is None:
            return cls(None, create, {}, frozenset(mine), started)
        found = {
            other.id: Holder(other.name, other.status, other.addresses.get(network.name, ()))
            for other in others
            # The list has the network's ID only where the container has run since it is on it.
            if other.networks.get(network.name) in ("", network.id) and not is_leftover(other.name)
        }
        found.update(
            (one.id, Holder(one.name, one.status, one.endpoints[network.name].settings.addresses))
            for one in mine.values()
            if _has_endpoint(one, network)
        )
        found.update(
            (ident, Holder(member.name, "running", tuple(filter(None, (member.ipv4, member.ipv6)))))
            for ident, member in network.members.items()
        )
        # One of a name that the task uses, with another ID, is what a run at the same time makes of the same container.
        names = {one.name for one in mine.values()}
        staying = {
            ident: holder
            for ident, holder in found.items()
            if ident not in leaving and (ident in mine or holder.name not in names)
        }
        return cls(network, create, staying, frozenset(mine), started)

    def holders_of(self, address: str, wanted_by: str) -> list[str]:
        """Return the IDs of the other containers that have an address, or ask for it while they do not run.

        Those that do not run are left out where I(wanted_by), a container's ID, has it or asks for it already.
        """
        has_it = wanted_by in self.holders and address in self.holders[wanted_by].addresses
        return [
            key
            for key, one in self.holders.items()
            if key != wanted_by and address in one.addresses and (one.runs or not has_it)
        ]

    def problems(self, changes: Sequence[Attach | Reattach]) -> Iterator[str]:
        """Say why not everybody can have an address once I(changes) are made."""
        yield from self._conflicts(changes)
        if self.network is not None and self.network.ipam_driver != "default":
            return
        yield from self._stuck(changes, self.starts)
        after = self._after(changes)
        task = {key: one for key, one in after.items() if one.runs or key in self.named}
        # Whoever does not run and is not named is in nobody's way, unless one more comes.
        groups = [task, after] if any(action.container.id not in self.holders for action in changes) else [task]
        if len(groups) == 1 and all(one.runs for one in task.values()):
            return
        yield from self.shortages(*(group.values() for group in groups))

    def shortages(self, *groups: Collection[Holder]) -> Iterator[str]:
        """Say of which version of the protocol there are too few addresses, for the first group that lacks some."""
        for version, pools in self._pools():
            yield from [text for group in groups if (text := self._shortage(group, pools, version))][:1]

    def _pools(self) -> Iterator[tuple[int, list[Pool]]]:
        """Yield the subnets of each version of the protocol, where there are any."""
        pools = pools_of(self.network, self.create)
        for version in (4, 6):
            here = [pool for pool in pools if pool.subnet.version == version]
            if here:
                yield version, here

    def _shortage(self, holders: Collection[Holder], pools: Sequence[Pool], version: int) -> str:
        """Say that there are not enough addresses for all; empty where there are."""
        given = [_of(holder.addresses, version) for holder in holders]
        fixed = {address for addresses in given for address in addresses}
        wanting, room = sum(not addresses for addresses in given), sum(max(0, pool.room(fixed)) for pool in pools)
        network = self.network if self.network is not None else self.create
        if wanting <= room or network is None:
            return ""
        where = ", ".join(
            str(pool.subnet) if pool.dynamic == pool.subnet else f"{pool.subnet}, ip_range {pool.dynamic}"
            for pool in pools
        )
        stopped = sorted(holder.name for holder in holders if not holder.runs)
        without = f" ({', '.join(stopped)} among them, not running)" if stopped else ""
        return (
            f"network {network.name} ({where}) has {room} {'address' if room == 1 else 'addresses'} to give away, and"
            f" {wanting} more {'container needs' if wanting == 1 else 'containers need'} one{without};"
            " one that gets none cannot start. Detach some containers, or use a network with more addresses"
        )

    def _conflicts(self, changes: Sequence[Attach | Reattach]) -> Iterator[str]:
        """Say which addresses that are asked for belong to others, who keep them."""
        new = {action.container.id: action.settings.addresses for action in changes}
        for action in changes:
            for address in action.settings.addresses:
                for ident in self.holders_of(address, action.container.id):
                    one = self.holders[ident]
                    if address in new.get(ident, (address,)):
                        whose = f"held by {one.name}" if one.runs else f"that of {one.name}, which is {one.status}"
                        yield f"{action.container.name}: the address {address} is {whose}"

    def _after(self, changes: Sequence[Attach | Reattach]) -> dict[str, Holder]:
        """Return who is on the network after changes. A new endpoint has the address that it asks for, or any."""
        new = {
            one.id: Holder(one.name, "running" if one.live else one.status, action.settings.addresses)
            for action in changes
            for one in (action.container,)
        }
        return {**self.holders, **new}

    def _stuck(self, changes: Sequence[Attach | Reattach], whom: frozenset[str]) -> Iterator[str]:
        """Say which of some containers cannot start, since another one has the address that they ask for."""
        changed = {action.container.id for action in changes}
        for key, one in self.holders.items():
            if key not in whom - changed or one.runs:
                continue
            for address in one.addresses:
                for other in (self.holders[holder].name for holder in self.holders_of(address, key)):
                    yield (
                        f"{one.name} ({one.status}) cannot start: {other} has its address {address}; give one of them"
                        " another address, or detach it"
                    )

    def warnings(self, changes: Sequence[Attach | Reattach]) -> Iterator[str]:
        """Say which addresses of containers that do not run the engine may give to one that gets an endpoint now."""
        yield from self._stuck(changes, self.named - self.starts)
        after = self._after(changes)
        for version, pools in self._pools():
            open_ = [
                action.container.name
                for action in changes
                if (action.container.live or action.container.id in self.starts)
                and not _of(action.settings.addresses, version)
            ]
            at_risk = {
                f"{address} of {one.name}"
                for key, one in after.items()
                if not one.runs and key not in self.starts
                for address in _of(one.addresses, version)
                if any(address in pool.dynamic for pool in pools)
            }
            if open_ and at_risk:
                yield (
                    f"{', '.join(sorted(open_))} may get an address that a stopped container asks for"
                    f" ({', '.join(sorted(at_risk))}): the engine does not reserve it, and that container then cannot"
                    " start. Start it first, or give the network an ip_range without such addresses"
                )

    def units(self, changes: Sequence[Attach | Reattach]) -> list[tuple[EndpointAction, ...]]:
        """Put changes together that pass addresses on to one another."""
        group = {action.container.id: {action.container.id} for action in changes}
        for action in changes:
            for address in action.settings.addresses:
                for holder in self.holders_of(address, action.container.id):
                    joined = group[action.container.id] | group[holder]
                    group.update(dict.fromkeys(joined, joined))
        order = {action.container.id: action for action in changes}
        seen: set[str] = set()
        found: list[tuple[EndpointAction, ...]] = []
        for ident in order:
            if ident not in seen:
                seen |= group[ident]
                found.append(tuple(order[member] for member in order if member in group[ident]))
        return found


def _has_endpoint(container: ContainerState, network: Network) -> bool:
    """Whether the engine has an endpoint of a container on a network, or makes it when the container starts."""
    end = container.endpoints.get(network.name)
    if end is None or end.network_id not in ("", network.id):
        return False
    return bool(end.endpoint_id) or container.status not in ("running", "paused")


def _of(addresses: Iterable[str], version: int) -> list[IPAddress]:
    parsed = [ipaddress.ip_address(address) for address in addresses]
    return [address for address in parsed if address.version == version]
