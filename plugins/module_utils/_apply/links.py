# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""How the actions on legacy links are carried out."""

from __future__ import annotations

import typing as t
from contextlib import suppress

from .._engine.polling import turns
from .._errors import ApplyError, BusyError, EngineError, LinklabError, Unreachable, engine_message
from .._model.find import find_container
from .._model.hosts_lines import pointed
from .._model.legacy_links import read_legacy_links
from .._plan.container_actions import RecreateContainer, RemoveLink, RewriteHosts
from .._plan.link_hosts import aliases_of, link_addresses
from .._recovery.journal import read_journal
from .hosts import read_hosts, write_hosts
from .recover import RECOVERY_EXECUTORS
from .replacement import replace_with_successor
from .unlink import as_it_is_now, unlink

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from .._engine.client import Engine
    from .._model.state import ContainerState
    from .stages import Executors

Json = t.Any


def remove_link(engine: Engine, action: RemoveLink) -> list[str]:
    for _attempt in turns():
        source = as_it_is_now(engine, action.container)
        try:
            return unlink(engine, source, action.alias)
        except BusyError:
            if read_journal(engine, [source.name]).of(source.name).mark is not None:
                break
        except (EngineError, Unreachable) as exc:
            left, may_have_changed = _what_is_left(engine, source, action.alias)
            raise ApplyError(
                f"could not {action.describe()}: {engine_message(exc)}. {left}", may_have_changed=may_have_changed
            ) from exc
    raise ApplyError(f"could not {action.describe()}: another run is changing it; run the task again")


def _what_is_left(engine: Engine, source: ContainerState, alias: str) -> tuple[str, bool]:
    """Return the state of a link whose removal failed, as a sentence, and whether it may be gone."""
    try:
        now = find_container(engine, source.id)
    except LinklabError:
        return "The link may be gone all the same", True
    if now is not None and any(link.alias == alias for link in now.legacy_links):
        return "The link is as it was", False
    return "The link is gone all the same", True


def recreate_container(engine: Engine, action: RecreateContainer) -> Iterable[str]:
    """Replace a container; if another run is doing that, wait for it and see what is still wanted."""
    wanted = {alias: ident for ident, alias in action.links}
    for attempt in turns():
        source = find_container(engine, action.container.id if attempt == 0 else action.container.name)
        if source is not None:
            read = read_legacy_links(engine, source)
            there = {link.alias: link.target.id for link in read if link.target is not None}
            links = wanted if action.purge else {**there, **wanted}
            if attempt and links == there:
                return ()
            with suppress(BusyError):
                return replace_with_successor(engine, source, _with_links(links), start=action.start).notes
        name = action.container.name
        if read_journal(engine, [name]).of(name).exchange is not None:
            break
    raise ApplyError(f"could not {action.describe()}: another run is changing it; run the task again")


def _with_links(links: Mapping[str, str]) -> Callable[[Mapping[str, Json]], Mapping[str, Json]]:
    def change(body: Mapping[str, Json]) -> Mapping[str, Json]:
        given = [f"{ident}:{alias}" for alias, ident in links.items()]
        return {**body, "HostConfig": {**body["HostConfig"], "Links": given}}

    return change


def rewrite_hosts(engine: Engine, action: RewriteHosts) -> None:
    """Carry a RewriteHosts out; earlier actions of the same plan may have moved the targets."""
    source = find_container(engine, action.container.id)
    if source is None or not source.live:
        # Whoever starts it has the engine write the file.
        return
    before = after = read_hosts(engine, source)
    for link in read_legacy_links(engine, source):
        addresses = link_addresses(source, link.target) if link.target is not None else ()
        if link.target is not None and addresses and link.alias in action.aliases:
            names = (link.target.hostname, link.target.name)
            after = pointed(after, link.alias, addresses, names, aliases_of(source))
    if after != before and not write_hosts(engine, source, before, after, action.images):
        raise ApplyError(
            f"could not {action.describe()}: neither a shell in it nor one in a helper next to it could write"
            f" /etc/hosts. It is unchanged; the engine writes it again once {source.name} is restarted"
        )


LINK_EXECUTORS: Executors = {
    RemoveLink: remove_link,
    RecreateContainer: recreate_container,
    RewriteHosts: rewrite_hosts,
    **RECOVERY_EXECUTORS,
}
