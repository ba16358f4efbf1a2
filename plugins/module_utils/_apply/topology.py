# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""How the changes of a topology are carried out."""

from __future__ import annotations

import dataclasses
import typing as t

from .._plan.container_actions import ReplaceContainer
from .containers import CONTAINER_EXECUTORS, at_creation, wait_for_others
from .links import LINK_EXECUTORS
from .networks import NETWORK_EXCHANGE_EXECUTORS
from .replacement import replace_with_successor
from .replacement_checks import Inspected
from .replacement_config import Wiring
from .stages import NETWORK_EXECUTORS
from .unlink import as_it_is_now

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from .._engine.client import Engine
    from .._engine.info import EngineInfo
    from .._model.state import ContainerState
    from .._plan.plan import NewEndpoint
    from .stages import Executors

Json = t.Any


def replace_container(engine: Engine, action: ReplaceContainer, inspected: Inspected) -> Iterable[str]:
    """Carry a ReplaceContainer out; return what the user should know."""
    wait_for_others(engine, action.after)
    container = as_it_is_now(engine, action.container)
    wires = None if action.mode is None else _wires(action.mode, action.endpoints, engine.info)
    done = replace_with_successor(
        engine,
        _with_macs(container, action.macs),
        _change(action, engine.info),
        handled=action.handled,
        keep_files=action.keep_files,
        start=True,
        wires=wires,
        inspected=inspected,
    )
    return done.notes


def _with_macs(container: ContainerState, macs: Mapping[str, str]) -> ContainerState:
    """Return a container as if the MAC addresses had been asked for when it was created; engines tell only one."""
    ends = container.endpoints
    return dataclasses.replace(
        container,
        endpoints={
            name: dataclasses.replace(end, requested_mac=macs.get(name, end.requested_mac))
            for name, end in ends.items()
        },
    )


def _change(action: ReplaceContainer, info: EngineInfo) -> Callable[[Mapping[str, Json]], Mapping[str, Json]]:
    if not action.macs or not info.speaks("1.44"):
        return action.change

    def change(body: Mapping[str, Json]) -> Mapping[str, Json]:
        # The endpoints have them, and the engine takes no other one for the whole container.
        return {key: value for key, value in action.change(body).items() if key != "MacAddress"}

    return change


def _wires(mode: str, endpoints: tuple[NewEndpoint, ...], info: EngineInfo) -> Wiring:
    """Return how a container of a network mode gets its endpoints."""
    at_once = at_creation(endpoints, mode, info)
    rest = [one for one in endpoints if one not in at_once]
    return Wiring(
        networking={"EndpointsConfig": {one.network: one.settings.to_api() for one in at_once}} if at_once else {},
        leave="",
        join=tuple((endpoint.network_ref, endpoint.settings.to_api()) for endpoint in rest),
    )


def topology_executors() -> Executors:
    """Return how the actions of one plan are carried out."""
    inspected = Inspected()
    return {
        **NETWORK_EXECUTORS,
        **NETWORK_EXCHANGE_EXECUTORS,
        **CONTAINER_EXECUTORS,
        **LINK_EXECUTORS,
        ReplaceContainer: lambda engine, action: replace_container(engine, action, inspected),
    }
