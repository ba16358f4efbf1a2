# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Let a container that leaves the default bridge for a moment come back with the address that it had.

Connections that are open over the bridge go on then. An address there cannot be asked for; the engine gives the lowest
free one. So the lower ones that are free are taken by helpers in the meantime.
"""

from __future__ import annotations

import ipaddress
import secrets
import typing as t
from contextlib import contextmanager

from .._engine.exec import HELPER_LABEL, own_helpers, remove_helper
from .._errors import LinklabError, engine_message
from .._model.bridge import DEFAULT_BRIDGE
from .._model.find import find_container
from .._model.state import read_network

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .._engine.client import Engine
    from .._model.state import ContainerState, Network

# More helpers than this take too long.
MOST_HELPERS = 16
# They end, and go away, by themselves.
_HOLD = ("sh", "-c", "exec sleep 60")


def lower_free(network: Network, address: str) -> list[str]:
    """Return the addresses below I(address) that nobody has on a network. Pure."""
    taken = {member.ipv4 for member in network.members.values()} | {subnet.gateway for subnet in network.subnets}
    taken |= {one.partition("/")[0] for subnet in network.subnets for one in subnet.aux.values()}
    for subnet in network.subnets:
        pool = ipaddress.ip_network(subnet.ip_range or subnet.subnet, strict=False)
        own = ipaddress.ip_network(subnet.subnet, strict=False).network_address
        wanted = ipaddress.ip_address(address)
        if pool.version == wanted.version and wanted in pool:
            numbers = range(int(pool.network_address), int(wanted))
            return [text for number in numbers if (text := str(ipaddress.ip_address(number))) not in {*taken, str(own)}]
    return []


@contextmanager
def same_address(engine: Engine, container: ContainerState, images: Iterable[str]) -> Iterator[list[str]]:
    """Hold the lower free addresses of the bridge for as long as a container leaves it and comes back.

    What is yielded has, at the end, what the user should know.

    Args:
        images: images with a shell and C(sleep), to be tried in turn. Where none does, nothing is held.
    """
    endpoint = container.endpoints.get(DEFAULT_BRIDGE)
    helpers: list[str] = []
    notes: list[str] = []
    try:
        if endpoint is not None and endpoint.ipv4:
            free = lower_free(read_network(engine.network(DEFAULT_BRIDGE)), endpoint.ipv4)
            count = len(free) if len(free) <= MOST_HELPERS else 0
            for image in images:
                count -= _hold(engine, container.id, image, count, helpers)
        yield notes
    finally:
        for helper in helpers:
            try:
                remove_helper(engine, helper)
            except LinklabError as exc:
                notes.append(
                    f"the helper container {helper} could not be removed: {engine_message(exc)}. If it is still there"
                    f" after a minute, remove it with docker rm --force {helper}"
                )


def _hold(engine: Engine, owner: str, image: str, count: int, helpers: list[str]) -> int:
    """Start helpers on the bridge; return how many run. I(helpers) gets the names of all that may be there."""
    body = {
        "Image": image,
        "Entrypoint": list(_HOLD),
        "Cmd": [],
        "User": "0",
        "Healthcheck": {"Test": ["NONE"]},
        "Labels": {HELPER_LABEL: owner},
        "HostConfig": {"AutoRemove": True, "LogConfig": {"Type": "none"}, "CapDrop": ["ALL"], "Init": True},
    }
    for number in range(count):
        helpers.append(f"linklab-helper-{secrets.token_hex(6)}")
        try:
            engine.create_container(helpers[-1], body)
            engine.start(helpers[-1])
        except LinklabError:
            # The image has no shell after all, or the engine cannot do it: an address that changes is reported.
            return number
    return count


def release_addresses(engine: Engine, owner: str) -> None:
    """Remove what holds addresses for a container whose run is known to be dead. owner: the container's ID."""
    listed = engine.containers(label=[f"{HELPER_LABEL}={owner}"])
    for raw in own_helpers(engine, [one["Id"] for one in listed]):
        # Not those of a check, whose run can be alive.
        if tuple(raw["Config"]["Entrypoint"]) == _HOLD:
            remove_helper(engine, raw["Id"])


def address_notes(engine: Engine, before: ContainerState) -> list[str]:
    """Say if a container came back to the bridge with another address than it had I(before)."""
    now = find_container(engine, before.id)
    old, new = (one.endpoints.get(DEFAULT_BRIDGE) if one is not None else None for one in (before, now))
    if old is None or new is None or old.ipv4 in ("", new.ipv4):
        return []
    note = f"{before.name} has the address {new.ipv4} on the bridge now, and not {old.ipv4}"
    return [f"{note}: connections that were open over the bridge have ended"]
