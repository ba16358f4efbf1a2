# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Wait until containers run or are healthy, by the engine's events; say what keeps one from it."""

from __future__ import annotations

import json
import math
import re
import time
import typing as t
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from .._errors import LinklabError, NotFound
from .logs import how_it_ended, in_one_line, last_healthcheck, log_tail
from .streams import open_stream
from .transport import AnswerError

if t.TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping

    from .client import Engine
    from .streams import Stream

Json = t.Any

# How long the stream of events may be silent before the containers are read again. No event has been seen to get
# lost, but a connection can break without a word.
_SILENCE = 10.0
# How long a container must be up. One that the engine started again: as long as Docker's restart policies want to see
# before they call a start successful. One that was just started otherwise: as long as a program needs to fail.
_UP_AFTER_RESTART = 10.0
_UP_AT_FIRST = 1.0
_VERBS = {"started": "run", "healthy": "become healthy"}
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,6})?\d*(Z|[+-]\d\d:\d\d)")


class NotReadyError(LinklabError):
    """A container did not become what was waited for."""


@dataclass(frozen=True)
class _Look:
    """What a container's description says about one condition.

    Attributes:
        final: waiting cannot change it.
        seconds: after which it is ready if nothing happens; 0 where only something that happens makes it so.
    """

    ready: bool
    final: bool
    text: str
    seconds: float = 0.0


def wait_until(
    engine: Engine, conditions: Mapping[str, str], timeout: float, started: Container[str] = frozenset()
) -> None:
    """Return once all containers are as wanted.

    Args:
        conditions: C(started) or C(healthy) by the container's name. A container without a healthcheck is healthy when
            it runs.
        timeout: seconds.
        started: names of those that were just started. One of them that the engine starts again whenever it ends must
            stay up for a moment.

    Raises:
        NotReadyError: with the state, the healthcheck's last words and the end of the log of each that is not.
    """
    deadline = time.monotonic() + timeout
    wait = _Wait(engine, started)
    # Often all is well at once, and nobody need listen.
    pending = wait.still_pending(conditions)
    while pending:
        left = deadline - time.monotonic()
        silence = max(0.1, min(left, wait.seconds(pending)))
        # The events come first: what happens between looking and listening would be missed.
        with _open_events(engine, silence) as events:
            pending = wait.still_pending(pending)
            if pending and left <= 0:
                raise NotReadyError(wait.describe(pending, "did not {} within " + f"{timeout:g} s"))
            until = min(deadline - silence, time.monotonic() + silence)
            while pending and (name := next(events.names, "")):
                wait.note_end(name, events.ended)
                pending = wait.look_again(pending, name)
                if time.monotonic() > until:
                    break


class _Wait:
    """What was seen of the containers that are waited for."""

    def __init__(self, engine: Engine, started: Container[str]) -> None:
        self._engine = engine
        self._started = started
        self._looks: dict[str, _Look] = {}
        # How containers ended that the engine started again, by name: of one that runs again it says no more.
        self._ended: dict[str, str] = {}

    def seconds(self, pending: Iterable[str]) -> float:
        """Return after how long the containers are to be looked at again though nothing happened."""
        return min(_SILENCE, *(self._looks[name].seconds or _SILENCE for name in pending))

    def still_pending(self, pending: Mapping[str, str]) -> dict[str, str]:
        """Look at all; return those that are not ready, raise NotReadyError if some never will be."""
        self._looks.update({name: self._look(name, condition) for name, condition in pending.items()})
        lost = {name: condition for name, condition in pending.items() if self._looks[name].final}
        if lost:
            raise NotReadyError(self.describe(lost, "does not {}"))
        return {name: condition for name, condition in pending.items() if not self._looks[name].ready}

    def note_end(self, name: str, code: str) -> None:
        """Keep the exit code of a run that an event is about; empty if it is about something else."""
        if code:
            self._ended[name] = f" with exit code {code}"

    def look_again(self, pending: Mapping[str, str], name: str) -> dict[str, str]:
        if name not in pending:
            return dict(pending)
        rest = {other: condition for other, condition in pending.items() if other != name}
        return {**rest, **self.still_pending({name: pending[name]})}

    def describe(self, pending: Mapping[str, str], what: str) -> str:
        """Return what keeps containers from their conditions. what: says it with C({}) for the verb."""
        return "; ".join(
            f"{name} {what.format(_VERBS[condition])}:"
            f" {_story(self._engine, name, condition, self._ended.get(name, ''))}"
            for name, condition in pending.items()
        )

    def _look(self, name: str, condition: str) -> _Look:
        try:
            raw = self._engine.container(name)
        except NotFound:
            return _Look(ready=False, final=True, text="it does not exist")
        state = raw.get("State") or {}
        if state.get("Status") == "restarting":
            self._ended[name] = how_it_ended(state)
        look = assess(raw, condition)
        first = look.ready and name in self._started and is_kept_up(raw)
        if not (look.seconds or first):
            return look
        # The engine's clock, not this host's: only then the two times belong together.
        up = seconds_between(_started_at(raw), self._engine.get("/info").get("SystemTime") or "")
        left = (look.seconds or _UP_AT_FIRST) - up
        if left <= 0:
            return _Look(ready=True, final=False, text="")
        return _Look(ready=False, final=False, text=look.text or "it was just started", seconds=left)


class _Events:
    """The engine's stream of events about containers, from now on.

    Attributes:
        names: of the containers to which something happens; ends once nothing happens for a while.
        ended: the exit code, if the last of them ended.
    """

    def __init__(self, response: Stream) -> None:
        self._response = response
        self.ended = ""
        self.names = self._read()

    def __enter__(self) -> _Events:
        return self

    def __exit__(self, *_error: object) -> None:
        self._response.close()

    def _read(self) -> Iterator[str]:
        # A silence, or a connection that breaks.
        with suppress(OSError, AnswerError):
            for line in self._response.iter_lines():
                name, self.ended = _name_in(line)
                yield name


def _name_in(event: bytes) -> tuple[str, str]:
    """Return the name of the container that an event is about, and the exit code if it says that it ended.

    An event that cannot be read is about none.
    """
    with suppress(ValueError, KeyError, TypeError, AttributeError, RecursionError):
        found = json.loads(event)["Actor"]["Attributes"]
        return str(found.get("name") or "?"), str(found.get("exitCode") or "")
    return "?", ""


def _open_events(engine: Engine, silence: float) -> _Events:
    filters = {"type": ["container"], "event": ["health_status", "start", "die", "destroy", "rename"]}
    params = {"filters": json.dumps(filters)}
    return _Events(open_stream(engine, "GET", "/events", params=params, timeout=silence))


def assess(raw: Mapping[str, Json], condition: str) -> _Look:
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
    count = raw.get("RestartCount")
    again = f"it was started again {_times(count)}, as it ended by itself" if count else ""
    if condition == "healthy" and health not in ("", "none", "healthy"):
        return _Look(ready=False, final=False, text=", ".join(filter(None, (f"its health is {health}", again))))
    if again and not (condition == "healthy" and health == "healthy"):
        # It runs at this moment. Whether it stays up shows only in how long it has.
        return _Look(ready=False, final=False, text=again, seconds=_UP_AFTER_RESTART)
    return _Look(ready=True, final=False, text="")


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def is_kept_up(raw: Mapping[str, Json]) -> bool:
    """Whether the engine starts a container again when it ends by itself."""
    policy = (raw.get("HostConfig") or {}).get("RestartPolicy") or {}
    return (policy.get("Name") or "no") != "no"


def _started_at(raw: Mapping[str, Json]) -> str:
    return (raw.get("State") or {}).get("StartedAt") or ""


def seconds_between(earlier: str, later: str) -> float:
    """Return the seconds between two times as the engine writes them; for ever if one cannot be read."""
    found = [_TIME.fullmatch(text) for text in (earlier, later)]
    if None in found:
        return math.inf
    moments = [
        datetime.fromisoformat(f"{match[1]}{(match[2] or '.0'):0<7}{match[3].replace('Z', '+00:00')}")
        for match in found
        if match is not None
    ]
    return (moments[1] - moments[0]).total_seconds()


# -- what keeps a container from it -----------------------------------------------------------------------------------


def _story(engine: Engine, name: str, condition: str, ended: str) -> str:
    """Return what keeps a container from its condition. ended: how an earlier run of it did, empty if not seen."""
    try:
        raw = engine.container(name)
    except NotFound:
        return "it does not exist"
    state = raw.get("State") or {}
    parts = [assess(raw, condition).text]
    if ended and state.get("Status") == "running":
        parts.append(f"it last ended{ended}")
    if (state.get("Health") or {}).get("Log") and condition == "healthy":
        parts.append(f"its healthcheck said: {in_one_line(last_healthcheck(raw)) or 'nothing'}")
    log = log_tail(engine, raw)
    parts.append(f"its log ends: {log}" if log else "its log is empty")
    return ", ".join(filter(None, parts))
