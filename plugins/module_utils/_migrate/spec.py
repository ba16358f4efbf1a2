# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Which containers to move off their legacy links, and how: parsed and validated without an engine."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._compose.attachment import refuse_repeats
from .._compose.network import NETWORK_OPTIONS, NetworkSpec, parse_network
from .._errors import SpecError

if t.TYPE_CHECKING:
    from collections.abc import Mapping

Json = t.Any

MIGRATE_OPTIONS: dict[str, Json] = {
    "containers": {"type": "list", "elements": "str"},
    "network": {"type": "str"},
    "create": {"type": "dict", "options": NETWORK_OPTIONS},
    "name_gap": {"type": "str", "choices": ["forbidden", "allowed"], "default": "forbidden"},
    "leave_bridge": {"type": "bool", "default": False},
    "environment": {"type": "str", "choices": ["report", "bake"], "default": "report"},
}


@dataclass(frozen=True)
class MigrateSpec:
    """What link_migrate is asked for.

    Attributes:
        containers: the sources, by name or ID; None for every container with a legacy link.
        network: a name or an ID; None for one network per group of linked containers.
        create: how to make a network that is missing; its name is to be filled in. None: it is not to be made.
        gap_allowed: whether a name may fail to resolve for a moment, so that nothing is needed inside the source.
        leave_bridge: whether the containers must leave the default bridge.
        bake: whether the link's environment becomes part of the source's configuration, which recreates it.
    """

    containers: tuple[str, ...] | None = None
    network: str | None = None
    create: NetworkSpec | None = None
    gap_allowed: bool = False
    leave_bridge: bool = False
    bake: bool = False


def parse_migrate(params: Mapping[str, Json]) -> MigrateSpec:
    """Read the parameters of link_migrate; raise SpecError."""
    network, create = params["network"], params["create"]
    if network is not None:
        network = network.strip()
        if not network:
            raise SpecError("network: a name or an ID is needed, not an empty text")
        if network in ("bridge", "host", "none"):
            raise SpecError(
                f"network: names do not resolve on {network!r}; name a network of your own, or none to have one made"
                " for each group of linked containers"
            )
    elif create is None:
        create = {}
    return MigrateSpec(
        containers=None if params["containers"] is None else _parse_containers(params["containers"]),
        network=network,
        create=None if create is None else parse_network(network or "the new one", create, ("create",)),
        gap_allowed=params["name_gap"] == "allowed",
        leave_bridge=params["leave_bridge"],
        bake=params["environment"] == "bake",
    )


def _parse_containers(given: list[str]) -> tuple[str, ...]:
    names = tuple(ref.strip().lstrip("/") for ref in given)
    if not all(names):
        raise SpecError("containers: a name or an ID is needed, not an empty text")
    refuse_repeats("container", names)
    return names
