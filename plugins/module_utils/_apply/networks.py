# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Replace a network under its members: nobody is restarted, and what fails half-way is put back.

Everybody on the network is noted first, so that the next run can complete what a killed one began.
"""

from __future__ import annotations

import ipaddress
import time
import typing as t
from dataclasses import replace

from .._errors import ApplyError, LinklabError, engine_message, tolerate_if
from .._model.endpoint import EndpointSettings
from .._model.find import all_summaries, find_container, find_network
from .._model.labels import owner
from .._plan.network_actions import RemoveTemporaryNetwork, ReplaceNetwork
from .._plan.plan import Reattach
from .._recovery.endpoint_notes import discard, leave_members
from .._recovery.temporary_network import temporary_labels
from .containers import remove_network
from .stages import create_network

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .._engine.client import Engine
    from .._plan.plan import Detach
    from .stages import Executors

Json = t.Any

# How long a client that looked a name up before it had both networks has to connect, in seconds. TCP tries again after
# one; by then it may take the way over the other network.
GRACE_SECONDS = 2.5
# How often a container is attached again for the engine to come to its address: it gives them away one after another.
_MOST_TRIES = 8
# What the other options of a bridge do not open, a temporary one must not open either.
_WALLS = ("com.docker.network.bridge.enable_icc", "com.docker.network.bridge.enable_ip_masquerade")


def replace_network(engine: Engine, action: ReplaceNetwork) -> Iterator[str]:
    """Carry a ReplaceNetwork out; yield what one should know afterwards.

    Raises:
        ApplyError: the old network is back with everybody on it, or the message says that the next run completes it.
    """
    returning = [one for one in action.members if isinstance(one, Reattach)]
    note = ""
    left: dict[str, float] = {}
    back: dict[str, float] = {}
    before: Mapping[str, Json] = {}
    try:
        note = leave_members(engine, returning)
        before = _body(engine.network(action.old.id))
        if action.temporary:
            _join_temporary(engine, action, returning)
        for one in action.members:
            left[one.container.name] = time.monotonic()
            _leave(engine, action.old.id, one.container.id)
        remove_network(engine, action.old.id)
        create_network(engine, action)
    except LinklabError as exc:
        raise _put_back(engine, action, before, note, exc) from exc
    try:
        asking = _join(engine, action.subject, returning, back, keep=action.keeps_addresses)
        if action.temporary:
            # Clients first: the engine forgets at once that a client has a network, but keeps a server's name a while.
            for one in reversed(returning):
                if one.container.live:
                    _leave(engine, action.temporary, one.container.id)
            _remove_temporary(engine, action.temporary)
        discard(engine, note)
    except LinklabError as exc:
        raise ApplyError(
            f"could not {action.describe()}: {engine_message(exc)}. The network is replaced; the same task run again"
            " completes what is missing",
            may_have_changed=True,
        ) from exc
    if asking:
        names = ", ".join(asking)
        yield f"to keep their addresses on network {action.subject}, these ask for them from now on: {names}"
    if back and not action.temporary:
        gaps = ", ".join(f"{name} for {1000 * (back[name] - left[name]):.0f} ms" for name in sorted(back))
        yield f"while network {action.subject} was replaced, these could not be reached by name on it: {gaps}"


def _join(
    engine: Engine, network: str, members: Sequence[Reattach], back: dict[str, float], *, keep: bool
) -> list[str]:
    """Attach everybody; return who has to ask for the address that the old network had chosen.

    Args:
        back: gets the time at which each container that runs was attached, by its name.
        keep: whether to keep the addresses.
    """
    asking = []
    # Those with an address of their own come first, before the engine gives that address to another.
    for one in sorted(members, key=_order):
        _connect(engine, network, one.container.id, one.settings)
        if keep and one.container.live and not one.settings.addresses and not _has_again(engine, network, one):
            asking.append(one.container.name)
        if one.container.live:
            back[one.container.name] = time.monotonic()
    return asking


def _order(one: Reattach) -> tuple[bool, int]:
    return not one.settings.addresses, _number(one.old.ipv4)


def _number(address: str) -> int:
    return int(ipaddress.ip_address(address)) if address else 0


def _has_again(engine: Engine, network: str, one: Reattach) -> bool:
    """Let a container have the address that it had, if possible without asking for it from now on."""
    wanted, container = one.old, one.container.id
    for _attempt in range(_MOST_TRIES):
        there = find_container(engine, container)
        end = there.endpoints.get(network) if there is not None else None
        if end is None or (end.ipv4, end.ipv6) == (wanted.ipv4, wanted.ipv6):
            return True
        if _number(end.ipv4) >= _number(wanted.ipv4):
            break
        _leave(engine, network, container)
        _connect(engine, network, container, one.settings)
    _leave(engine, network, container)
    fixed = replace(one.settings, ipv4_address=wanted.ipv4 or None, ipv6_address=wanted.ipv6 or None)
    _connect(engine, network, container, fixed)
    return False


def _connect(engine: Engine, network: str, container: str, settings: EndpointSettings) -> None:
    """Attach a container. One that is attached already, or is gone, will do."""
    tolerate_if(
        lambda: engine.connect(network, container, settings.to_api()),
        lambda: _is_gone(engine, container) or _is_on(engine, network, container),
    )


def _leave(engine: Engine, network: str, container: str) -> None:
    """Detach a container. One that is not attached, or is gone, will do."""
    tolerate_if(
        lambda: engine.disconnect(network, container),
        lambda: _is_gone(engine, container) or not _is_on(engine, network, container),
    )


def _is_gone(engine: Engine, container: str) -> bool:
    return find_container(engine, container) is None


def _is_on(engine: Engine, network: str, container: str) -> bool:
    """Whether a container lists an endpoint on a network; by the network's name, since a stopped one may have no ID."""
    found, there = find_network(engine, network), find_container(engine, container)
    return found is not None and there is not None and found.name in there.endpoints


# -- the temporary network --------------------------------------------------------------------------------------------


def _join_temporary(engine: Engine, action: ReplaceNetwork, members: Sequence[Reattach]) -> None:
    if find_network(engine, action.temporary) is None:
        engine.create_network(_temporary_body(action))
    # Once a server is there, a client would look its name up there before it has the network itself: it comes first.
    for one in reversed(members):
        if one.container.live:
            settings = one.old.settings
            names = EndpointSettings(settings.aliases, settings.links, gw_priority=settings.gw_priority)
            _connect(engine, action.temporary, one.container.id, names)
    time.sleep(GRACE_SECONDS)


def _temporary_body(action: ReplaceNetwork) -> dict[str, Json]:
    old = action.old
    return {
        "Name": action.temporary,
        "Driver": "bridge",
        # Of other drivers it is not known what they keep out.
        "Internal": old.internal or old.driver != "bridge",
        "Options": {key: old.options[key] for key in _WALLS if key in old.options},
        "Labels": temporary_labels(owner(action.network.labels) or "", old.name),
    }


def _remove_temporary(engine: Engine, name: str) -> None:
    """Take everybody off a temporary network, also those that were stopped since, and remove it."""
    for one in all_summaries(engine):
        if name in one.networks:
            _leave(engine, name, one.id)
    remove_network(engine, name)


# -- putting it back --------------------------------------------------------------------------------------------------


def _put_back(
    engine: Engine, action: ReplaceNetwork, before: Mapping[str, Json], note: str, exc: LinklabError
) -> ApplyError:
    """Make everything as it was after a failure; return the error to raise."""
    text = f"could not {action.describe()}: {engine_message(exc)}"
    try:
        gone = find_network(engine, action.subject) is None
        if gone:
            engine.create_network(before)
        _join(engine, action.subject, [_as_before(one) for one in action.members], {}, keep=True)
        if action.temporary:
            _remove_temporary(engine, action.temporary)
        discard(engine, note)
    except LinklabError as second:
        return ApplyError(
            f"{text}. Putting it back failed as well ({engine_message(second)}); the same task run again completes it",
            may_have_changed=True,
        )
    return ApplyError(f"{text}. The network is as it was, and everybody is on it", may_have_changed=gone)


def _as_before(one: Reattach | Detach) -> Reattach:
    """Return how somebody is attached as before."""
    old = one.old if isinstance(one, Reattach) else one.container.endpoints[one.network]
    return Reattach(one.reason, one.disruption, one.container, one.network, one.network_ref, old.settings, old)


def _body(raw: Mapping[str, Json]) -> dict[str, Json]:
    """Return what C(POST /networks/create) needs to make a network again as it is."""
    kept = ("Name", "Driver", "Internal", "Attachable", "EnableIPv4", "EnableIPv6", "IPAM", "Options", "Labels")
    return {key: raw[key] for key in kept if key in raw}


def remove_temporary_network(engine: Engine, action: RemoveTemporaryNetwork) -> None:
    """Carry a RemoveTemporaryNetwork out."""
    _remove_temporary(engine, action.network.name)


NETWORK_EXCHANGE_EXECUTORS: Executors = {
    ReplaceNetwork: replace_network,
    RemoveTemporaryNetwork: remove_temporary_network,
}
