# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers that no engine gives: what one gave, with something wrong in it.

The engine behind the proxy is the real one; whoever stands in its place may say anything at all.
"""

from __future__ import annotations

import json
import random
import re
import secrets
import typing as t
from collections import Counter

from refusal import without_tasks
from socket_proxy import Fault, Request, SocketProxy

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from module_server import ModuleRun, ModuleServer

Json = t.Any

_GONE = object()
# What stands in the place of something else. The marks become what json.dumps() does not write.
_MARKS = {"<nan>": b"NaN", "<half>": b'"\\ud800"', "<long>": b"9" * 5000, "<deep>": b"[" * 3000 + b"]" * 3000}
_VALUES: tuple[Json, ...] = (
    *(_GONE, None, True, -1, 2**31, 2**70, 1.5, 1e308, "", "x", "../x", "\0", "/", ":", "\x1b[2J\n", "٤", "x" * 5000),
    *([], [None], [[]], ["x"], [{}], {}, {"": None}, {"x": []}, {"x": {"x": "x"}}, "999.1.1.1", "::/0", "10.0.0.0/99"),
    *([[[[[[]]]]]], [0], "1e9", "-1", "0001-01-01T00:00:00Z", "9999-99-99T99:99:99.9Z", *_MARKS),
)
_BODIES = (
    b"",
    b"nonsense",
    b"null",
    b"[]",
    b"{}",
    b"0",
    b'"x"',
    b"[" * 100000,
    b"\xff\xfe",
    b"{}{}",
    b'[null, {"Id": 5}]',
)
# What cannot be said any clearer: one line that is no Python.
_INNARDS = re.compile(r"Traceback|\n|<class|object at 0x")


def spoiled(body: bytes, rng: random.Random) -> bytes:
    """Return a body with one thing in it, or all of it, replaced."""
    try:
        whole = json.loads(body)
    except ValueError:
        return rng.choice(_BODIES)
    if rng.random() < 0.1:
        return rng.choice(_BODIES)
    places = list(_places(whole))
    if not places:
        return json.dumps([rng.choice(_VALUES[1:])]).encode()
    holder, key = rng.choice(places)
    value = rng.choice(_VALUES)
    if value is _GONE:
        del holder[key]
    else:
        holder[key] = value
    text = json.dumps(whole).encode()
    for mark, raw in _MARKS.items():
        text = text.replace(json.dumps(mark).encode(), raw)
    return text


def _places(value: Json) -> Iterator[tuple[Json, Json]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in inside:
        yield value, key
        yield from _places(inner)


class OddEngine:
    """Runs tasks against an engine one of whose answers is odd.

    Attributes:
        tried: how often each kind of request was answered oddly.
        acted: whether the last task sent a request that can change anything.
    """

    def __init__(self, server: ModuleServer, folder: Path, engine_socket: str, seed: int) -> None:
        self.tried: Counter[str] = Counter()
        self.acted = False
        self._server, self._folder, self._socket = server, folder, engine_socket
        self._rng = random.Random(seed)  # noqa: S311 - the same in each run

    def requests(self, name: str, params: Mapping[str, Json], *, check: bool) -> list[Request]:
        """Return the requests of a task that nothing disturbs."""
        run, proxy = self._run(name, params, check, lambda _request: None)
        # One that is refused has read all the same.
        assert run.result is not None, run
        return proxy.requests

    def problems(self, name: str, params: Mapping[str, Json], kind: str, *, check: bool) -> Iterator[str]:
        """Run a task, with an odd answer to one of the requests of a kind; say what is wrong with how it ends."""
        said: list[bytes] = []

        def say(body: bytes) -> bytes:
            said.append(spoiled(body, self._rng))
            return said[-1]

        def decide(request: Request) -> Fault | None:
            return Fault("say", say=say) if not said and request.kind == kind else None

        run, _proxy = self._run(name, params, check, decide)
        self.tried[kind] += bool(said)
        answered = repr(said[0][:3000]) if said else "nothing odd"
        if run.result is None or "Traceback" in run.stderr:
            yield f"{name}: no result where {kind} was answered with {answered}: {run.stdout[:500]} {run.stderr}"
        elif run.failed and _INNARDS.search(without_tasks(str(run.result["msg"]))):
            yield f"{name}: innards where {kind} was answered with {answered}: {run.result['msg']}"

    def run(self, name: str, params: Mapping[str, Json]) -> ModuleRun:
        """Run a task that nothing disturbs."""
        return self._server.run(name, {"docker_host": f"unix://{self._socket}", **params})

    def _run(self, name: str, params: Mapping[str, Json], check: bool, fault: Json) -> tuple[ModuleRun, SocketProxy]:
        proxy = SocketProxy(self._folder / secrets.token_hex(4), self._socket)
        proxy.fault = fault
        try:
            return self._server.run(name, {**params, "docker_host": proxy.url}, check=check), proxy
        finally:
            self.acted = bool(proxy.changing)
            proxy.close()
