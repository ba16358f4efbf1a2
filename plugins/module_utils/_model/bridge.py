# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The default bridge, the only network that knows legacy links and knows no names."""

from __future__ import annotations

import typing as t

from .._errors import did_you_mean

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from .state import ContainerState

DEFAULT_BRIDGE = "bridge"
# Networks that every engine has of its own, on which nobody is found by a name: no network links there.
NAMELESS = (DEFAULT_BRIDGE, "host", "none")


def network_meant(name: str, known: Iterable[str]) -> str:
    """Return C( (did you mean X?)) for networks that people made and whose names look like I(name)."""
    return did_you_mean(name, set(known) - set(NAMELESS))


def on_default_bridge(container: ContainerState) -> bool:
    """Whether a container has an endpoint on the default bridge."""
    return DEFAULT_BRIDGE in container.endpoints
