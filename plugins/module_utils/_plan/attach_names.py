# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Names that two containers have on one network, of which nobody knows to whom they lead. Pure."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .._model.state import ContainerState


def own_names(container: ContainerState) -> set[str]:
    """Return the names that the engine gives a container on each network by itself."""
    return {container.name, container.short_id, container.hostname} - {""}


def aliases_on(container: ContainerState, network: str) -> set[str]:
    """Return the aliases that somebody gave a container on a network."""
    endpoint = container.endpoints.get(network)
    return set((endpoint.settings.aliases if endpoint is not None else None) or ())


def as_resolved(names: Iterable[str]) -> set[str]:
    """Return names as the engine's resolver compares them."""
    return {name.lower() for name in names}


def alias_warnings(
    network: str, members: Mapping[str, ContainerState], given: Mapping[str, frozenset[str]]
) -> Iterator[str]:
    """Say which aliases that the task gives are names of other containers on the network, too.

    One that the task gives to several containers itself is shared on purpose, as for a round robin.

    Args:
        network: its name.
        members: by ID, who is on the network once all is done, as they are now.
        given: by ID, the aliases that the task gives.
    """
    for ident, aliases in given.items():
        container = members[ident]
        there = aliases_on(container, network)
        for alias in sorted(aliases):
            for other in members.values():
                if other.id == ident or other.name == container.name:
                    continue
                if what := _found_under(alias, other, network, given):
                    yield (
                        f"{container.name} {'has' if alias in there else 'gets'} the alias {alias} on {network}, where"
                        f" {other.name} is found under it already ({what}): the name leads to either of the two"
                    )


def _found_under(alias: str, other: ContainerState, network: str, given: Mapping[str, frozenset[str]]) -> str:
    """Return what an alias of one container is to another one; empty if nothing, or if the task gives it to both."""
    if as_resolved({alias}) & as_resolved(own_names(other)):
        return "the name of that container"
    own = given.get(other.id, frozenset())
    shared = alias not in own and as_resolved({alias}) & as_resolved(aliases_on(other, network) | own)
    return "an alias of that container" if shared else ""
