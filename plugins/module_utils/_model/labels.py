# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Whose a thing is: the label of its topology, as far as it was given to the thing itself."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from .._engine.marks import without_inherited

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from .state import ContainerState

TOPOLOGY_LABEL = "linklab.docker.topology"


def owner(labels: Mapping[str, str] | None) -> str | None:
    """Return the name of the topology that made something, by its labels."""
    return (labels or {}).get(TOPOLOGY_LABEL)


def judged(container: ContainerState, images: Mapping[str, str]) -> ContainerState:
    """Return a container without the ownership that only its image claims. images: see M(image_values)."""
    return replace(container, raw=without_inherited(container.raw, TOPOLOGY_LABEL, images))


def container_owner(container: ContainerState) -> str | None:
    """Return the topology of a container that was M(judged)."""
    return owner((container.raw.get("Config") or {}).get("Labels"))
