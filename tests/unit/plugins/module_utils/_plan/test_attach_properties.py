# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds for all plans for attachments, on a model of the engine."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ansible_collections.linklab.docker.plugins.module_utils._errors import Refusal
from ansible_collections.linklab.docker.plugins.module_utils._model.state import automatic_aliases
from ansible_collections.linklab.docker.plugins.module_utils._plan.attach import AttachState, plan_attach
from ansible_collections.linklab.docker.plugins.module_utils._plan.plan import (
    Attach,
    Detach,
    Disruption,
    EndpointAction,
    Plan,
    Reattach,
)
from attach_model import NETWORK, NETWORK_ID, Model, tasks
from hypothesis import assume, given, note, target
from hypothesis import strategies as st

if t.TYPE_CHECKING:
    from ansible_collections.linklab.docker.plugins.module_utils._compose.attachment import AttachSpec


def planned(spec: AttachSpec, state: AttachState) -> Plan:
    """Plan, and leave this example out if the task is refused."""
    try:
        return plan_attach(spec, state)
    except Refusal as refusal:
        note(str(refusal))
        assume(False)
        raise


@given(tasks(), st.randoms(use_true_random=False))
def test_planning_after_applying_gives_nothing(task, random):
    model, wanted = task
    done = planned(wanted, model.state())
    note(done.text())
    target(float(len(done.actions)))

    model.apply(done, lambda units: random.sample(units, len(units)))

    assert plan_attach(wanted, model.state()).text() == ""


@given(tasks())
def test_a_plan_touches_no_endpoint_on_another_network(task):
    model, wanted = task
    elsewhere = {
        one.name: {name: end for name, end in one.endpoints.items() if name != NETWORK}
        for one in model.containers.values()
    }
    done = planned(wanted, model.state())

    model.apply(done)

    for action in done.actions:
        if isinstance(action, EndpointAction):
            assert action.network == NETWORK
            assert action.network_ref in (NETWORK, NETWORK_ID)
    for one in model.containers.values():
        assert {name: end for name, end in one.endpoints.items() if name != NETWORK} == elsewhere[one.name]


@given(tasks(), st.sampled_from(Disruption))
def test_a_plan_that_is_allowed_under_a_cap_holds_no_action_above_it(task, cap):
    model, wanted = task
    done = planned(wanted, model.state())
    try:
        done.allow(cap)
    except Refusal as refusal:
        over = [action for action in done.actions if action.disruption > cap]
        assert over
        assert all(action.describe() in str(refusal) for action in over)
    else:
        assert all(action.disruption <= cap for action in done.actions)


@given(tasks())
def test_no_plan_recreates_a_container_and_what_does_not_run_is_never_disturbed(task):
    model, wanted = task
    for action in planned(wanted, model.state()).actions:
        assert action.disruption < Disruption.RECREATE
        if not isinstance(action, Reattach) or not action.container.live:
            assert action.disruption == Disruption.NONE


@given(tasks(), st.randoms(use_true_random=False))
def test_the_order_of_the_desired_endpoints_does_not_matter(task, random):
    model, wanted = task
    other = Model(model.info, model.containers.values(), model.network)
    mixed = replace(
        wanted, desired_endpoints=tuple(random.sample(wanted.desired_endpoints, len(wanted.desired_endpoints)))
    )

    first, second = planned(wanted, model.state()), plan_attach(mixed, other.state())
    model.apply(first)
    other.apply(second)

    assert sorted(action.text() for action in first.actions) == sorted(action.text() for action in second.actions)
    assert {frozenset(map(str, unit)) for stage in first.stages for unit in stage.units} == {
        frozenset(map(str, unit)) for stage in second.stages for unit in stage.units
    }
    assert model.settings() == other.settings()


@given(tasks(), st.randoms(use_true_random=False))
def test_names_and_ids_give_the_same_plan(task, random):
    model, wanted = task
    state = model.state()
    renamed = replace(
        wanted,
        desired_endpoints=tuple(
            replace(one, container=random.choice([found.name, found.id, found.short_id]))
            for one in wanted.desired_endpoints
            for found in [state.containers[one.container]]
        ),
    )

    assert planned(wanted, state) == plan_attach(renamed, state)


@given(tasks(missing=False, present=True))
def test_settings_that_a_task_does_not_give_survive_every_change(task):
    model, wanted = task
    state = model.state()
    asked = {state.containers[one.container].id: one.settings for one in wanted.desired_endpoints}

    for action in planned(wanted, state).actions:
        if not isinstance(action, (Attach, Reattach)):
            continue
        there = action.container.endpoints.get(NETWORK)
        if there is None:
            continue
        kept = set(there.settings.given()) - set(asked[action.container.id].given())
        if isinstance(action, Attach):
            # A failed connect: its addresses may be what made it fail.
            kept -= {"ipv4_address", "ipv6_address"}
        for name in kept:
            assert getattr(action.settings, name) == getattr(there.settings, name), name
        if isinstance(action, Reattach) and model.info.speaks("1.54") and there.mac:
            assert action.settings.mac_address == (asked[action.container.id].mac_address or there.mac)


@given(tasks(missing=False, present=True))
def test_what_is_added_is_there_afterwards_and_so_is_all_that_was(task):
    model, wanted = task
    state = model.state()
    before = model.settings()
    model.apply(planned(wanted, state))
    after = model.settings()
    for one in wanted.desired_endpoints:
        container = state.containers[one.container]
        there, now, asked = before.get(container.name), after[container.name], one.settings
        automatic = automatic_aliases(container.id, container.hostname, model.info)
        if "aliases" in one.added and asked.aliases is not None:
            kept = set(there.aliases or ()) if there is not None else set()
            assert set(now.aliases or ()) - automatic == (kept | set(asked.aliases)) - automatic
        if "links" in one.added and asked.links is not None:
            kept = {link.alias: link for link in there.links or ()} if there is not None else {}
            found = {link.alias: link for link in now.links or ()}
            assert set(found) == {*kept, *(link.alias for link in asked.links)}
            assert all(
                found[alias] == link for alias, link in kept.items() if alias not in {a.alias for a in asked.links}
            )


@given(tasks(missing=False, present=True))
def test_containers_that_pass_an_address_on_are_in_one_unit(task):
    model, wanted = task
    state = model.state()
    done = planned(wanted, state)
    unit_of = {
        action.container.id: index
        for index, unit in enumerate(unit for stage in done.stages for unit in stage.units)
        for action in unit
        if isinstance(action, (Attach, Reattach))
    }
    leaving = {action.container.id for action in done.actions if isinstance(action, Detach)}
    for action in done.actions:
        if isinstance(action, (Attach, Reattach)):
            for holder, member in state.network.members.items():
                if holder not in leaving and {member.ipv4, member.ipv6} & {
                    action.settings.ipv4_address,
                    action.settings.ipv6_address,
                }:
                    assert unit_of[holder] == unit_of[action.container.id]


@given(tasks(missing=False, purge=True))
def test_purge_detaches_exactly_the_containers_that_are_not_named(task):
    model, wanted = task
    state = model.state()
    named = {state.containers[one.container].id for one in wanted.desired_endpoints}
    attached = {one.id for one in model.containers.values() if NETWORK in one.endpoints}

    purged = [action for action in planned(wanted, state).actions if "purge" in action.reason]

    assert all(isinstance(action, Detach) for action in purged)
    assert sorted(action.container.id for action in purged) == sorted(attached - named)


@given(tasks(missing=False, present=False))
def test_absent_detaches_what_is_named_and_attaches_nothing(task):
    model, wanted = task
    state = model.state()
    named = {state.containers[one.container].name for one in wanted.desired_endpoints}
    done = planned(wanted, state)

    model.apply(done)

    assert all(isinstance(action, Detach) for action in done.actions)
    assert not named & set(model.settings())


@given(tasks())
def test_a_plan_changes_each_endpoint_once_and_tells_why(task):
    model, wanted = task
    done = planned(wanted, model.state())
    subjects = [action.subject for action in done.actions]
    assert len(subjects) == len(set(subjects))
    assert all(action.reason for action in done.actions)
    assert len(done.text().splitlines()) == len(done.actions)
