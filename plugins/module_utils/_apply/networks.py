# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Replace a network under its members: nobody is restarted, and what fails half-way is put back.

Everybody on the network is noted first, so that the next run can complete what a killed one began.
"""

from __future__ import annotations

import time
import typing as t
from contextlib import suppress

from .._errors import ApplyError, LinklabError, NotFound, engine_message, tolerate_if
from .._model.endpoint import EndpointSettings
from .._model.find import all_summaries, find_container, find_network
from .._model.labels import owner
from .._plan.network_actions import RemoveTemporaryNetwork, ReplaceNetwork
from .._plan.plan import Reattach
from .._recovery.endpoint_notes import discard, leave_members
from .._recovery.temporary_network import temporary_labels
from .stages import create_network

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .._engine.client import Engine
    from .._plan.plan import Detach
    from .stages import Executors

Json = t.Any

# A client that has resolved a name to the address on the old network gets this long to connect to it, in seconds.
GRACE_SECONDS = 1.0
# What the other options of a bridge do not open, a temporary one must not open either.
_WALLS = ("com.docker.network.bridge.enable_icc", "com.docker.network.bridge.enable_ip_masquerade")


def replace_network(engine: Engine, action: ReplaceNetwork) -> Iterator[str]:
    """Carry a ReplaceNetwork out; yield how long names did not resolve, where that may be.

    Raises:
        ApplyError: the old network is back with everybody on it, or the message says that the next run completes it.
    """
    returning = [one for one in action.members if isinstance(one, Reattach)]
    note, begun = "", {}
    before: Mapping[str, Json] = {}
    try:
        note = leave_members(engine, returning)
        before = _body(engine.network(action.old.id))
        if action.temporary:
            _join_temporary(engine, action, returning)
        for one in action.members:
            begun[one.container.id] = time.monotonic()
            _leave(engine, action.old.id, one.container.id)
        _remove(engine, action.old.id)
        create_network(engine, action)
    except LinklabError as exc:
        raise _put_back(engine, action, before, note, exc) from exc
    try:
        gaps = dict(_join(engine, action.subject, returning, begun))
        if action.temporary:
            _remove_temporary(engine, action.temporary)
        discard(engine, note)
    except LinklabError as exc:
        raise ApplyError(
            f"could not {action.describe()}: {engine_message(exc)}. The network is replaced; the same task run again"
            " completes what is missing",
            may_have_changed=True,
        ) from exc
    if gaps and not action.temporary:
        told = ", ".join(f"{name} for {1000 * seconds:.0f} ms" for name, seconds in sorted(gaps.items()))
        yield f"while network {action.subject} was replaced, these could not be reached by name on it: {told}"


def _join(
    engine: Engine, network: str, members: Sequence[Reattach], begun: Mapping[str, float]
) -> Iterator[tuple[str, float]]:
    """Attach everybody; yield the name of each that runs, and for how many seconds it was away."""
    # Those with an address of their own come first, before the engine gives that address to another.
    for one in sorted(members, key=lambda one: not one.settings.addresses):
        _connect(engine, network, one.container.id, one.settings)
        if one.container.live:
            yield one.container.name, time.monotonic() - begun[one.container.id]


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


def _remove(engine: Engine, network: str) -> None:
    with suppress(NotFound):
        tolerate_if(lambda: engine.remove_network(network), lambda: find_network(engine, network) is None)


# -- the temporary network --------------------------------------------------------------------------------------------


def _join_temporary(engine: Engine, action: ReplaceNetwork, members: Sequence[Reattach]) -> None:
    if find_network(engine, action.temporary) is None:
        engine.create_network(_temporary_body(action))
    for one in members:
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
    _remove(engine, name)


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
        for one in action.members:
            _connect(engine, action.subject, one.container.id, _old_settings(one))
        if action.temporary:
            _remove_temporary(engine, action.temporary)
        discard(engine, note)
    except LinklabError as second:
        return ApplyError(
            f"{text}. Putting it back failed as well ({engine_message(second)}); the same task run again completes it",
            may_have_changed=True,
        )
    return ApplyError(f"{text}. The network is as it was, and everybody is on it", may_have_changed=gone)


def _old_settings(one: Reattach | Detach) -> EndpointSettings:
    return one.old.settings if isinstance(one, Reattach) else one.container.endpoints[one.network].settings


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
