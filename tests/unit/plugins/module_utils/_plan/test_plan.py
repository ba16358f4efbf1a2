# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans: actions in their order, what they are called, and the cap on disruption."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._compose.network import NetworkSpec
from ansible_collections.linklab.docker.plugins.module_utils._errors import Refusal
from ansible_collections.linklab.docker.plugins.module_utils._model.endpoint import EndpointSettings
from ansible_collections.linklab.docker.plugins.module_utils._model.state import ContainerState, Endpoint
from ansible_collections.linklab.docker.plugins.module_utils._plan.plan import (
    Action,
    Attach,
    CreateNetwork,
    Detach,
    Disruption,
    Plan,
    Reattach,
    Stage,
    singly,
    stages,
)
from hypothesis import given
from hypothesis import strategies as st

BOX = ContainerState("1" * 64, "box", "running")
WHERE = (BOX, "net", "a" * 64)


@dataclass(frozen=True)
class Rebuild(Action):
    name = "rebuild_it"
    instead = "A network needs no rebuild."

    what: str = "box"

    @property
    def subject(self) -> str:
        return self.what


def rebuild(level: Disruption, what: str = "box") -> Rebuild:
    return Rebuild("it is old", level, what)


def plan(*actions: Action) -> Plan:
    return Plan(tuple(Stage(((action,),)) for action in actions))


ACTIONS = [
    (
        CreateNetwork("why", Disruption.NONE, NetworkSpec("net")),
        "create_network",
        "net",
        "+ create network net: why [none]",
    ),
    (
        Attach("why", Disruption.NONE, *WHERE, EndpointSettings()),
        "attach",
        "box on net",
        "+ attach box on net: why [none]",
    ),
    (
        Reattach("why", Disruption.RECONNECT, *WHERE, EndpointSettings(), Endpoint("net")),
        "reattach",
        "box on net",
        "~ reattach box on net: why [reconnect]",
    ),
    (Detach("why", Disruption.NONE, *WHERE), "detach", "box on net", "- detach box on net: why [none]"),
    (rebuild(Disruption.RECREATE), "rebuild_it", "box", "~ rebuild it box: it is old [recreate]"),
]


@pytest.mark.parametrize("action, name, subject, line", ACTIONS)
def test_an_action_is_returned_as_data_and_shown_as_one_line(action, name, subject, line):
    assert action.as_dict() == {
        "action": name,
        "subject": subject,
        "reason": action.reason,
        "disruption": str(action.disruption),
    }
    assert action.text() == line


def test_an_action_without_a_subject_cannot_be_told():
    with pytest.raises(NotImplementedError):
        Action("why", Disruption.NONE).describe()


def test_disruptions_are_ordered_and_read_as_they_are_written():
    assert Disruption.NONE < Disruption.RECONNECT < Disruption.RECREATE
    assert [str(level) for level in Disruption] == ["none", "reconnect", "recreate"]
    assert [Disruption.parse(str(level)) for level in Disruption] == list(Disruption)


def test_an_empty_plan_says_nothing_and_is_always_allowed():
    empty = Plan()
    assert (empty.actions, empty.text(), empty.warnings) == ((), "", ())
    empty.allow(Disruption.NONE)


def test_a_plan_lists_its_actions_in_the_order_of_stages_and_units():
    one, two, three = (rebuild(Disruption.NONE, what) for what in "abc")
    assert Plan((Stage(((one, two),)), Stage(((three,),)))).actions == (one, two, three)
    assert Plan((Stage(((one,),)), Stage(((two,),)))).text() == one.text() + "\n" + two.text() + "\n"


@given(st.lists(st.sampled_from(Disruption), max_size=5), st.sampled_from(Disruption))
def test_a_plan_is_allowed_exactly_if_no_action_is_above_the_cap(levels, cap):
    made = plan(*(rebuild(level, f"box{index}") for index, level in enumerate(levels)))
    over = [index for index, level in enumerate(levels) if level > cap]
    if not over:
        made.allow(cap)
        return
    with pytest.raises(Refusal) as refusal:
        made.allow(cap)
    message = str(refusal.value)
    for index, level in enumerate(levels):
        assert (f"box{index} ({level})" in message) == (index in over)
    assert message.endswith(f"set disruption: {max(levels)}.")


def test_a_refusal_tells_the_reason_once_the_less_disruptive_way_and_what_to_set():
    with pytest.raises(Refusal) as refusal:
        plan(rebuild(Disruption.RECREATE, "a"), rebuild(Disruption.RECREATE, "b")).allow(Disruption.RECONNECT)
    assert str(refusal.value) == (
        "nothing was changed, because this needs more than disruption=reconnect allows: rebuild it a (recreate): it is"
        " old; rebuild it b (recreate): it is old. A network needs no rebuild. To let it happen, set disruption:"
        " recreate."
    )


def test_a_refusal_without_another_way_offers_none():
    action = Reattach("why", Disruption.RECONNECT, *WHERE, EndpointSettings(), Endpoint("net"))
    with pytest.raises(Refusal, match=r"reattach box on net \(reconnect\): why\. To let it happen"):
        plan(action).allow(Disruption.NONE)


def test_stages_without_units_are_left_out():
    one = (rebuild(Disruption.NONE),)
    assert stages(([], 4), ([one], 2), (iter([]), 1)) == (Stage((one,), 2),)


def test_actions_that_do_not_depend_on_each_other_are_units_of_their_own():
    one, two = rebuild(Disruption.NONE), rebuild(Disruption.RECREATE)
    assert stages((singly([one, two]), 2), (singly([]), 1)) == (Stage(((one,), (two,)), 2),)
