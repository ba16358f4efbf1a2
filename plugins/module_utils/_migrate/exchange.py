# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Exchange the links of a source for an endpoint on a network: the one step in which its names do not resolve.

Nothing can bring a link back. So the step runs in its own process, which completes its work even if this one is
killed; the endpoint is retried if it fails; and if it is not possible, the names resolve to the bridge as before,
through lines in the hosts file.

To remove a link of a container that another run attaches meanwhile costs it the engine's resolver. So the mark of the
removal (unlink_mark) stays until the endpoint is there, and runs take turns. By it the next run also finds, and
finishes, what is left if that process is killed as well.
"""

from __future__ import annotations

import json
import os
import signal
import time
import typing as t
from contextlib import ExitStack, suppress

from .._apply.endpoints import carry_out_endpoints
from .._apply.hosts import read_hosts, write_hosts
from .._apply.unlink import as_it_is_now, lost_a_link, stale_aliases, unlink_marked
from .._engine.polling import turns
from .._errors import ApplyError, BusyError, LinklabError
from .._model.bridge import DEFAULT_BRIDGE
from .._model.find import find_container
from .._model.hosts_lines import TAG, appended, parse, written
from .._plan.restorations import NotedEndpoint
from .._recovery.unlink_mark import Instead, marked

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from .._engine.client import Engine
    from .._plan.migrate_actions import Exchanged, ExchangeLinks

Json = t.Any

# How long an endpoint is tried for.
TRY_SECONDS = 5.0
_PAUSE_SECONDS = 0.2


class NamesLostError(ApplyError):
    """The links are gone, and the endpoint that was to take their place could not be had."""


_LOST, _BUSY = NamesLostError.__name__, BusyError.__name__


def exchange(engine: Engine, action: ExchangeLinks) -> tuple[dict[str, float], list[str]]:
    """Carry an ExchangeLinks out, once no other run is removing links of the same sources.

    Returns:
        How long the names of each source did not resolve, in milliseconds, by its ID, without sources whose links
        another run exchanged; and what the user should know.

    Raises:
        NamesLostError: a link may be gone.
        ApplyError: all links are there.
    """
    for _attempt in turns():
        with suppress(BusyError):
            done = in_own_process(engine, lambda clone: _exchange(clone, action))
            return done["gaps"], done["notes"]
    raise ApplyError("another run is changing it; run the task again")


def in_own_process(engine: Engine, work: Callable[[Engine], Json]) -> Json:
    """Return what I(work) returns, as JSON can say it. It goes on if this process is killed meanwhile.

    This process is forked, so no other thread may be there. Nothing that link_migrate does before starts any.

    Raises:
        NamesLostError, BusyError, ApplyError: I(work) raised it, or the process ended early.
    """
    receiver, sender = os.pipe()
    child = os.fork()
    if child == 0:
        _work_alone(engine, work, sender)
    os.close(sender)
    with os.fdopen(receiver, encoding="utf-8") as answer:
        text = answer.read()
    os.waitpid(child, 0)
    if not text:
        raise NamesLostError("the process that does it ended early; run the task again", may_have_changed=True)
    failed, answered = json.loads(text)
    if failed == _BUSY:
        raise BusyError(answered)
    if failed:
        raise NamesLostError(answered, may_have_changed=True) if failed == _LOST else ApplyError(answered)
    return answered


def _work_alone(engine: Engine, work: Callable[[Engine], Json], sender: int) -> t.NoReturn:
    """Be the child: out of reach of what is sent to the parent and its terminal."""
    code = 1
    try:
        os.setsid()
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGPIPE):
            signal.signal(number, signal.SIG_IGN)
        try:
            result = "", work(engine.clone())
        except LinklabError as exc:
            result = type(exc).__name__, str(exc)
        with suppress(OSError), os.fdopen(sender, "w", encoding="utf-8") as answer:
            answer.write(json.dumps(result))
        code = 0
    finally:
        # Nothing of the parent's: no buffers, no exit handlers.
        os._exit(code)


def _exchange(engine: Engine, action: ExchangeLinks) -> Json:
    with ExitStack() as marks:
        for one in action.sources:
            source = one.attach.container
            end = NotedEndpoint(source.id, source.name, one.attach.network, one.attach.settings.to_api())
            stale = stale_aliases(engine, source, one.targets)
            marks.enter_context(marked(engine, source, lend=stale, instead=Instead(tuple(one.targets), end)))
        return _exchange_marked(engine, action)


def _exchange_marked(engine: Engine, action: ExchangeLinks) -> Json:
    """Remove all links, then attach; return a mapping with gaps and notes."""
    begun: dict[str, float] = {}
    ended: dict[str, float] = {}
    notes: list[str] = []
    try:
        for one in action.sources:
            source = as_it_is_now(engine, one.attach.container)
            there = [link.alias for link in source.legacy_links if link.alias in one.targets]
            if there:
                begun[source.id] = time.monotonic()
                notes += unlink_marked(engine, source, there, action.images)
        for one in action.sources:
            _attach(engine, one)
            ended[one.attach.container.id] = time.monotonic()
    except LinklabError as exc:
        left = [one for one in action.sources if one.attach.container.id not in ended]
        lost = [one for one in left if lost_a_link(engine, one.attach.container.id, one.targets)]
        text = " ".join([f"{str(exc).rstrip('.')}.", *(_over_the_bridge(engine, action, one) for one in lost)])
        raise (NamesLostError if lost else ApplyError)(text) from exc
    return {"gaps": {ident: round(1000 * (ended[ident] - since), 1) for ident, since in begun.items()}, "notes": notes}


def _attach(engine: Engine, one: Exchanged) -> None:
    deadline = time.monotonic() + TRY_SECONDS
    while True:
        try:
            carry_out_endpoints(engine, [one.attach])
        except LinklabError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_SECONDS)
        else:
            return


def _over_the_bridge(engine: Engine, action: ExchangeLinks, one: Exchanged) -> str:
    """Let the names of a source that lost its links and got no endpoint lead to the bridge; return a sentence."""
    source = one.attach.container
    with suppress(LinklabError):
        before = read_hosts(engine, source)
        there = {name for line in parse(before) for name in line.names[:1]}
        lines = []
        for alias, ident in one.targets.items():
            target = find_container(engine, ident)
            endpoint = target.endpoints.get(DEFAULT_BRIDGE) if target is not None else None
            if target is not None and endpoint is not None and endpoint.ipv4 and alias not in there:
                lines.append(written(endpoint.ipv4, (alias, target.hostname, target.name), TAG))
        after = appended(before, lines)
        if after == before or write_hosts(engine, source, before, after, action.images):
            return (
                f"The names of {source.name} lead over the bridge until its next restart. Attach it to"
                f" {one.attach.network} once the cause is gone (network_attach)."
            )
    return f"{source.name} has lost its links; attach it to {one.attach.network} (network_attach)."
