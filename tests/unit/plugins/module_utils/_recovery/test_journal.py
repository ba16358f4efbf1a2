# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is read in the journal, and how long runs are waited for that may be dead. The clock is the test's own."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._engine.info import EngineInfo
from ansible_collections.linklab.docker.plugins.module_utils._errors import NotFound
from ansible_collections.linklab.docker.plugins.module_utils._model.find import find_container
from ansible_collections.linklab.docker.plugins.module_utils._plan.plan import Plan
from ansible_collections.linklab.docker.plugins.module_utils._plan.restorations import Note, NotedEndpoint
from ansible_collections.linklab.docker.plugins.module_utils._recovery import endpoint_notes
from ansible_collections.linklab.docker.plugins.module_utils._recovery import journal as recovery_journal
from ansible_collections.linklab.docker.plugins.module_utils._recovery.journal import (
    Journal,
    find_leftovers,
    read_journal,
    recovered,
    recoveries,
    with_recovery,
)
from ansible_collections.linklab.docker.plugins.module_utils._recovery.names import (
    Before,
    Verdict,
    helper_name,
    predecessor_name,
    successor_name,
)
from one_by_one import OneByOne

Json = t.Any

GRACE = 7


class Clock:
    now = 100.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Model(OneByOne):
    """Containers by name: ID and state. on_look: what happens at a look, by the number of the look."""

    info = EngineInfo("1.41")

    def __init__(self, there: dict[str, tuple[str, str]]) -> None:
        self.there = there
        self.config: Json = {}
        self.looks = 0
        self.on_look: dict[int, t.Callable[[], object]] = {}

    def containers(self, **_filters: Json) -> Json:
        self.on_look.get(self.looks, int)()
        self.looks += 1
        return [{"Id": ident, "Names": [f"/{name}"], "State": state} for name, (ident, state) in self.there.items()]

    def container(self, ref: str) -> Json:
        for name, (ident, state) in self.there.items():
            if ref in (name, ident):
                config = {"StopTimeout": GRACE, "Entrypoint": ["none"] if ".linklab-unlink." in name else ["sh"]}
                return {
                    "Id": ident,
                    "Name": f"/{name}",
                    "State": {"Status": state},
                    "Config": {**config, **self.config},
                }
        raise NotFound(404, "no such container", "GET")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    one = Clock()
    monkeypatch.setattr(endpoint_notes, "time", one)
    return one


def begun(count: int) -> Model:
    """Return an engine where as many replacements were begun, and nothing else happened yet."""
    there = {}
    for number in range(count):
        old, new = f"{number:064x}", f"{number + 100:064x}"
        there[f"box{number}"] = (old, "running")
        there[successor_name(f"box{number}", old, Before.RUNNING)] = (new, "created")
    return Model(there)


def find(model: Model, *names: str, **options: Json) -> Journal:
    return read_journal(t.cast("Json", model), names, **options)


def test_all_are_waited_for_at_once(clock):
    found = find(begun(8), *(f"box{number}" for number in range(8)))
    assert {left.exchange and left.exchange.verdict for left in found.changes.values()} == {Verdict.BACK}
    assert len(found.changes) == 8
    assert found.waited
    assert 10 + GRACE <= clock.now - 100 < 10 + GRACE + 1
    (note,) = found.warnings
    assert note.startswith("waited 17 seconds for another run that may have been changing box0, box1, box2,")


def test_where_nothing_is_left_nobody_waits(clock):
    assert find(begun(3), "other", "another") == find(begun(3)) == Journal()
    assert clock.now == 100
    assert Journal().warnings == Journal().problems == ()


@pytest.mark.parametrize(
    "there, seconds",
    [
        # The old container may be stopping.
        ({"box": ("a" * 64, "running"), successor_name("box", "a" * 64, Before.RUNNING): ("b" * 64, "created")}, 17),
        # It is down, and its files may be on their way.
        ({"box": ("a" * 64, "exited"), successor_name("box", "a" * 64, Before.RUNNING): ("b" * 64, "created")}, 17),
        # A successor that runs may be stopping, since something failed.
        ({"box": ("b" * 64, "running"), predecessor_name("box", "b" * 64, Before.RUNNING): ("a" * 64, "exited")}, 17),
        # Nothing is stopped any more.
        ({"box": ("b" * 64, "created"), predecessor_name("box", "b" * 64, Before.RUNNING): ("a" * 64, "exited")}, 10),
        ({"box": ("a" * 64, "running"), helper_name("box", "a" * 64): ("b" * 64, "created")}, 10),
    ],
)
def test_a_wait_is_as_long_as_what_may_be_going_on(clock, there, seconds):
    find(Model(there), "box")
    assert seconds <= clock.now - 100 < seconds + 1


def test_a_run_that_comes_to_its_end_meanwhile_was_alive(clock):
    model = begun(2)
    done = successor_name("box1", f"{1:064x}", Before.RUNNING)
    model.on_look[3] = lambda: model.there.pop(done)
    found = find(model, "box0", "box1")
    assert set(found.changes) == {"box0"}
    assert found.waited
    assert "box1" not in found.warnings[0]


def test_a_sign_of_life_begins_the_wait_again(clock):
    model = begun(1)
    new = successor_name("box0", f"{0:064x}", Before.RUNNING)
    model.on_look[20] = lambda: model.there.update({new: (f"{100:064x}", "running")})
    find(model, "box0")
    assert clock.now - 100 >= 20 * 0.25 + 10 + GRACE


def test_a_short_wait_is_not_worth_a_word(clock):
    assert find(begun(1), "box0", patience=0).warnings == ()


def test_one_wait_and_one_warning_for_all_that_dead_runs_left(clock, monkeypatch):
    note = Note("n", "linklab-endpoints-1", (NotedEndpoint(OLD, "other", "net", {}),))
    monkeypatch.setattr(recovery_journal, "notes_now", lambda *_args: [note])
    journal = find(Model({helper_name("box", OLD): (MARK, "created"), "box": (OLD, "running")}), "box", noted=["other"])
    # The longer of the two, not their sum.
    assert 10 <= clock.now - 100 < 11
    (warning,) = journal.warnings
    assert warning.startswith("waited 10 seconds for another run that may have been changing box, other; it gave no")
    assert with_recovery(Plan(), journal, {}).warnings == (warning,)


# -- what counts ------------------------------------------------------------------------------------------------------

OLD, NEW, MARK = "a" * 64, "b" * 64, "c" * 64


@pytest.mark.parametrize("state, config", [("running", {}), ("exited", {}), ("created", {"Entrypoint": ["sh"]})])
def test_what_could_run_or_did_is_no_mark_of_a_removal_of_links(state, config):
    model = Model({"box": (OLD, "running"), helper_name("box", OLD): (MARK, state)})
    model.config = config
    assert find(model, "box", patience=0) == Journal()
    assert find_leftovers(t.cast("Json", model), "box") == ()


def test_what_belongs_to_nobody_is_a_problem():
    there = {"box": (OLD, "running"), predecessor_name("box", "0" * 64, Before.RUNNING): (NEW, "exited")}
    (problem,) = find(Model(there), "box", patience=0).problems
    assert "box.linklab-old.000000000000.running is left of an interrupted replacement of box" in problem


# -- as it will be ----------------------------------------------------------------------------------------------------


def seen(model: Model, journal: Journal) -> Json:
    engine = t.cast("Json", model)
    there = recovered(engine, journal, "box", find_container(engine, "box"))
    return there and there.container


def test_a_container_is_seen_as_it_will_be_once_all_is_put_right():
    """Its replacement was interrupted, as were a removal of its links and a change of an endpoint."""
    there = {predecessor_name("box", NEW, Before.RUNNING): (OLD, "exited"), helper_name("box", OLD): (MARK, "created")}
    found = find(Model(there), "box", patience=0)
    note = Note("d" * 64, "linklab-endpoints-1", (NotedEndpoint(OLD, "box", "net", {"Aliases": ["kept"]}),))
    box = seen(Model(there), Journal(found.changes, (note,)))
    assert (box.id, box.name, box.status) == (OLD, "box", "running")
    assert set(box.endpoints) == {"bridge", "net"}
    assert box.endpoints["net"].away
    assert box.endpoints["net"].settings.aliases == ("kept",)
    assert len(list(recoveries(found, {"box": box}))) == 2


def test_a_mark_brings_no_other_container_to_the_bridge():
    model = Model({"box": (NEW, "running"), helper_name("box", OLD): (MARK, "created")})
    found = find(model, "box", patience=0)
    box = seen(model, found)
    assert box.endpoints == {}
    assert [action.name for action in recoveries(found, {"box": box})] == ["recover"]


def test_what_cannot_be_judged_stays_as_it_is():
    model = Model({"box": (NEW, "running"), successor_name("box", "0" * 64, Before.RUNNING): (OLD, "created")})
    found = find(model, "box", patience=0)
    assert found.problems
    assert seen(model, found) == find_container(t.cast("Json", model), "box")
