# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds for all plans for topologies, on a model of the engine."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._errors import Refusal
from ansible_collections.linklab.docker.plugins.module_utils._plan.plan import Disruption
from hypothesis import assume, event, given, note
from hypothesis import strategies as st
from topology_model import (
    FOREIGN,
    carry_out,
    check,
    converge,
    do_by_hand,
    hands,
    new_engine,
    plan,
    rewired,
    tasks,
)

if t.TYPE_CHECKING:
    from engine_model import EngineModel

Json = t.Any
Hands = t.Sequence[tuple[str, str, str]]


def converge_or_skip(engine: EngineModel, task: dict[str, Json]) -> None:
    """Converge; a task that is refused is no example."""
    try:
        found = plan(engine, task)
    except Refusal as exc:
        event(f"refused: {str(exc)[:60]}")
        assume(False)
    note(found.text())
    carry_out(engine, found)
    check(engine, task)


def made(task: dict[str, Json], some: Hands = ()) -> EngineModel:
    """Return an engine on which a task was carried out, and something was done by hand afterwards."""
    engine = new_engine()
    converge_or_skip(engine, task)
    do_by_hand(engine, some)
    return engine


@given(tasks())
def test_a_second_run_has_nothing_to_do(task: dict[str, Json]) -> None:
    engine = made(task)
    before = engine.changes
    assert plan(engine, task).text() == ""
    assert engine.changes == before


@given(tasks(), hands(), tasks(), hands())
def test_from_any_state_one_run_converges(
    first: dict[str, Json], some: Hands, second: dict[str, Json], more: Hands
) -> None:
    engine = made(first, some)
    converge_or_skip(engine, second)
    assert plan(engine, second).text() == ""
    do_by_hand(engine, more)
    converge_or_skip(engine, second)
    assert plan(engine, second).text() == ""


@given(st.data())
def test_networks_alone_never_recreate(data: st.DataObject) -> None:
    first = data.draw(tasks())
    engine = made(first)
    second = data.draw(rewired(first))
    ids = {raw["Name"]: raw["Id"] for raw in engine.raw.values()}
    found = plan(engine, second)
    assert all(action.disruption < Disruption.RECREATE for action in found.actions)
    carry_out(engine, found)
    check(engine, second)
    assert plan(engine, second).text() == ""
    assert {raw["Name"]: raw["Id"] for raw in engine.raw.values()} == ids


@given(tasks(), hands(), tasks(), st.sampled_from(Disruption))
def test_a_plan_that_is_allowed_disrupts_no_more_than_the_cap(
    first: dict[str, Json], some: Hands, second: dict[str, Json], cap: Disruption
) -> None:
    engine = made(first, some)
    try:
        found = plan(engine, second)
    except Refusal:
        assume(False)
    over = [action for action in found.actions if action.disruption > cap]
    if over:
        with pytest.raises(Refusal):
            found.allow(cap)
    else:
        found.allow(cap)


@given(tasks(), hands(), st.booleans())
def test_absent_leaves_nothing_with_the_label_and_all_else(task: dict[str, Json], some: Hands, volumes: bool) -> None:
    engine = new_engine()
    engine.create_container("stranger", {"Image": "plain"})
    engine.start("stranger")
    converge_or_skip(engine, task)
    do_by_hand(engine, some)
    absent = {"name": "lab", "state": "absent", "volumes": volumes}
    converge(engine, absent)
    assert plan(engine, absent).text() == ""
    assert {raw["Name"] for raw in engine.raw.values()} == {"/stranger"}
    assert {net["Name"] for net in engine.nets.values()} == {"bridge", "host", "none", FOREIGN}


@given(tasks(), tasks())
def test_what_others_own_is_left_alone(first: dict[str, Json], second: dict[str, Json]) -> None:
    engine = made(first)
    other = {
        "name": "other",
        "networks": {"theirs": {"ipam": {"config": [{"subnet": "10.96.0.0/24"}]}}},
        "containers": {"their": {"image": "plain", "networks": ["theirs"]}},
    }
    converge(engine, other)
    theirs = engine.container("their")
    converge_or_skip(engine, {**second, "purge": True})
    assert engine.container("their") == theirs
    converge(engine, {"name": "lab", "state": "absent"})
    assert engine.container("their") == theirs


@given(tasks(), st.lists(st.sampled_from(["one", "two", "three", "four"]), unique=True, min_size=1))
def test_an_attachment_by_hand_to_networks_of_others_is_kept(task: dict[str, Json], names: list[str]) -> None:
    engine = made(task, [("connect", name, FOREIGN) for name in names])
    there = {raw["Name"] for raw in engine.raw.values() if FOREIGN in raw["NetworkSettings"]["Networks"]}
    assert plan(engine, task).text() == ""
    assert {raw["Name"] for raw in engine.raw.values() if FOREIGN in raw["NetworkSettings"]["Networks"]} == there
