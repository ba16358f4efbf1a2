# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Which network carries a container's default route: the engine's own rule, applied before it acts."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from .state import Endpoint


def default_route(endpoints: Iterable[Endpoint], internal: Collection[str]) -> str:
    """Return the name of the network that carries the default route, or an empty string.

    Internal networks come last; then the highest gw_priority wins, then the name that sorts first (libnetwork,
    C(Endpoint.Less)).

    Args:
        internal: the names of the networks that are internal.
    """
    return first_network([(end.network, end.settings.gw_priority) for end in endpoints if end.gateway], internal)


def first_network(candidates: Iterable[tuple[str, int | None]], internal: Collection[str]) -> str:
    order = sorted((name in internal, -(priority or 0), name) for name, priority in candidates)
    return order[0][2] if order else ""
