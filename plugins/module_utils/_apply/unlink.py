# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Remove a legacy link while its source runs.

The engine then joins the source to its networks once more, which takes a tenth of a second and keeps open connections.
Three traps are in the way:

- On the default bridge the engine writes the resolver's file again, as for a container without names, and a container
  that is also on a network of its own does not find names there until its next restart. So such a container leaves the
  bridge for that moment, and comes back.
- Off the bridge the engine does not touch the hosts file, so the line of the link stays. It is taken out from inside
  the container, if that can be.
- A link whose target was removed is refused with 404, since the engine looks for the target by the name that the link
  gave it. The mark (_recovery/unlink_mark) lends this name to the source itself: then the removal finds what it needs.
"""

from __future__ import annotations

import typing as t
from contextlib import suppress
from functools import partial

from .._errors import ApplyError, LinklabError, NotFound, agreeing, engine_message, tolerate_if
from .._model.bridge import DEFAULT_BRIDGE, on_default_bridge
from .._model.find import find_container
from .._model.hosts_lines import tidy
from .._model.legacy_links import read_legacy_links
from .._recovery.unlink_mark import AwayError, marked
from .bridge_address import address_notes, same_address
from .hosts import has_own_resolver, read_hosts, write_hosts

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .._engine.client import Engine
    from .._model.state import ContainerState


def unlink(engine: Engine, source: ContainerState, *aliases: str, images: Sequence[str] = ()) -> list[str]:
    """Remove legacy links of a container; return what the user should know. A link that is gone will do.

    Args:
        images: images with a shell, for helpers: where the source itself cannot write its hosts file, and to keep its
            address on the bridge free.
    """
    stale = stale_aliases(engine, source, aliases)
    if stale or (source.live and has_own_resolver(engine, source.id)):
        with marked(engine, source, lend=stale):
            return unlink_marked(engine, source, aliases, images)
    _remove(engine, source, aliases)
    return []


def stale_aliases(engine: Engine, source: ContainerState, aliases: Iterable[str]) -> list[str]:
    """Return those of the links whose target was removed."""
    return [link.alias for link in read_legacy_links(engine, source) if link.stale and link.alias in aliases]


def unlink_marked(engine: Engine, source: ContainerState, aliases: Sequence[str], images: Sequence[str]) -> list[str]:
    """Do what M(unlink) does to a container that is marked."""
    # Another run may have had it off the bridge a moment ago; the mark keeps others away from here on.
    now = find_container(engine, source.id) or source
    if now.live and on_default_bridge(now) and has_own_resolver(engine, now.id):
        return _remove_off_bridge(engine, now, aliases, images)
    _remove(engine, now, aliases)
    return []


def lost_a_link(engine: Engine, ident: str, aliases: Iterable[str]) -> bool:
    """Whether a link of a container is gone, as far as that can be told; where it cannot, nothing could be undone."""
    with suppress(LinklabError):
        now = find_container(engine, ident)
        return now is None or not {link.alias for link in now.legacy_links} >= set(aliases)
    return True


def as_it_is_now(engine: Engine, container: ContainerState) -> ContainerState:
    """Read a container again: earlier actions of the same plan may have changed it; raise ApplyError if it is gone."""
    now = find_container(engine, container.id)
    if now is None:
        raise ApplyError(f"the container {container.name} ({container.short_id}) was removed meanwhile")
    return now


def _remove(engine: Engine, source: ContainerState, aliases: Iterable[str]) -> None:
    for alias in aliases:
        # Another run may have removed it meanwhile.
        with suppress(NotFound):
            tolerate_if(partial(engine.remove_link, source.name, alias), partial(_is_unlinked, engine, source, alias))


def _is_unlinked(engine: Engine, source: ContainerState, alias: str) -> bool:
    now = find_container(engine, source.id)
    return now is None or all(link.alias != alias for link in now.legacy_links)


# -- the way around the lost resolver ---------------------------------------------------------------------------------


def _remove_off_bridge(
    engine: Engine, source: ContainerState, aliases: Sequence[str], images: Sequence[str]
) -> list[str]:
    with same_address(engine, source, images) as notes:
        try:
            # The engine may have done it even where that fails.
            engine.disconnect(DEFAULT_BRIDGE, source.id)
            _remove(engine, source, aliases)
        finally:
            return_to_bridge(engine, source)
    try:
        return notes + address_notes(engine, source) + tidy_hosts(engine, source.id, aliases, images)
    except LinklabError as exc:
        names = ", ".join(aliases)
        return [
            *notes,
            (
                f"the name {names} may still stand in the hosts file of {source.name} until its next restart:"
                f" {engine_message(exc)}"
            ),
        ]


def return_to_bridge(engine: Engine, source: ContainerState) -> None:
    """Connect a container to the default bridge again, with the settings that it had there."""
    endpoint = source.endpoints.get(DEFAULT_BRIDGE)
    settings = endpoint.settings.to_api() if endpoint else {}

    def is_back() -> bool:
        now = find_container(engine, source.id)
        return now is None or on_default_bridge(now)

    def connect() -> None:
        tolerate_if(lambda: engine.connect(DEFAULT_BRIDGE, source.id, settings), is_back)

    try:
        # What failed once may work the next time, and there is nothing better to be done.
        try:
            connect()
        except LinklabError:
            connect()
    except LinklabError as exc:
        raise AwayError(
            f"{source.name} left the bridge for a moment and could not come back: {engine_message(exc)}. The same task"
            f" run again brings it back; so does network_attach with network: bridge, containers: [{source.name}]",
            may_have_changed=True,
        ) from exc


def tidied(hosts: str, aliases: Sequence[str], container: ContainerState) -> str:
    """Return a hosts file of a running container without what stands for lost addresses and for links."""
    addresses = {address for end in container.endpoints.values() for address in (end.ipv4, end.ipv6)}
    return tidy(hosts, aliases, container.hostname, addresses)


def tidy_hosts(engine: Engine, ident: str, aliases: Sequence[str], images: Iterable[str] = ()) -> list[str]:
    """Take what the engine left in the hosts file out of it, from inside the container; return what could not be.

    Args:
        aliases: the links that are gone; with none, only what stands for lost addresses and for links goes.
        images: as for unlink().
    """
    source = find_container(engine, ident)
    if source is None or not source.live:
        return []
    before = read_hosts(engine, source)
    after = tidied(before, aliases, source)
    if after == before or write_hosts(engine, source, before, after, images):
        return []
    what = f"the name {agreeing(aliases, 'still stands', 'still stand')}" if aliases else "a lost address still stands"
    note = (
        f"{what} in the hosts file of {source.name} until its next restart: the engine does not"
        " take it out of a container that is on a network of its own, and no shell in it could"
    )
    return [note]
