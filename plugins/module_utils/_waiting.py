# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Wait until containers run or are healthy, by the engine's events; say what keeps one from it."""

from __future__ import annotations

import json
import time
import typing as t
from contextlib import suppress
from dataclasses import dataclass

from ansible_collections.linklab.docker.plugins.module_utils._errors import LinklabError, NotFound
from ansible_collections.linklab.docker.plugins.module_utils._logs import end_of_log, in_one_line, last_healthcheck

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ansible_collections.linklab.docker.plugins.module_utils._client import Engine
    from requests import Response

Json = t.Any

# How long the stream of events may be silent before the containers are looked at again. No event has been seen to get
# lost, but a connection can break without a word.
_SILENCE = 10.0
_LOG_LINES = 5
_VERBS = {"started": "run", "healthy": "get healthy"}


class NotReadyError(LinklabError):
    """A container did not become what was waited for."""


@dataclass(frozen=True)
class _Look:
    """What a container's description says about one condition. final: waiting cannot change it."""

    ready: bool
    final: bool
    text: str


def wait_until(engine: Engine, conditions: Mapping[str, str], timeout: float) -> None:
    """Return once all containers are as wanted.

    Args:
        conditions: C(started) or C(healthy) by the container's name. A container without a healthcheck is healthy when
            it runs.
        timeout: seconds.

    Raises:
        NotReadyError: with the state, the healthcheck's last words and the end of the log of each that is not.
    """
    deadline = time.monotonic() + timeout
    # Often all is well at once, and nobody need listen.
    pending = _still_pending(engine, conditions)
    while pending:
        left = deadline - time.monotonic()
        silence = max(0.1, min(left, _SILENCE))
        # The events come first: what happens between looking and listening would be missed.
        with _open_events(engine, silence) as events:
            pending = _still_pending(engine, pending)
            if pending and left <= 0:
                raise NotReadyError(_describe(engine, pending, "did not {} within " + f"{timeout:g} s"))
            while pending and (name := next(events.names, "")):
                pending = _look_again(engine, pending, name)
                if deadline - time.monotonic() < silence:
                    break


class _Events:
    """The engine's stream of events about containers, from now on.

    Attributes:
        names: of the containers to which something happens; ends once nothing happens for a while.
    """

    def __init__(self, response: Response) -> None:
        self._response = response
        self.names = self._read()

    def __enter__(self) -> _Events:
        return self

    def __exit__(self, *_error: object) -> None:
        self._response.close()

    def _read(self) -> Iterator[str]:
        # What requests raises for a silence, or for a connection that breaks, is an OSError.
        with suppress(OSError):
            for line in self._response.iter_lines(chunk_size=1):
                if line:
                    yield str(((json.loads(line).get("Actor") or {}).get("Attributes") or {}).get("name") or "?")


def _open_events(engine: Engine, silence: float) -> _Events:
    filters = {"type": ["container"], "event": ["health_status", "start", "die", "destroy", "rename"]}
    params = {"filters": json.dumps(filters)}
    return _Events(engine.request("GET", "/events", params=params, stream=True, timeout=silence))


def _still_pending(engine: Engine, pending: Mapping[str, str]) -> dict[str, str]:
    """Look at all; return those that are not ready, raise NotReadyError if some never will be."""
    found = {name: _look(engine, name, condition) for name, condition in pending.items()}
    lost = {name: pending[name] for name, look in found.items() if look.final}
    if lost:
        raise NotReadyError(_describe(engine, lost, "does not {}"))
    return {name: condition for name, condition in pending.items() if not found[name].ready}


def _look_again(engine: Engine, pending: Mapping[str, str], name: str) -> dict[str, str]:
    if name not in pending:
        return dict(pending)
    rest = {other: condition for other, condition in pending.items() if other != name}
    return {**rest, **_still_pending(engine, {name: pending[name]})}


def _look(engine: Engine, name: str, condition: str) -> _Look:
    try:
        raw = engine.container(name)
    except NotFound:
        return _Look(ready=False, final=True, text="it does not exist")
    return judge(raw, condition)


def judge(raw: Mapping[str, Json], condition: str) -> _Look:
    """Say whether a container, by its description, is as wanted."""
    state = raw.get("State") or {}
    status, health = state.get("Status") or "", (state.get("Health") or {}).get("Status") or ""
    if status in ("exited", "dead", "removing"):
        return _Look(ready=False, final=True, text=f"it ended{how_it_ended(state)}")
    if status == "restarting":
        text = f"it is started again and again, and ended{how_it_ended(state)}"
        return _Look(ready=False, final=False, text=text)
    if status != "running":
        return _Look(ready=False, final=False, text=f"its status is {status}")
    if condition == "healthy" and health not in ("", "none", "healthy"):
        return _Look(ready=False, final=False, text=f"its health is {health}")
    return _Look(ready=True, final=False, text="")


def how_it_ended(state: Mapping[str, Json]) -> str:
    """Return what follows C(it ended): the exit code, and that its memory was not enough if the engine saw that."""
    # One that was started again since shows none of its own.
    code = "" if state.get("Running") and not state.get("Restarting") else f" with exit code {state.get('ExitCode')}"
    return code + (", killed for lack of memory" if state.get("OOMKilled") else "")


# -- what keeps a container from it -----------------------------------------------------------------------------------


def _describe(engine: Engine, pending: Mapping[str, str], what: str) -> str:
    """Return what keeps containers from their conditions. what: says it with C({}) for the verb."""
    return "; ".join(
        f"{name} {what.format(_VERBS[condition])}: {_story(engine, name, condition)}"
        for name, condition in pending.items()
    )


def _story(engine: Engine, name: str, condition: str) -> str:
    try:
        raw = engine.container(name)
    except NotFound:
        return "it does not exist"
    parts = [judge(raw, condition).text]
    health = (raw.get("State") or {}).get("Health") or {}
    if health.get("Log") and condition == "healthy":
        parts.append(f"its healthcheck said: {in_one_line(last_healthcheck(raw)) or 'nothing'}")
    log = log_tail(engine, raw)
    parts.append(f"its log ends: {log}" if log else "its log is empty")
    return ", ".join(filter(None, parts))


def log_tail(engine: Engine, raw: Mapping[str, Json]) -> str:
    """Return the last lines of a container's log in one line, empty if they cannot be had."""
    return in_one_line(end_of_log(engine, raw, _LOG_LINES))
