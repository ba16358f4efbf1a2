# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every way in which a replacement can be interrupted, and its repair too: nothing is lost, and it comes to an end.

The order of the requests is tried here, on a model that knows names and states. What the engine does with each of them
is tried on a real one (tests/integration/engine/test_replace.py).
"""

from __future__ import annotations

import itertools
import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._apply.recover import recover
from ansible_collections.linklab.docker.plugins.module_utils._apply.replacement import (
    Exchange,
    _exchange,
    _remove_old,
    roll_back,
)
from ansible_collections.linklab.docker.plugins.module_utils._engine.info import EngineInfo
from ansible_collections.linklab.docker.plugins.module_utils._errors import (
    Conflict,
    EngineError,
    LinklabError,
    NotFound,
)
from ansible_collections.linklab.docker.plugins.module_utils._model.find import find_container
from ansible_collections.linklab.docker.plugins.module_utils._plan.plan import Disruption
from ansible_collections.linklab.docker.plugins.module_utils._recovery.journal import Recover, read_journal
from ansible_collections.linklab.docker.plugins.module_utils._recovery.names import Before, successor_name
from mortal_client import KilledError
from one_by_one import OneByOne

Json = t.Any

OLD, NEW = "a" * 64, "b" * 64
UP = ("running", "paused")
STATUS = {Before.STOPPED: "exited", Before.RUNNING: "running", Before.PAUSED: "paused"}


class Model(OneByOne):
    """Two containers that change places: names and states, and what must never happen to them."""

    info = EngineInfo("1.41", "20.10.24")

    def __init__(self, before: Before) -> None:
        self.before = before
        self.names = {OLD: "box", NEW: successor_name("box", OLD, before)}
        self.states = {OLD: STATUS[before], NEW: "created"}
        # Requests until the process dies, and until one fails; both counted down to zero.
        self.dies = self.fails = 10**6

    def _change(self, ident: str) -> None:
        if self.dies == 0:
            raise KilledError
        self.dies -= 1
        self.fails -= 1
        if self.fails == -1:
            raise EngineError(500, "fault", "POST")
        if ident not in self.names:
            raise NotFound(404, "no such container", "POST")

    def container(self, ref: str) -> Json:
        for ident, name in self.names.items():
            if ref in (ident, name):
                state = {"Status": self.states[ident]}
                return {"Id": ident, "Name": f"/{name}", "State": state, "Config": {}, "HostConfig": {}}
        raise NotFound(404, "no such container", "GET")

    def containers(self, **_filters: list[str]) -> Json:
        return [{"Id": ident, "Names": [f"/{name}"], "State": self.states[ident]} for ident, name in self.names.items()]

    def logs(self, _container: str, _tail: int) -> bytes:
        return b""

    def rename(self, ident: str, name: str) -> None:
        self._change(ident)
        if name in self.names.values():
            raise Conflict(409, "name in use", "POST")
        self.names[ident] = name

    def start(self, ident: str) -> None:
        self._change(ident)
        assert not any(self.states[other] in UP for other in self.names if other != ident), "both would run at once"
        assert self.names[ident] == "box", "started under another name"
        self.states[ident] = "running"

    def stop(self, ident: str, _grace: int) -> None:
        self._change(ident)
        self.states[ident] = "exited"

    def post(self, path: str, **_params: str) -> None:
        ident = path.split("/")[2]
        self._change(ident)
        assert path.endswith("/pause")
        assert self.states[ident] == "running"
        self.states[ident] = "paused"

    def remove_container(self, ident: str, *, force: bool, volumes: bool) -> None:
        assert force
        assert not volumes, "the data would be gone"
        self._change(ident)
        other = NEW if ident == OLD else OLD
        assert self.names[other] == "box", "the other one has not taken over yet"
        if self.before is not Before.STOPPED:
            assert self.states[other] in UP, "the other one does not run yet"
        del self.names[ident]


def run(model: Model) -> None:
    """Exchange the containers, and undo it if that fails, as replace() does."""
    exchange = Exchange("box", OLD, NEW, model.before)
    engine = t.cast("t.Any", model)
    container = find_container(engine, OLD)
    assert container is not None
    try:
        if model.before is not Before.STOPPED:
            engine.stop(OLD, 0)
        _exchange(engine, container, exchange, settle=0)
    except LinklabError:
        roll_back(engine, exchange)
    else:
        _remove_old(engine, exchange)


def repair(model: Model) -> None:
    """Do what the next run does."""
    engine = t.cast("t.Any", model)
    found = read_journal(engine, ["box"], patience=0).of("box").exchange
    if found is not None:
        recover(engine, Recover("", Disruption.NONE, found))


def until_killed(step: t.Callable[[Model], None], model: Model, dies: int) -> bool:
    """Run a step that is killed after some requests; return whether it got that far."""
    model.dies = dies
    try:
        step(model)
    except KilledError:
        return True
    return False


def check_end(model: Model) -> None:
    """One container is left, and it is as the old one was."""
    assert list(model.names.values()) == ["box"]
    (ident,) = model.names
    if model.before is Before.STOPPED:
        assert model.states[ident] in ("exited", "created")
    else:
        assert model.states[ident] == STATUS[model.before]


@pytest.mark.parametrize("before", list(Before))
def test_a_run_that_nothing_interrupts(before):
    model = Model(before)
    run(model)
    check_end(model)
    assert NEW in model.names


@pytest.mark.parametrize("before", list(Before))
def test_a_run_that_is_killed_and_whose_repairs_are_killed_too(before):
    tried = 0
    for first in itertools.count():
        if not until_killed(run, Model(before), first):
            break
        for second, third in itertools.product(range(8), repeat=2):
            model = Model(before)
            until_killed(run, model, first)
            until_killed(repair, model, second)
            until_killed(repair, model, third)
            until_killed(repair, model, 10**6)
            check_end(model)
            tried += 1
    assert tried >= 64 * 3


@pytest.mark.parametrize("before", list(Before))
def test_a_run_that_fails_and_whose_way_back_is_killed(before):
    for failing in range(8):
        for first, second in itertools.product(range(16), range(8)):
            model = Model(before)
            model.fails = failing
            until_killed(run, model, first)
            model.fails = 10**6
            until_killed(repair, model, second)
            until_killed(repair, model, 10**6)
            check_end(model)


@pytest.mark.parametrize("before", list(Before))
def test_a_way_back_that_fails_as_well(before):
    """The engine errs twice: what is left is put right by the next run."""
    for failing, again in itertools.product(range(8), range(8)):
        model = Model(before)
        model.fails = failing
        calls = itertools.count()
        original = model._change

        def change(
            ident: str,
            model: Model = model,
            calls: t.Iterator[int] = calls,
            original: t.Callable[[str], None] = original,
            second: int = failing + 1 + again,
        ) -> None:
            if next(calls) == second:
                raise EngineError(500, "fault", "POST")
            original(ident)

        model._change = change  # type: ignore[method-assign]
        run(model)
        model._change = original  # type: ignore[method-assign]
        model.fails = 10**6
        repair(model)
        check_end(model)
