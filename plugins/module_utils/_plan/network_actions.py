# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Changes of networks that have members: a network is replaced under them. No I/O of any kind."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .container_actions import RemoveNetwork
from .plan import Action, CreateNetwork, Detach, Reattach

if t.TYPE_CHECKING:
    from .._model.state import Network


@dataclass(frozen=True)
class ReplaceNetwork(CreateNetwork):
    """Put a network in the place of one of its name, and attach everybody on that one to it.

    Attributes:
        old: the network that is there.
        members: what becomes of everybody on it.
        keeps_addresses: whether the subnets stay, and with them the addresses of all who run.
        temporary: the name of a network that keeps its members reachable meanwhile; empty to do without.
    """

    name = "replace_network"
    sign = "~"

    old: Network
    members: tuple[Reattach | Detach, ...] = ()
    temporary: str = ""
    keeps_addresses: bool = False

    @property
    def parts(self) -> tuple[Action, ...]:
        return self.members


@dataclass(frozen=True)
class RemoveTemporaryNetwork(RemoveNetwork):
    """Take everybody off a network that kept members of another one reachable, and remove it."""
