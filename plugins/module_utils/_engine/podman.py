# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Podman behind its compatible socket: how to know it, and what it says otherwise than Docker. Pure."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Json = t.Any


def is_podman(version: Mapping[str, Json]) -> bool:
    """Whether an answer to C(/version) is Podman's."""
    return any(part.get("Name") == "Podman Engine" for part in version.get("Components") or ())


def with_endpoint_ids(ends: Iterable[dict[str, Json]]) -> None:
    """Give endpoints the ID that Podman leaves empty; a container and its network say the same of one endpoint."""
    for end in ends:
        end["EndpointID"] = end.get("EndpointID") or end.get("MacAddress") or ""


def with_own_name(networks: Iterable[dict[str, Json]]) -> None:
    """Call the default network as containers have it: only the list of all has Docker's name for it."""
    for network in networks:
        if network["Name"] == "bridge":
            network["Name"] = "podman"
