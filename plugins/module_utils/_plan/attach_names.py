# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Names that two containers have on one network, of which nobody knows to whom they lead. Pure."""

from __future__ import annotations

import typing as t

from .plan import Reattach

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .._model.state import ContainerState
    from .plan import Attach


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
    network: str,
    changes: Iterable[Attach | Reattach],
    members: Mapping[str, ContainerState],
    given: Mapping[str, frozenset[str]],
) -> Iterator[str]:
    """Say which aliases that are about to be made are names of other containers on the network already.

    One that the task gives to several containers itself is shared on purpose, as for a round robin.

    Args:
        network: its name.
        members: by ID, who is on the network once all is done, as they are now.
        given: by ID, the aliases that the task gives.
    """
    for action in changes:
        container = action.container
        had = set(action.old.settings.aliases or ()) if isinstance(action, Reattach) else set()
        for alias in action.settings.aliases or ():
            for ident, other in members.items():
                if alias in had or ident == container.id or other.name == container.name:
                    continue
                if as_resolved({alias}) & as_resolved(own_names(other)):
                    what = "the name of that container"
                elif as_resolved({alias}) & as_resolved(aliases_on(other, network) | given.get(ident, frozenset())):
                    if alias in given.get(ident, frozenset()) and alias in given.get(container.id, frozenset()):
                        continue
                    what = "an alias of that container"
                else:
                    continue
                yield (
                    f"{container.name} gets the alias {alias} on {network}, where {other.name} is found under it"
                    f" already ({what}): the name then leads to either of the two"
                )
