# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans for the way off legacy links: single ones. What holds for all is in test_plan_properties.py."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._compose.network import NetworkSpec
from ansible_collections.linklab.docker.plugins.module_utils._engine.info import EngineInfo
from ansible_collections.linklab.docker.plugins.module_utils._errors import Refusal
from ansible_collections.linklab.docker.plugins.module_utils._migrate.observe import MARK
from ansible_collections.linklab.docker.plugins.module_utils._migrate.plan import plan_migrate
from ansible_collections.linklab.docker.plugins.module_utils._migrate.spec import MigrateSpec
from ansible_collections.linklab.docker.plugins.module_utils._model.endpoint import Link
from ansible_collections.linklab.docker.plugins.module_utils._model.state import Endpoint, Network
from ansible_collections.linklab.docker.plugins.module_utils._plan.migrate_actions import (
    BakeEnvironment,
    ExchangeLinks,
    LeaveBridge,
    RedirectNames,
    RemoveLinks,
)
from ansible_collections.linklab.docker.plugins.module_utils._plan.plan import Attach, Disruption, Plan
from migrate_model import World, ident

DEFAULT = MigrateSpec(create=NetworkSpec("x"))
GAP = replace(DEFAULT, gap_allowed=True)
LEAVE = replace(DEFAULT, leave_bridge=True)
BAKE = replace(DEFAULT, bake=True)


def names(plan: Plan) -> list[str]:
    return [action.name for action in plan.actions]


def subjects(plan: Plan, kind: type) -> list[str]:
    return [action.subject for action in plan.actions if isinstance(action, kind)]


def settings_of(plan: Plan, name: str) -> t.Any:
    return next(one.settings for one in plan.actions if isinstance(one, Attach) and one.container.name == name)


def pair(**fields: t.Any) -> World:
    """A client that finds a database as C(db)."""
    world = World()
    world.container("database", **fields)
    world.container("client")
    world.link("client", "database", "db")
    return world


def refusal(world: World, spec: MigrateSpec = DEFAULT, **changes: t.Any) -> str:
    with pytest.raises(Refusal) as refused:
        plan_migrate(spec, replace(world.state(spec), **changes))
    message = str(refused.value)
    assert message.endswith("Nothing was changed.")
    return message


# -- single plans -----------------------------------------------------------------------------------------------------


def test_a_pair_moves_without_a_gap():
    plan = plan_migrate(DEFAULT, pair().state(DEFAULT))
    assert names(plan) == ["create_network", "attach", "attach", "redirect_names", "remove_links"]
    assert plan.actions[0].subject == "links-database"
    assert subjects(plan, RedirectNames) == ["db of client"]
    assert settings_of(plan, "database").aliases == ("db",)
    assert settings_of(plan, "client").links == ()
    assert MARK in settings_of(plan, "client").driver_opts
    assert [str(action.disruption) for action in plan.actions] == ["none"] * 4 + ["reconnect"]


def test_a_pair_moves_with_a_gap():
    plan = plan_migrate(GAP, pair().state(GAP))
    assert names(plan) == ["create_network", "attach", "exchange_links"]
    assert plan.actions[1].subject == "database on links-database"


def test_a_pair_that_leaves_the_bridge_does_so_source_first():
    plan = plan_migrate(LEAVE, pair().state(LEAVE))
    assert names(plan)[3:] == ["redirect_names", "leave_bridge", "remove_links", "leave_bridge"]
    assert subjects(plan, LeaveBridge) == ["client", "database"]
    # Off the bridge nothing happens to the source.
    assert next(one for one in plan.actions if isinstance(one, RemoveLinks)).disruption is Disruption.NONE
    with pytest.raises(Refusal, match="leave_bridge: false"):
        plan.allow(Disruption.NONE)


def test_an_alias_that_is_the_targets_name_needs_nothing():
    world = World()
    world.container("database")
    world.container("client")
    world.link("client", "database", "database")
    plan = plan_migrate(DEFAULT, world.state(DEFAULT))
    assert settings_of(plan, "database").aliases == ()
    assert settings_of(plan, "client").links == ()


def test_one_alias_for_two_targets_becomes_two_network_links():
    world = World()
    for name in ("first", "second", "client", "other"):
        world.container(name)
    world.link("client", "first", "db")
    world.link("other", "second", "db")
    world.link("other", "first", "main")
    plan = plan_migrate(DEFAULT, world.state(DEFAULT))
    assert settings_of(plan, "client").links == (Link("first", "db"),)
    assert settings_of(plan, "other").links == (Link("second", "db"),)
    assert settings_of(plan, "first").aliases == ("main",)
    assert settings_of(plan, "second").aliases == ()


def test_aliases_that_differ_in_case_alone_are_one_name_to_the_resolver():
    world = World()
    for name in ("first", "second", "client", "other"):
        world.container(name)
    world.link("client", "first", "The_DB")
    world.link("other", "second", "the_db")
    world.link("other", "first", "SECOND")
    plan = plan_migrate(DEFAULT, world.state(DEFAULT))
    assert settings_of(plan, "client").links == (Link("first", "The_DB"),)
    distinct = {Link("second", "the_db"), Link("second", "second"), Link("first", "SECOND")}
    assert set(settings_of(plan, "other").links) == distinct
    assert not settings_of(plan, "first").aliases
    assert not any("leads to either" in text for text in plan.warnings)


def test_a_target_that_is_on_the_network_already_keeps_its_endpoint_and_the_connections_over_it():
    world = pair()
    world.apply(plan_migrate(DEFAULT, world.state(DEFAULT)))
    world.container("later")
    world.link("later", "database", "store")
    plan = plan_migrate(DEFAULT, world.state(DEFAULT))
    assert names(plan) == ["attach", "redirect_names", "remove_links"]
    assert settings_of(plan, "later").links == (Link("database", "store"),)


def test_a_stranger_on_the_network_sees_no_alias():
    world = pair()
    world.network("backend")
    world.container("stranger")
    world.join("stranger", "backend")
    plan = plan_migrate(replace(DEFAULT, network="backend"), world.state(DEFAULT))
    assert settings_of(plan, "database").aliases == ()
    assert settings_of(plan, "client").links == (Link("database", "db"),)


def test_a_name_that_another_has_on_a_further_network_of_the_source_becomes_a_network_link():
    """That network may be asked first; network links win wherever they are."""
    world = pair()
    world.network("backend")
    world.container("stranger")
    world.join("stranger", "backend", aliases=("database",))
    world.join("client", "backend")
    plan = plan_migrate(DEFAULT, world.state(DEFAULT))
    assert set(settings_of(plan, "client").links) == {Link("database", "db"), Link("database", "database")}


def test_an_endpoint_that_is_there_keeps_what_it_has():
    world = pair()
    world.network("backend")
    world.join("client", "backend", aliases=("kept",), links=(Link("later", "l"),))
    spec = replace(DEFAULT, network="backend")
    world.container("stranger")
    world.join("stranger", "backend")
    plan = plan_migrate(spec, world.state(spec))
    reattach = next(one for one in plan.actions if one.name == "reattach")
    assert reattach.settings.aliases == ("kept",)
    assert set(reattach.settings.links) == {Link("later", "l"), Link("database", "db")}


def test_a_stopped_source_needs_nothing_inside():
    world = World()
    world.container("database")
    world.container("client", "exited")
    world.link("client", "database", "db")
    plan = plan_migrate(DEFAULT, world.state(DEFAULT))
    assert names(plan) == ["create_network", "attach", "attach", "remove_links"]
    assert plan.actions[-1].disruption is Disruption.NONE


def test_a_chain_is_exchanged_targets_first_and_redirected_sources_first():
    world = World()
    for name in ("z-back", "m-middle", "front", "a-middle", "z-front"):
        world.container(name)
    world.link("front", "m-middle", "m")
    world.link("m-middle", "z-back", "b")
    world.link("z-front", "a-middle", "m")
    world.link("a-middle", "z-back", "b")
    exchanged = subjects(plan_migrate(GAP, world.state(GAP)), ExchangeLinks)
    assert exchanged == ["b of a-middle", "m of z-front", "b of m-middle", "m of front"]
    plan = plan_migrate(LEAVE, world.state(LEAVE))
    assert subjects(plan, RemoveLinks) == ["m of front", "b of m-middle", "m of z-front", "b of a-middle"]
    # So each can leave the bridge before, and none has to come back to it.
    assert {one.disruption for one in plan.actions if isinstance(one, RemoveLinks)} == {Disruption.NONE}


def test_a_circle_is_exchanged_at_once():
    world = World()
    for name in ("left", "right"):
        world.container(name)
    world.link("left", "right", "r")
    world.link("right", "left", "l")
    assert subjects(plan_migrate(GAP, world.state(GAP)), ExchangeLinks) == ["l of right; r of left"]


def test_a_source_that_was_on_a_network_of_its_own_takes_the_way_without_a_gap():
    world = pair()
    world.network("mine")
    world.join("client", "mine")
    plan = plan_migrate(GAP, world.state(GAP))
    assert "redirect_names" in names(plan)
    assert not subjects(plan, ExchangeLinks)
    # So does one that left that network again: its resolver is the engine's own since then.
    one = world.containers[ident("client")]
    world.containers[one.id] = replace(one, endpoints={"bridge": one.endpoints["bridge"]})
    assert not subjects(plan_migrate(GAP, world.state(GAP)), ExchangeLinks)


def test_groups_move_to_networks_of_their_own():
    world = pair()
    for name in ("app", "cache"):
        world.container(name)
    world.link("app", "cache", "c")
    plan = plan_migrate(DEFAULT, world.state(DEFAULT))
    assert [one.subject for one in plan.actions if one.name == "create_network"] == ["links-cache", "links-database"]


def test_a_target_of_another_container_stays_on_the_bridge():
    world = pair()
    world.container("other")
    world.link("other", "database", "db")
    spec = replace(LEAVE, containers=("client",))
    plan = plan_migrate(spec, world.state(spec))
    assert subjects(plan, LeaveBridge) == ["client"]
    assert any("database stays on the bridge" in text for text in plan.warnings)
    assert not any("of database move off the bridge" in text for text in plan.warnings)


def test_what_an_earlier_run_left_on_the_bridge_leaves_it_later():
    world = pair()
    world.apply(plan_migrate(DEFAULT, world.state(DEFAULT)))
    assert plan_migrate(DEFAULT, world.state(DEFAULT)).actions == ()
    plan = plan_migrate(LEAVE, world.state(LEAVE))
    assert subjects(plan, LeaveBridge) == ["database", "client"]
    world.apply(plan)
    assert plan_migrate(LEAVE, world.state(LEAVE)).actions == ()


def test_a_link_that_came_back_goes_again_and_disturbs_nothing():
    """The engine has it again after a restart of its daemon."""
    world = pair()
    world.apply(plan_migrate(LEAVE, world.state(LEAVE)))
    world.link("client", "database", "db")
    plan = plan_migrate(LEAVE, world.state(LEAVE))
    assert names(plan) == ["remove_links"]
    assert plan.actions[0].disruption is Disruption.NONE


def test_off_the_bridge_a_link_that_leads_nowhere_goes_as_well():
    world = pair()
    world.apply(plan_migrate(LEAVE, world.state(LEAVE)))
    world.link("client", "database", "db")
    del world.containers[ident("database")]
    assert names(plan_migrate(LEAVE, world.state(LEAVE))) == ["remove_links"]


# -- with the environment ---------------------------------------------------------------------------------------------


def test_a_baked_source_is_recreated_with_the_names_in_its_variables():
    world = pair(env=["MYSQL_ROOT_PASSWORD=geheim"], ports={"3306/tcp": {}})
    plan = plan_migrate(BAKE, world.state(BAKE))
    assert names(plan) == ["create_network", "attach", "recreate_container"]
    bake = next(one for one in plan.actions if isinstance(one, BakeEnvironment))
    assert "DB_PORT_3306_TCP_ADDR=db" in bake.variables
    assert "DB_ENV_MYSQL_ROOT_PASSWORD=geheim" in bake.variables
    assert "geheim" not in repr(plan.actions) + plan.text()
    with pytest.raises(Refusal, match="set environment: report"):
        plan.allow(Disruption.RECONNECT)
    world.apply(plan)
    assert world.resolve(ident("client"), "db") == ident("database")


def test_a_chain_is_baked_from_its_front():
    world = World()
    for name in ("back", "middle", "front"):
        world.container(name)
    world.link("front", "middle", "m")
    world.link("middle", "back", "b")
    world.apply(plan_migrate(BAKE, world.state(BAKE)))
    assert not world.links


def test_a_circle_cannot_be_baked():
    world = World()
    for name in ("left", "right"):
        world.container(name)
    world.link("left", "right", "r")
    world.link("right", "left", "l")
    assert "linked in a circle" in refusal(world, BAKE)


# -- refused ----------------------------------------------------------------------------------------------------------


def test_what_does_not_exist_is_named():
    spec = replace(DEFAULT, containers=("clint",))
    assert "container clint does not exist (did you mean client?)" in refusal(pair(), spec)
    spec = MigrateSpec(network="nowhere")
    assert "network nowhere does not exist" in refusal(pair(), spec)
    assert "create: {}" in refusal(pair(), spec)


def test_a_target_that_is_gone():
    world = pair()
    del world.containers[ident("database")]
    message = refusal(world)
    assert "the target of the link gone:db of client was removed" in message
    assert "state: absent" in message


def test_a_container_of_the_hosts_network_that_is_named():
    world = pair()
    world.container("agent", network_mode="host")
    assert "agent uses the host's network" in refusal(world, replace(DEFAULT, containers=("agent",)))


def test_a_source_that_restarts():
    world = World()
    world.container("database")
    world.container("client", "restarting")
    world.link("client", "database", "db")
    assert "client restarts again and again" in refusal(world)


def test_a_name_that_leads_to_itself_without_the_link():
    world = World()
    world.container("database")
    world.container("client", hostname="db")
    world.link("client", "database", "db")
    assert "which is also its own host name" in refusal(world)


def test_a_network_link_of_that_name_that_leads_elsewhere():
    world = pair()
    world.network("backend")
    world.join("client", "backend", links=(Link("other", "db"),))
    world.container("stranger")
    world.join("stranger", "backend")
    spec = replace(DEFAULT, network="backend")
    assert "its endpoint on backend has a link other:db" in refusal(world, spec)


def test_a_line_of_the_users_that_would_win_over_the_names_of_the_network():
    world = pair()
    world.hosts[ident("client")] += "192.0.2.9 store DB # by hand\n"
    text = refusal(world)
    assert "the line '192.0.2.9 store DB # by hand'" in text and "remove it" in text
    assert "192.0.2.9" in refusal(world, GAP)
    # That file does not outlive the container.
    assert plan_migrate(BAKE, world.state(BAKE)).actions


@pytest.mark.parametrize("line", ["{database}\tdb\n", "# 192.0.2.9 db\n", "192.0.2.9\tdb2\n"])
def test_lines_that_do_not_win_over_the_names_of_the_network(line):
    world = pair()
    database = world.containers[ident("database")].endpoints["bridge"].ipv4
    world.hosts[ident("client")] += line.format(database=database)
    assert plan_migrate(DEFAULT, world.state(DEFAULT)).actions


def test_links_whose_names_cross():
    """While both lines are in the hosts file, each name leads to two containers."""
    world = World()
    for name in ("one", "two", "client"):
        world.container(name)
    world.link("client", "one", "two")
    world.link("client", "two", "one")
    text = refusal(world)
    assert "in the hosts file of client, two is the alias of the link one:two and a name of two:one as well" in text
    assert "set name_gap: allowed" in text
    # There the lines go before the names lead to the network.
    for spec in (GAP, BAKE):
        assert plan_migrate(spec, world.state(spec)).actions


def test_names_that_only_the_line_of_a_link_has_are_kept():
    """The name that the target had when the source started, and what somebody wrote behind it."""
    world = pair()
    key = ident("client")
    world.hosts[key] = world.hosts[key].replace(" database\n", " old mydb\n")
    plan = plan_migrate(DEFAULT, world.state(DEFAULT))
    assert settings_of(plan, "database").aliases == ("db", "mydb", "old")
    world.container("old")
    world.link("old", "database", "db")
    world.link("client", "old", "o")
    plan = plan_migrate(DEFAULT, world.state(DEFAULT))
    assert settings_of(plan, "database").aliases == ("db", "mydb")


def test_nothing_with_a_shell():
    assert "set name_gap: allowed" in refusal(pair(), shells=frozenset())
    assert plan_migrate(GAP, replace(pair().state(GAP), shells=frozenset())).actions


def test_a_published_port_that_would_be_lost():
    world = World()
    world.container("database", host={"PortBindings": {"3306/tcp": [{"HostPort": "3306"}]}})
    world.container("client")
    world.link("client", "database", "db")
    spec = replace(LEAVE, create=NetworkSpec("x", internal=True))
    assert "database publishes 3306/tcp, which is lost off the bridge" in refusal(world, spec)
    assert plan_migrate(replace(spec, leave_bridge=False), world.state(spec)).actions


def test_subnets_of_one_network_for_several():
    world = pair()
    for name in ("app", "cache"):
        world.container(name)
    world.link("app", "cache", "c")
    spec = replace(DEFAULT, create=NetworkSpec("x", subnets=({"subnet": "10.94.0.0/24"},)))
    assert "create: ipam has the subnets of one network" in refusal(world, spec)


def test_the_default_bridge_by_its_id():
    spec = replace(DEFAULT, network="b0" * 32)
    assert "names do not resolve on the default bridge" in refusal(pair(), spec)


def test_a_requested_mac_address_that_the_way_back_to_the_bridge_would_lose():
    world = pair()
    world.info = EngineInfo("1.45", "26.1")
    one = world.containers[ident("client")]
    end = replace(one.endpoints["bridge"], requested_mac="02:42:00:00:00:07")
    world.containers[one.id] = replace(one, endpoints={"bridge": end})
    assert "02:42:00:00:00:07" in refusal(world)
    assert plan_migrate(LEAVE, world.state(LEAVE)).actions


# -- told -------------------------------------------------------------------------------------------------------------


def warnings(world: World, spec: MigrateSpec = DEFAULT) -> str:
    return "\n".join(plan_migrate(spec, world.state(spec)).warnings)


def test_the_variables_that_vanish_are_reported_by_their_names_alone():
    world = pair(env=["MYSQL_ROOT_PASSWORD=geheim", "LANG=C"])
    text = warnings(world)
    assert "client has 3 environment variables from its links" in text
    assert "what look like secrets (DB_ENV_MYSQL_ROOT_PASSWORD)" in text
    assert "geheim" not in text
    assert "client has 1 environment variable from its links" in warnings(pair())
    world.info = EngineInfo("1.52", "29.1")
    assert "environment variable" not in warnings(world)


def test_what_the_engine_keeps_of_a_link_is_reported():
    assert "Run the task with leave_bridge: true" in warnings(pair())
    assert "off the bridge that has no effect" in warnings(pair(), LEAVE)


def test_ports_and_routes_that_change_are_reported():
    world = World()
    world.container("database")
    one = world.container("client")
    raw = {**one.raw, "NetworkSettings": {"Ports": {"80/tcp": [{"HostPort": "32768"}], "81/tcp": [{"HostPort": "81"}]}}}
    raw["HostConfig"] = {"PortBindings": {"80/tcp": [{"HostPort": ""}], "81/tcp": [{"HostPort": "81"}]}}
    world.containers[one.id] = replace(one, raw=raw)
    world.link("client", "database", "db")
    assert "the engine chose the host ports of client for 80/tcp, and chooses others" in warnings(world)
    text = warnings(world, LEAVE)
    assert "the default route and the published ports of client move off the bridge" in text


def test_an_internal_network_is_a_way_out_of_nothing():
    world = pair()
    spec = replace(LEAVE, create=NetworkSpec("x", internal=True))
    assert "client has no way out any more off the bridge" in warnings(world, spec)


def test_a_network_that_differs_from_create_is_reported():
    world = pair()
    world.nets["backend"] = Network("77" * 32, "backend", driver="bridge", internal=False)
    spec = replace(DEFAULT, network="backend", create=NetworkSpec("x", internal=True))
    assert "network backend exists with internal False" in warnings(world, spec)


def test_a_phantom_endpoint_on_the_network_is_fixed_first():
    world = pair()
    world.network("links-database")
    one = world.containers[ident("database")]
    world.containers[one.id] = replace(one, endpoints={**one.endpoints, "links-database": Endpoint("links-database")})
    plan = plan_migrate(DEFAULT, world.state(DEFAULT))
    attach = next(one for one in plan.actions if isinstance(one, Attach) and one.container.name == "database")
    assert "half made" in attach.reason
