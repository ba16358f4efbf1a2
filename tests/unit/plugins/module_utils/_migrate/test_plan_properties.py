# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds for the plans for every link graph, on a model of the engine."""

from __future__ import annotations

import typing as t

from ansible_collections.linklab.docker.plugins.module_utils._errors import Refusal
from ansible_collections.linklab.docker.plugins.module_utils._migrate.plan import plan_migrate
from ansible_collections.linklab.docker.plugins.module_utils._plan.plan import Disruption, Plan, Stage
from hypothesis import assume, given
from migrate_model import World, specs, worlds

if t.TYPE_CHECKING:
    from ansible_collections.linklab.docker.plugins.module_utils._migrate.spec import MigrateSpec


def planned(world: World, spec: MigrateSpec) -> Plan:
    """The plan; graphs whose names are not possible (an alias that is a host name or a target's name) are left out."""
    try:
        return plan_migrate(spec, world.state(spec))
    except Refusal as exc:
        assert any(words in str(exc) for words in ("which is also its own host name", "is the alias of", "exist")), exc
        assume(False)
        raise


@given(worlds(), specs())
def test_after_a_plan_nothing_is_left_to_do_and_every_name_leads_where_it_led(world, spec):
    wanted = world.wanted(spec)
    plan = planned(world, spec)
    world.apply(plan)

    assert plan_migrate(spec, world.state(spec)).actions == ()
    assert not [link for link in world.links if spec.containers is None or (link in wanted)]
    for (key, name), target in wanted.items():
        if world.containers[key].live:
            assert world.resolve(key, name) == target or not world.containers[target].live, name
        # As it will be once it restarts.
        assert world.resolve_by_network(key, name) == target, name


@given(worlds(), specs(gap=False))
def test_without_a_gap_every_name_leads_to_its_target_after_each_step(world, spec):
    wanted = {
        (key, name): target
        for (key, name), target in world.wanted(spec).items()
        if world.containers[key].live and world.containers[target].live and world.resolve(key, name) == target
    }

    def check(action: t.Any) -> None:
        for (key, name), target in wanted.items():
            assert world.resolve(key, name) == target, (action.text(), name)

    world.apply(planned(world, spec), check)


@given(worlds(), specs())
def test_no_target_leaves_the_bridge_while_a_link_leads_to_it(world, spec):
    def check(_action: t.Any) -> None:
        for (source, _alias), target in world.links.items():
            on_bridge = "bridge" in world.containers[source].endpoints
            assert not on_bridge or "bridge" in world.containers[target].endpoints

    assume(all("bridge" in one.endpoints for one in world.containers.values()))
    world.apply(planned(world, spec), check)


@given(worlds(), specs())
def test_no_resolver_is_lost_and_nothing_but_the_bridge_is_left(world, spec):
    before = {key: set(one.endpoints) for key, one in world.containers.items()}
    world.apply(planned(world, spec))
    assert not world.lost
    for key, one in world.containers.items():
        assert set(one.endpoints) >= before[key] - {"bridge"}
        assert spec.leave_bridge or "bridge" in one.endpoints


@given(worlds(), specs())
def test_only_what_runs_is_disturbed_and_nothing_is_recreated(world, spec):
    for action in planned(world, spec).actions:
        assert action.disruption <= Disruption.RECONNECT
        container = getattr(action, "container", None)
        if container is not None and not container.live:
            assert action.disruption is Disruption.NONE


@given(worlds(), specs())
def test_an_interrupted_run_is_finished_by_the_next_one(world, spec):
    """Whatever step is the last one that came to its end."""
    wanted = world.wanted(spec)
    plan = planned(world, spec)
    for number in range(len(plan.actions)):
        again = World(*world.containers.values())
        again.links, again.hosts = dict(world.links), dict(world.hosts)
        again.nets, again.resolver = dict(world.nets), set(world.resolver)
        again.apply(Plan((Stage((plan.actions[: number + 1],)),)))
        again.apply(plan_migrate(spec, again.state(spec)))
        assert plan_migrate(spec, again.state(spec)).actions == ()
        for (key, name), target in wanted.items():
            assert again.resolve_by_network(key, name) == target, (number, name)
