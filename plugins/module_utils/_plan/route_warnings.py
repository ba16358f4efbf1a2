# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Warn of default routes that would move, and the published ports with them. Pure."""

from __future__ import annotations

import typing as t

from .._model.default_route import default_route, first_network
from .plan import Attach, Detach, EndpointAction, Reattach

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from .._engine.info import EngineInfo
    from .._model.state import ContainerState


def route_after(container: ContainerState, action: EndpointAction, internal: Collection[str]) -> str:
    """Return the network that carries the default route once I(action) is done."""
    kept = [end for name, end in container.endpoints.items() if name != action.network and end.gateway]
    candidates = [(end.network, end.settings.gw_priority) for end in kept]
    if isinstance(action, (Attach, Reattach)):
        candidates.append((action.network, action.settings.gw_priority))
    return first_network(candidates, internal)


def route_warnings(actions: Iterable[EndpointAction], internal: Collection[str], info: EngineInfo) -> tuple[str, ...]:
    """Return a warning for running containers whose default route, and so their published ports, would move."""
    moves: dict[tuple[str, str], list[ContainerState]] = {}
    for action in actions:
        container = action.container
        before = default_route(container.endpoints.values(), internal)
        after = route_after(container, action, internal)
        if container.live and not isinstance(action, Detach) and before not in ("", after):
            moves.setdefault((before, after), []).append(container)
    return tuple(_warning(old, new, containers, info) for (old, new), containers in moves.items())


def published_ports(container: ContainerState) -> list[str]:
    """Return the container's ports that are published on the host, such as C(80/tcp)."""
    bindings = (container.raw.get("HostConfig") or {}).get("PortBindings") or {}
    ports = (container.raw.get("NetworkSettings") or {}).get("Ports") or {}
    return sorted({port for port, given in (*bindings.items(), *ports.items()) if given})


def what_moves(containers: Sequence[ContainerState]) -> str:
    """Return a clause without its end, such as C(the default route of one, two moves)."""
    names = ", ".join(container.name for container in containers)
    if any(published_ports(container) for container in containers):
        return f"the default route and the published ports of {names} move"
    return f"the default route of {names} moves"


def _warning(old: str, new: str, containers: Sequence[ContainerState], info: EngineInfo) -> str:
    if info.speaks("1.48"):
        keep = f"To keep it on {old}, give the endpoint on {new} a gw_priority below the one on {old}, such as -1."
    else:
        keep = (
            f"To keep it on {old}, use a network whose name sorts after {old!r}, or an internal one;"
            " from API 1.48 (Engine 28) on, gw_priority decides it."
        )
    return f"{what_moves(containers)} from {old} to {new}. {keep}"
