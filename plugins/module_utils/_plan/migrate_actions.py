# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The steps off a legacy link, as data. How they are carried out is known to _migrate/apply."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .container_actions import ContainerAction
from .plan import Action

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from .._model.endpoint import EndpointSettings
    from .plan import Attach, Reattach


@dataclass(frozen=True)
class SourceAction(ContainerAction):
    """A step of one source.

    Attributes:
        targets: alias to ID of the target of its links.
        network: the network's name.
        images: images with a shell, for a helper that shares the source's hosts file or holds an address.
        attached: the endpoints that were made before, for all of the group.
    """

    targets: Mapping[str, str]
    network: str
    images: tuple[str, ...] = ()
    attached: tuple[Attach | Reattach, ...] = field(default=(), repr=False)

    @property
    def subject(self) -> str:
        return f"{', '.join(self.targets)} of {self.container.name}"


@dataclass(frozen=True)
class RedirectNames(SourceAction):
    """Let the lines that links made in a source's hosts file lead to the targets' addresses on the network."""

    name = "redirect_names"


@dataclass(frozen=True)
class RemoveLinks(SourceAction):
    """Remove all legacy links of a source, whose names lead to the network already."""

    name = "remove_links"
    sign = "-"


@dataclass(frozen=True)
class LeaveBridge(ContainerAction):
    """Take a container off the default bridge.

    Attributes:
        images, attached: as in SourceAction; nothing is attached where no link of it is left.
    """

    name = "leave_bridge"
    sign = "-"
    instead = "To keep the open connections over the bridge, set leave_bridge: false."

    images: tuple[str, ...] = ()
    attached: tuple[Attach | Reattach, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Exchanged:
    """A source in an exchange: its endpoint on the network, and alias to ID of the target of its links."""

    attach: Attach | Reattach
    targets: Mapping[str, str]


@dataclass(frozen=True)
class ExchangeLinks(Action):
    """Remove the links of sources and attach these to the network at once: in between, the names do not resolve.

    Attributes:
        sources: several only where they are linked in a circle.
        images: as in SourceAction.
        attached: the endpoints that were made before, for the targets.
    """

    name = "exchange_links"

    sources: tuple[Exchanged, ...]
    images: tuple[str, ...] = ()
    attached: tuple[Attach | Reattach, ...] = field(default=(), repr=False)

    @property
    def subject(self) -> str:
        return "; ".join(f"{', '.join(one.targets)} of {one.attach.container.name}" for one in self.sources)


@dataclass(frozen=True)
class TidyNames(ContainerAction):
    """Take lines out of a hosts file that an earlier run left there."""

    name = "tidy_names"

    images: tuple[str, ...] = ()


@dataclass(frozen=True)
class BakeEnvironment(ContainerAction):
    """Replace a source by one without links, on the network, whose configuration has the links' environment.

    Attributes:
        variables: C(NAME=VALUE), with the secrets of the targets.
        settings: those of its endpoint on the network.
        handled: IDs of containers that had links to it.
    """

    name = "recreate_container"
    instead = "To go on without the variables from the next restart on, set environment: report."

    network: str
    settings: EndpointSettings
    variables: tuple[str, ...] = field(default=(), repr=False)
    leave_bridge: bool = False
    handled: frozenset[str] = frozenset()
