# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Carry the steps off a legacy link out, and undo those of a group if a later one fails.

What cannot be undone is the removal of a link. Before it, everything is as it was but for a further network; after it,
the names lead to that network already.
"""

from __future__ import annotations

import time
import typing as t
from contextlib import suppress
from dataclasses import replace

from .._apply.endpoints import roll_back_endpoints
from .._apply.hosts import read_hosts, write_hosts
from .._apply.replacement import replace_with_successor as replace_container
from .._apply.replacement_checks import Inspected
from .._apply.replacement_config import wiring
from .._apply.restarting import once_it_runs
from .._apply.unlink import as_it_is_now, lost_a_link, return_to_bridge, tidied, tidy_hosts, unlink
from .._engine.polling import turns
from .._errors import ApplyError, BusyError, LinklabError, Unreachable, engine_message, tolerate_if
from .._model.bridge import DEFAULT_BRIDGE, on_default_bridge
from .._model.find import find_container
from .._model.hosts_lines import redirected, restored
from .._model.state import Endpoint
from .._plan.migrate_actions import BakeEnvironment, ExchangeLinks, LeaveBridge, RedirectNames, RemoveLinks, TidyNames
from .exchange import NamesLostError, exchange
from .proof import refuse_lost_names

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from .._apply.stages import Executors
    from .._engine.client import Engine
    from .._model.endpoint import Json
    from .._model.state import ContainerState
    from .._plan.plan import Attach, Reattach

# Programs written in Go read the hosts and resolver files again after at most 5 seconds.
CACHED_SECONDS = 5.0


class Migration:
    """What the steps of one run have to remember of each other.

    Attributes:
        gaps: how long the names of a source did not resolve, in milliseconds, by the source's ID and alias.
    """

    def __init__(self) -> None:
        self.gaps: dict[tuple[str, str], float] = {}
        self._redirected: dict[str, RedirectNames] = {}
        self._redirected_at: float | None = None
        # IDs of the sources whose links are gone, and of their targets.
        self._moved: set[str] = set()
        self._inspected = Inspected()

    def executors(self) -> Executors:
        return {
            RedirectNames: self.redirect_names,
            RemoveLinks: self.remove_links,
            LeaveBridge: self.leave_bridge,
            ExchangeLinks: self.exchange_links,
            TidyNames: tidy_names,
            BakeEnvironment: self.bake_environment,
        }

    def redirect_names(self, engine: Engine, action: RedirectNames) -> None:
        with self._undo(engine, action, action.attached):
            self._redirected[action.container.id] = action
            found = _addresses(engine, action.targets, action.network)
            before = read_hosts(engine, action.container)
            after = redirected(before, found)
            if after != before and not write_hosts(engine, action.container, before, after, action.images):
                raise ApplyError(_why_not_written(engine, action.container))
            self._redirected_at = time.monotonic()
            refuse_lost_names(engine, action.container, action.targets, action.network)

    def leave_bridge(self, engine: Engine, action: LeaveBridge) -> list[str]:
        with self._undo(engine, action, action.attached):
            self._let_caches_expire()
            _disconnect(engine, action.container)
        if action.attached:
            # Its links are still to be removed, and their lines with them.
            return []
        return tidy_hosts(engine, action.container.id, (), action.images)

    def remove_links(self, engine: Engine, action: RemoveLinks) -> list[str]:
        source = action.container
        with self._undo(engine, action, action.attached):
            self._let_caches_expire()
            try:
                notes = _unlink_in_turn(engine, action)
            except LinklabError:
                if lost_a_link(engine, source.id, action.targets):
                    # There is no way back; the names lead to the network, and the next run goes on from here.
                    self._moved |= {source.id, *action.targets.values()}
                raise
        self._moved |= {source.id, *action.targets.values()}
        self.gaps.update({(source.id, alias): 0.0 for alias in action.targets})
        return notes + tidy_hosts(engine, source.id, tuple(action.targets), action.images)

    def exchange_links(self, engine: Engine, action: ExchangeLinks) -> list[str]:
        with self._undo(engine, action, action.attached):
            try:
                gaps, notes = exchange(engine, action)
            except NamesLostError:
                # What there is of the way forward stays.
                self._moved |= {ident for one in action.sources for ident in one.targets.values()}
                raise
        self._redirected_at = time.monotonic()
        for one in action.sources:
            ident = one.attach.container.id
            self._moved |= {ident, *one.targets.values()}
            self.gaps.update({(ident, alias): gaps[ident] for alias in one.targets if ident in gaps})
        return notes

    def bake_environment(self, engine: Engine, action: BakeEnvironment) -> t.Iterable[str]:
        return _bake_environment(engine, action, self._inspected)

    def _let_caches_expire(self) -> None:
        if self._redirected_at is not None:
            time.sleep(max(0.0, self._redirected_at + CACHED_SECONDS - time.monotonic()))

    # -- the way back -------------------------------------------------------------------------------------------------

    def _undo(self, engine: Engine, action: t.Any, attached: Sequence[Attach | Reattach]) -> _Undo:
        return _Undo(lambda exc: self._roll_back(engine, exc, action, attached))

    def _roll_back(
        self, engine: Engine, exc: LinklabError, action: t.Any, attached: Sequence[Attach | Reattach]
    ) -> ApplyError:
        text = f"could not {action.describe()}: {engine_message(exc)}."
        if not attached:
            return ApplyError(text, may_have_changed=isinstance(exc, Unreachable))
        group = {one.container.id for one in attached}
        redirected = [one for ident, one in self._redirected.items() if ident in group and ident not in self._moved]
        sentences = [sentence for one in redirected for sentence in _roll_back_names(engine, one)]
        undone = [one for one in attached if one.container.id not in self._moved]
        files = dict(_hosts_files(engine, undone))
        rollback = roll_back_endpoints(engine, undone)
        sentences += [
            sentence
            for ident, text in files.items()
            for sentence in _roll_back_hosts(engine, ident, text, action.images)
        ]
        whole = rollback.complete and not sentences
        may_have_changed = not whole or (isinstance(exc, ApplyError) and exc.may_have_changed)
        text = " ".join((text, *sentences, *rollback.sentences))
        return ApplyError(text, may_have_changed=may_have_changed, undone=(*undone, *redirected) if whole else ())


def _why_not_written(engine: Engine, container: ContainerState) -> str:
    """Return why a hosts file could not be written from inside."""
    now = find_container(engine, container.id)
    if now is None or not now.live or _started(now) != _started(container):
        return "it ended or restarted meanwhile; run the task again once it runs"
    return "its hosts file could not be written from inside: it has no shell that root may use"


def _started(container: ContainerState) -> str:
    return str((container.raw.get("State") or {}).get("StartedAt"))


class _Undo:
    """A context in which a failure is rolled back before it is raised, with the outcome of the rollback."""

    def __init__(self, roll_back: Callable[[LinklabError], ApplyError]) -> None:
        self._roll_back = roll_back

    def __enter__(self) -> None:
        return

    def __exit__(self, _kind: object, exc: object, _trace: object) -> None:
        if isinstance(exc, LinklabError):
            raise self._roll_back(exc) from exc


def _roll_back_names(engine: Engine, action: RedirectNames) -> list[str]:
    source = action.container
    try:
        if on_default_bridge(source) and not on_default_bridge(as_it_is_now(engine, source)):
            return_to_bridge(engine, source)
        before = read_hosts(engine, source)
        after = restored(before, _addresses(engine, action.targets, DEFAULT_BRIDGE))
        done = after == before or write_hosts(engine, source, before, after, action.images)
    except LinklabError as exc:
        return [f"The names of {source.name} could not be led back ({exc}); run the task again."]
    return [] if done else [f"The names of {source.name} could not be led back; run the task again."]


def _hosts_files(engine: Engine, attached: Sequence[Attach | Reattach]) -> Iterator[tuple[str, str]]:
    """Yield the ID and the hosts file of each running container; one that cannot be read is not restored later."""
    for one in attached:
        with suppress(LinklabError):
            if one.container.live:
                yield one.container.id, read_hosts(engine, one.container)


def _roll_back_hosts(engine: Engine, ident: str, text: str, images: Sequence[str]) -> list[str]:
    """Put lines back into a hosts file that the engine took out with an endpoint.

    It knows them by the names at their end, and so takes those of other endpoints and extra hosts as well.
    """
    try:
        container = find_container(engine, ident)
        if container is None or not container.live:
            return []
        before = read_hosts(engine, container)
        after = tidied(text, (), container)
        done = after.split() == before.split() or write_hosts(engine, container, before, after, images)
    except LinklabError as exc:
        return [f"The hosts file of {ident[:12]} could not be restored ({exc})."]
    return [] if done else [f"The hosts file of {container.name} could not be restored until its next restart."]


def _unlink_in_turn(engine: Engine, action: RemoveLinks) -> list[str]:
    """Remove the links of a source, once no other run is removing some."""
    for _attempt in turns():
        with suppress(BusyError):
            return unlink(engine, as_it_is_now(engine, action.container), *action.targets, images=action.images)
    raise ApplyError("another run is changing it; run the task again")


def _addresses(engine: Engine, targets: Mapping[str, str], network: str) -> dict[str, str]:
    """Return, by alias, the addresses of running targets on a network."""
    found = {}
    for alias, ident in targets.items():
        one = find_container(engine, ident) if ident else None
        endpoint = one.endpoints.get(network) if one is not None else None
        if endpoint is not None and endpoint.ipv4:
            found[alias] = endpoint.ipv4
    return found


def _disconnect(engine: Engine, container: ContainerState) -> None:
    """Take a container off the bridge; one that is off it already will do."""
    once_it_runs(
        engine,
        container,
        lambda: tolerate_if(
            lambda: engine.disconnect(DEFAULT_BRIDGE, container.id),
            lambda: not on_default_bridge(as_it_is_now(engine, container)),
        ),
    )


def tidy_names(engine: Engine, action: TidyNames) -> list[str]:
    return tidy_hosts(engine, action.container.id, (), action.images)


def _bake_environment(engine: Engine, action: BakeEnvironment, inspected: Inspected) -> t.Iterable[str]:
    """Replace a source; its endpoint on the bridge goes with it, if that is wanted."""
    container = as_it_is_now(engine, action.container)
    there = container.endpoints.get(action.network) or Endpoint(action.network)
    endpoints = {
        name: end for name, end in container.endpoints.items() if not (action.leave_bridge and name == DEFAULT_BRIDGE)
    }
    endpoints[action.network] = replace(there, settings=action.settings.over(there.settings))
    wires = wiring(replace(container, network_mode=action.network, endpoints=endpoints), engine.info)

    def change(body: Mapping[str, Json]) -> Mapping[str, Json]:
        host = {**body["HostConfig"], "Links": None, "NetworkMode": action.network}
        return {**body, "Env": [*(body.get("Env") or ()), *action.variables], "HostConfig": host}

    try:
        more: dict[str, Json] = {"handled": action.handled, "wires": wires, "inspected": inspected}
        return replace_container(engine, container, change, **more).notes
    except BusyError as exc:
        raise ApplyError(f"could not {action.describe()}: another run is changing it; run the task again") from exc
