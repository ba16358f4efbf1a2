# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task says when a step of it fails: what was wanted, what the engine said, what the outcome was."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._apply.stages import apply
from ansible_collections.linklab.docker.plugins.module_utils._engine.info import EngineInfo
from ansible_collections.linklab.docker.plugins.module_utils._errors import (
    ApplyError,
    EngineError,
    LinklabError,
    Refusal,
    Unreachable,
)
from ansible_collections.linklab.docker.plugins.module_utils._module import task as module_task
from ansible_collections.linklab.docker.plugins.module_utils._module.common import CONNECTION_OPTIONS
from ansible_collections.linklab.docker.plugins.module_utils._module.task import Task, converge
from ansible_collections.linklab.docker.plugins.module_utils._plan.plan import Action, Disruption, Plan, stages

Json = t.Any

PARAMS = {**{name: option.get("default") for name, option in CONNECTION_OPTIONS.items()}, "disruption": "reconnect"}
FULL = EngineError(500, "no space left on device", "GET /containers/box/json")
GONE = Unreachable("no answer from the Docker Engine at unix:///sock to POST /things: it went away.")


class Paint(Action):
    name = "paint"

    @property
    def subject(self) -> str:
        return "the box"


PAINT = Paint("it is grey", Disruption.NONE)


class FakeEngine:
    info = EngineInfo("1.41")

    def __init__(self, _connection: object = None) -> None:
        pass

    def clone(self) -> FakeEngine:
        return self


@pytest.fixture(autouse=True)
def _no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module_task, "Engine", FakeEngine)


def task(looks: t.Iterable[t.Any], settle: Json = None, do: Json = None) -> Task[None, Json]:
    """A task that sees these things in turn, raises those of them that are errors, and paints what is grey."""
    seen = iter(looks)

    def observe(_engine: object, _spec: None) -> Json:
        found = next(seen)
        if isinstance(found, Exception):
            raise found
        return found

    def plan(_spec: None, state: Json) -> Plan:
        if state == "refused":
            raise Refusal("the box is gone. Nothing was changed.")
        return Plan(stages(([(PAINT,)], 1) if state == "grey" else ([], 1)))

    executors = {Paint: do or (lambda _engine, _action: ())}
    return Task(lambda _params: None, observe, plan, lambda _spec, state: {"state": state}, lambda: executors, settle)


def run(one: Task[None, Json], *, check_mode: bool = False) -> dict[str, Json]:
    return converge(PARAMS, one, check_mode=check_mode, warn=lambda _text: None)


@pytest.mark.parametrize("error", [FULL, GONE])
def test_a_first_look_that_fails_has_changed_nothing(error):
    with pytest.raises(LinklabError) as failure:
        run(task([error]))
    assert str(failure.value) == f"could not read what is there: {str(error).rstrip('.')}. Nothing was changed."


@pytest.mark.parametrize("error", [FULL, GONE])
def test_a_look_that_fails_after_the_changes_does_not_hide_them(error):
    with pytest.raises(ApplyError) as failure:
        run(task(["grey", error]))
    assert failure.value.done == (PAINT,)
    assert str(failure.value).startswith("every change was made, but what came of it is not known: ")
    assert str(error).rstrip(".") in str(failure.value)


def test_what_cannot_be_planned_after_the_changes_does_not_say_that_nothing_was_changed():
    with pytest.raises(ApplyError) as failure:
        run(task(["grey", "refused"]))
    assert failure.value.done == (PAINT,)
    assert str(failure.value) == "every change was made, but what came of it is not known: the box is gone."


def test_waiting_that_fails_does_not_hide_the_changes():
    def settle(*_given: Json) -> bool:
        raise FULL

    with pytest.raises(ApplyError) as failure:
        run(task(["grey", "red"], settle))
    assert failure.value.done == (PAINT,)


def test_waiting_that_fails_where_nothing_was_to_be_done_has_changed_nothing():
    def settle(*_given: Json) -> bool:
        raise FULL

    with pytest.raises(LinklabError, match=r"no space left on device\. Nothing was changed\.$") as failure:
        run(task(["red"], settle))
    assert not isinstance(failure.value, ApplyError)


def test_what_is_as_wanted_is_looked_at_once():
    assert run(task(["red"]))["changed"] is False
    assert run(task(["grey"]), check_mode=True)["changed"] is True
    assert run(task(["grey", "red"]))["state"] == "red"


def test_a_change_that_does_nothing_is_tried_again_and_then_told():
    with pytest.raises(ApplyError, match=r"did something else change it.*paint the box: it is grey") as failure:
        run(task(["grey"] * 4))
    assert failure.value.done == (PAINT,) * 3


def test_what_something_else_changed_back_is_changed_again():
    result = run(task(["grey", "grey", "red"]))
    assert [action["action"] for action in result["actions"]] == ["paint", "paint"]
    assert result["state"] == "red"


def test_what_something_else_changed_meanwhile_is_planned_again():
    errors = iter([ApplyError("it was changed", retryable=True), None])

    def do(_engine: object, _action: Paint) -> None:
        if error := next(errors):
            raise error

    assert run(task(["grey", "grey", "red"], do=do))["changed"]


def test_what_was_changed_meanwhile_and_is_well_is_no_failure():
    def do(_engine: object, _action: Paint) -> None:
        raise ApplyError("it was changed", retryable=True)

    result = run(task(["grey", "red"], do=do))
    assert result["state"] == "red"
    assert not result["changed"]


def test_a_recreate_is_not_repeated():
    again = Paint("it is grey", Disruption.RECREATE)
    one = task(["grey", "grey"])
    plan = Plan(stages(([(again,)], 1)))
    params = {**PARAMS, "disruption": "recreate"}
    with pytest.raises(ApplyError, match="not as wanted"):
        converge(params, replace(one, plan=lambda _spec, _state: plan), check_mode=False, warn=lambda _text: None)


# -- carrying out -----------------------------------------------------------------------------------------------------


def carried_out(error: Exception, *, number: int = 1, workers: int = 1) -> ApplyError:
    """Carry out a plan of so many actions, the last of which fails; return the error."""
    actions = [Paint(f"reason {index}", Disruption.NONE) for index in range(number)]

    def do(_engine: object, action: Paint) -> None:
        if action is actions[-1]:
            raise error

    with pytest.raises(ApplyError) as failure:
        apply(t.cast("Json", FakeEngine()), Plan(stages(([(one,) for one in actions], workers))), {Paint: do})
    return failure.value


def test_what_the_engine_refuses_is_reported_with_what_was_wanted():
    failure = carried_out(FULL)
    assert str(failure) == "could not paint the box: no space left on device. Nothing was changed by that."
    assert not failure.may_have_changed


def test_a_change_whose_answer_is_lost_may_have_been_made():
    failure = carried_out(GONE)
    assert str(failure) == f"could not paint the box: {str(GONE).rstrip('.')}. It may have been done all the same."
    assert failure.may_have_changed


def test_what_was_made_before_is_reported():
    failure = carried_out(FULL, number=3)
    assert str(failure).endswith("Of 3 changes, 2 were made and stay; the rest is as it was.")
    assert len(failure.done) == 2
    assert carried_out(GONE, number=3).may_have_changed


def test_what_was_made_at_the_same_time_is_reported():
    failure = carried_out(GONE, number=3, workers=2)
    made = "1 was made and stays" if len(failure.done) == 1 else f"{len(failure.done)} were made and stay"
    assert f"Of 3 changes, {made}" in str(failure)
    assert failure.may_have_changed
