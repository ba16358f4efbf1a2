# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Which links a container must have: parsed and validated without an engine."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._compose.attachment import parse_settings
from .._compose.container import ContainerSpec
from .._errors import SpecError

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from .._model.endpoint import Link

Json = t.Any


@dataclass(frozen=True)
class LinkSpec:
    """What container_link is asked for.

    Attributes:
        container: the source, by name or ID.
        links: what the task names; their targets are names or IDs.
        network: a name or an ID. On the default bridge a link is a legacy link, elsewhere a network link.
        create: how to create the source if it is missing.
        present: whether the source must have I(links), or must not.
        purge: whether every other link of the source on this network is removed.
    """

    container: str
    links: tuple[Link, ...]
    network: str = "bridge"
    create: ContainerSpec | None = None
    present: bool = True
    purge: bool = False

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(link.target for link in self.links))


def parse_link(params: Mapping[str, Json]) -> LinkSpec:
    """Read the parameters of container_link; raise SpecError."""
    container = params["container"].strip().lstrip("/")
    network = params["network"].strip()
    if not container:
        raise SpecError("container: a name or an ID is needed, not an empty text")
    if not network:
        raise SpecError("network: a name or an ID is needed, not an empty text")
    if network in ("host", "none"):
        raise SpecError(
            f"there are no links on the network {network!r}; use 'bridge' for a legacy link, or a network of your own"
        )
    given, create, purge = params["links"], params["create"], params["purge"]
    if given is None and create is None and not purge:
        raise SpecError("links: name at least one link, as 'target' or 'target:alias', or set purge: true")
    return LinkSpec(
        container=container,
        links=parse_settings(container, {"links": given}, ()).links or (),
        network=network,
        create=None if create is None else _parse_create(create),
        present=params["state"] == "present",
        purge=purge,
    )


def _parse_create(options: Mapping[str, Json]) -> ContainerSpec:
    spec = ContainerSpec.parse(options, ("create",))
    if spec.image is None:
        raise SpecError("create: the image is needed, such as image: mysql")
    return spec
