# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The replacement of a topology's container, as data, and how it is carried out."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.linklab.docker.plugins.module_utils._apply_containers import wait_for_others
from ansible_collections.linklab.docker.plugins.module_utils._container_actions import ContainerAction
from ansible_collections.linklab.docker.plugins.module_utils._errors import ApplyError
from ansible_collections.linklab.docker.plugins.module_utils._replace import replace
from ansible_collections.linklab.docker.plugins.module_utils._replace_config import Wiring
from ansible_collections.linklab.docker.plugins.module_utils._state import find_container

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ansible_collections.linklab.docker.plugins.module_utils._client import Engine
    from ansible_collections.linklab.docker.plugins.module_utils._container_actions import After, NewEndpoint

Json = t.Any


@dataclass(frozen=True)
class ReplaceContainer(ContainerAction):
    """Replace a container by one with another configuration, which then runs.

    Attributes:
        change: the predecessor's configuration to the successor's.
        handled: IDs of containers that depend on this one and are put right by other actions.
        mode: the successor's network mode; None for that of the container.
        endpoints: those of a successor with another network mode; else it gets those that the container has by then.
    """

    name = "recreate_container"

    change: Callable[[Mapping[str, Json]], Mapping[str, Json]] = field(repr=False)
    handled: frozenset[str] = frozenset()
    keep_files: bool = True
    mode: str | None = None
    endpoints: tuple[NewEndpoint, ...] = ()
    after: tuple[After, ...] = ()


def replace_container(engine: Engine, action: ReplaceContainer) -> Iterable[str]:
    """Carry a ReplaceContainer out; return what the user should know."""
    wait_for_others(engine, action.after)
    # Earlier actions of the same plan may have changed its endpoints and links.
    container = find_container(engine, action.container.id)
    if container is None:
        raise ApplyError(f"the container {action.container.name} was removed meanwhile")
    wires = None if action.mode is None else _wires(action.mode, action.endpoints)
    done = replace(
        engine,
        container,
        action.change,
        handled=action.handled,
        keep_files=action.keep_files,
        start=True,
        wires=wires,
    )
    return done.notes


def _wires(mode: str, endpoints: tuple[NewEndpoint, ...]) -> Wiring:
    """Return how a container of a network mode gets its endpoints."""
    first = [endpoint for endpoint in endpoints if endpoint.network == mode]
    rest = [endpoint for endpoint in endpoints if endpoint.network != mode]
    return Wiring(
        networking={"EndpointsConfig": {mode: first[0].settings.to_api()}} if first else {},
        leave="",
        join=tuple((endpoint.network_ref, endpoint.settings.to_api()) for endpoint in rest),
    )
