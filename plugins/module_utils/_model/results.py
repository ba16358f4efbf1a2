# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""How results spell a network and an endpoint."""

from __future__ import annotations

import typing as t

from .default_route import default_route

if t.TYPE_CHECKING:
    from collections.abc import Collection

    from .endpoint import Json
    from .state import ContainerState, Endpoint, Network


def network_result(network: Network) -> dict[str, Json]:
    return {
        "id": network.id,
        "name": network.name,
        "driver": network.driver,
        "internal": network.internal,
        "subnets": [subnet.subnet for subnet in network.subnets],
    }


def endpoint_result(container: ContainerState, endpoint: Endpoint, internal: Collection[str]) -> dict[str, Json]:
    settings = endpoint.settings
    return {
        "container": container.name,
        "container_id": container.id,
        "status": container.status,
        "id": endpoint.endpoint_id,
        "ipv4_address": endpoint.ipv4,
        "ipv6_address": endpoint.ipv6,
        "mac_address": endpoint.mac,
        "aliases": sorted(settings.aliases or ()),
        "links": [str(link) for link in settings.links or ()],
        "driver_opts": dict(settings.driver_opts or {}),
        "gw_priority": settings.gw_priority or 0,
        "default_route": container.live and default_route(container.endpoints.values(), internal) == endpoint.network,
    }
