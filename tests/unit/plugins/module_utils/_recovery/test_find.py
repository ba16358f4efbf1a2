# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long runs are waited for that may be dead. The clock is the test's own."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._errors import NotFound
from ansible_collections.linklab.docker.plugins.module_utils._recovery import find as recovery_find
from ansible_collections.linklab.docker.plugins.module_utils._recovery.find import find_all_interrupted, waiting_notes
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

    def __init__(self, there: dict[str, tuple[str, str]]) -> None:
        self.there = there
        self.looks = 0
        self.on_look: dict[int, t.Callable[[], object]] = {}

    def containers(self, **_filters: Json) -> Json:
        self.on_look.get(self.looks, int)()
        self.looks += 1
        return [{"Id": ident, "Names": [f"/{name}"], "State": state} for name, (ident, state) in self.there.items()]

    def container(self, ref: str) -> Json:
        for name, (ident, state) in self.there.items():
            if ref in (name, ident):
                return {"Id": ident, "Name": f"/{name}", "State": {"Status": state}, "Config": {"StopTimeout": GRACE}}
        raise NotFound(404, "no such container", "GET")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    one = Clock()
    monkeypatch.setattr(recovery_find, "time", one)
    return one


def begun(count: int) -> Model:
    """Return an engine where as many replacements were begun, and nothing else happened yet."""
    there = {}
    for number in range(count):
        old, new = f"{number:064x}", f"{number + 100:064x}"
        there[f"box{number}"] = (old, "running")
        there[successor_name(f"box{number}", old, Before.RUNNING)] = (new, "created")
    return Model(there)


def find(model: Model, *names: str, **options: Json) -> Json:
    return find_all_interrupted(t.cast("Json", model), names, **options)


def test_all_are_waited_for_at_once(clock):
    found = find(begun(8), *(f"box{number}" for number in range(8)))
    assert {left.exchange.verdict for left in found.values()} == {Verdict.BACK}
    assert len(found) == 8
    assert 10 + GRACE <= clock.now - 100 < 10 + GRACE + 1
    (note,) = waiting_notes(found)
    assert note.startswith("waited 17 seconds for another run that may have been changing box0, box1, box2,")


def test_where_nothing_is_left_nobody_waits(clock):
    assert find(begun(3), "other", "another") == {}
    assert find(begun(3)) == {}
    assert clock.now == 100
    assert waiting_notes({}) == ()


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
    assert found["box1"].exchange is None
    assert found["box1"].waited
    assert "box1" not in waiting_notes(found)[0]


def test_a_sign_of_life_begins_the_wait_again(clock):
    model = begun(1)
    new = successor_name("box0", f"{0:064x}", Before.RUNNING)
    model.on_look[20] = lambda: model.there.update({new: (f"{100:064x}", "running")})
    find(model, "box0")
    assert clock.now - 100 >= 20 * 0.25 + 10 + GRACE


def test_a_short_wait_is_not_worth_a_word(clock):
    assert waiting_notes(find(begun(1), "box0", patience=0)) == ()
