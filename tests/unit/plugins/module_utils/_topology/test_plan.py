# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans for topologies: what single ones look like. What holds for all of them is in test_plan_properties.py."""

from __future__ import annotations

import typing as t
from unittest import mock

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._errors import ApplyError, Refusal
from ansible_collections.linklab.docker.plugins.module_utils._plan.plan import Disruption
from engine_model import EngineModel
from topology_model import (
    FOREIGN,
    carry_out,
    check,
    converge,
    do_by_hand,
    new_engine,
    plan,
    result,
)

Json = t.Any


# -- single plans -----------------------------------------------------------------------------------------------------


def net(number: int, **options: Json) -> dict[str, Json]:
    return {"ipam": {"config": [{"subnet": f"10.94.{number}.0/24"}]}, **options}


def lab(containers: Json = None, networks: Json = None, **params: Json) -> dict[str, Json]:
    named = {name: {"image": "plain", **(options or {})} for name, options in (containers or {}).items()}
    return {"name": "lab", "networks": networks or {}, "containers": named, **params}


def text(engine: EngineModel, task: dict[str, Json]) -> list[str]:
    return plan(engine, task).text().splitlines()


def test_everything_is_made_in_order_and_at_once_where_it_can_be() -> None:
    task = lab(
        {
            "web": {"networks": ["front"], "depends_on": ["app"]},
            "app": {"networks": ["front", "back"], "image": "far"},
            "db": {"networks": ["back"], "volumes": ["data:/data"]},
        },
        {"front": net(0), "back": net(1)},
    )
    stages = plan(new_engine(), task).stages
    assert [(one.workers, [action.describe() for unit in one.units for action in unit]) for one in stages] == [
        (2, ["pull image far"]),
        (1, ["create network front", "create network back"]),
        (1, ["create volume data"]),
        (8, ["create container app", "create container db"]),
        (8, ["create container web"]),
    ]


def test_reasons_and_disruptions_are_one_line_each() -> None:
    engine, networks = new_engine(), {"front": net(0), "back": net(1)}
    converge(engine, lab({"web": {"networks": ["front"], "restart": "no"}, "db": {"networks": ["front"]}}, networks))
    engine.stop("db")
    task = lab(
        {
            "web": {"networks": {"front": {"aliases": ["www"]}, "back": None}, "restart": "always"},
            "db": {"networks": ["front"], "environment": {"A": "1"}},
        },
        networks,
    )
    assert text(engine, task) == [
        "~ reattach web on front: aliases: +www [reconnect]",
        "+ attach web on back: it is not attached [none]",
        "~ update container web: restart is no, wanted always [none]",
        "~ recreate container db: environment differs in A [recreate]",
    ]


def test_a_container_leaves_the_bridge_only_once_it_is_on_its_network() -> None:
    engine = new_engine()
    converge(engine, lab({"web": {}}))
    assert text(engine, lab({"web": {"networks": ["front"]}}, {"front": net(0)})) == [
        "+ create network front: it does not exist [none]",
        "+ attach web on front: it is not attached [none]",
        "- detach web on bridge: the topology does not put it there [none]",
    ]


def test_without_networks_nothing_is_said_about_networks() -> None:
    engine = new_engine()
    converge(engine, lab({"web": {}}, {"front": net(0)}))
    do_by_hand(engine, [("connect", "web", "front"), ("disconnect", "web", "bridge")])
    assert text(engine, lab({"web": {}}, {"front": net(0)})) == []


def test_who_links_to_a_replaced_container_gets_a_new_link() -> None:
    engine = new_engine()
    containers = {"db": {}, "app": {"links": ["db:d"]}}
    converge(engine, lab(containers))
    task = lab({**containers, "db": {"user": "app"}})
    assert text(engine, task) == [
        "- remove link db:d of app: its link db:d leads to a container that is replaced [reconnect]",
        "~ recreate container db: user is not set, wanted app [recreate]",
        "~ recreate container app: its link db:d leads to a container that is replaced [recreate]",
    ]
    converge(engine, task)
    assert text(engine, task) == []


def test_a_link_that_is_not_given_is_kept_for_as_long_as_it_leads_anywhere() -> None:
    engine, networks = new_engine(), {"front": net(0)}
    converge(engine, lab({"zeta": {}, "app": {"links": ["zeta:z"]}}, networks))
    # The source comes first in the task, and still waits for its target.
    task = lab({"app": {}, "zeta": {"user": "app"}}, networks)
    assert text(engine, task) == [
        "- remove link zeta:z of app: its link zeta:z leads to a container that is replaced [reconnect]",
        "~ recreate container zeta: user is not set, wanted app [recreate]",
        "~ recreate container app: its link zeta:z leads to a container that is replaced [recreate]",
    ]
    converge(engine, task)
    assert engine.links[engine.container("app")["Id"], "z"] == engine.container("zeta")["Id"]
    task = lab({"app": {}, "zeta": {"networks": ["front"]}}, networks)
    assert text(engine, task) == [
        "+ attach zeta on front: it is not attached [none]",
        "- remove link zeta:z of app: zeta leaves the default bridge, where legacy links lead [reconnect]",
        "- detach zeta on bridge: the topology does not put it there [none]",
    ]
    converge(engine, task)
    assert text(engine, task) == []


def test_a_link_whose_target_was_recreated_by_hand_is_fixed() -> None:
    engine, task = new_engine(), lab({"db": {}, "app": {"links": ["db:d"]}})
    converge(engine, task)
    engine.remove_container("db", force=True)
    assert text(engine, task) == [
        "- remove link db:d of app: its link db:d leads to a container that was removed [reconnect]",
        "+ create container db: it does not exist [none]",
        "~ recreate container app: its link db:d leads to a container that was removed [recreate]",
    ]
    converge(engine, task)
    assert text(engine, task) == []


def shared(**server: Json) -> dict[str, Json]:
    return lab({"server": server, "side": {"network_mode": "container:server"}, "other": {}})


def test_who_shares_the_network_of_a_replaced_container_is_replaced_after_it() -> None:
    engine = new_engine()
    converge(engine, shared())
    found = plan(engine, shared(user="1"))
    assert [(action.subject, action.reason) for action in found.actions] == [
        ("server", "user is not set, wanted 1"),
        ("side", "it shares the network of server, which is replaced"),
    ]
    assert [str(action.disruption) for action in found.actions] == ["recreate", "recreate"]
    with pytest.raises(Refusal, match=r"recreate container side \(recreate\): it shares the network of server"):
        found.allow(Disruption.RECONNECT)
    carry_out(engine, found)
    check(engine, shared(user="1"))
    assert plan(engine, shared(user="1")).actions == ()
    # The same where the task says nothing about it, and it is the case anyway.
    task = shared(user="2")
    del task["containers"]["side"]["network_mode"]
    converge(engine, task)
    check(engine, shared(user="2"))


def test_who_gets_a_legacy_link_to_a_replaced_container_shares_its_network_no_more() -> None:
    engine = new_engine()
    converge(engine, shared())
    task = lab({"server": {"user": "1"}, "side": {"links": ["server:s"]}, "other": {}})
    assert "network_mode is container, wanted bridge" in converge(engine, task).actions[-1].reason
    check(engine, task)


def test_who_shares_a_network_that_was_recreated_is_restarted() -> None:
    engine = new_engine()
    converge(engine, shared())
    engine.stop("server")
    stopped = plan(engine, shared())
    assert [action.text() for action in stopped.actions] == [
        "~ start container server: it is exited [none]",
        "~ restart container side: it shares the network of server, which is started [recreate]",
    ]
    engine.start("server")
    found = plan(engine, shared())
    assert [(action.describe(), action.reason, action.disruption) for action in found.actions] == [
        (
            "restart container side",
            "server, whose network it shares, was started again after it, which cut it off",
            Disruption.RECREATE,
        )
    ]
    with pytest.raises(Refusal, match="restart container side"):
        found.allow(Disruption.RECONNECT)
    carry_out(engine, found)
    assert plan(engine, shared()).actions == ()


def test_who_shares_the_network_of_a_container_that_is_gone_gets_a_successor() -> None:
    engine = new_engine()
    converge(engine, shared())
    engine.remove_container("server", force=True)
    assert [action.reason for action in converge(engine, shared()).actions] == [
        "it does not exist",
        "it shares the network of server, which is replaced",
    ]
    check(engine, shared())


def test_an_address_passes_from_one_container_to_the_next() -> None:
    engine, networks = new_engine(), {"front": net(0)}
    fixed = {"networks": {"front": {"ipv4_address": "10.94.0.9"}}}
    converge(engine, lab({"one1": fixed}, networks))
    task = lab({"two2": fixed}, networks, purge=True)
    converge(engine, task)
    assert text(engine, task) == []


def test_who_asks_for_an_address_gets_it_before_the_engine_gives_it_away() -> None:
    networks = {"front": net(0)}
    containers = {"any": {"networks": ["front"]}, "fixed": {"networks": {"front": {"ipv4_address": "10.94.0.2"}}}}
    engine = new_engine()
    converge(engine, lab(containers, networks))
    # And so if both are started again.
    engine.stop("any")
    engine.stop("fixed")
    converge(engine, lab(containers, networks))
    assert text(engine, lab(containers, networks)) == []


@pytest.mark.parametrize(
    "there,message",
    [
        ({"Labels": {}}, r"container web exists and is not of topology lab \(no topology made it\)"),
        ({"Labels": {"linklab.docker.topology": "other"}}, "it belongs to topology other"),
    ],
)
def test_a_container_of_others_is_refused(there: Json, message: str) -> None:
    engine = new_engine()
    engine.create_container("web", {"Image": "plain", **there})
    with pytest.raises(Refusal, match=message):
        plan(engine, lab({"web": {}}))
    # Nor is it removed.
    assert text(engine, lab({"web": {}}, state="absent")) == []


@pytest.mark.parametrize(
    "networks,message",
    [
        ({"elsewhere": net(0)}, r"network elsewhere exists and is not of topology lab .*external: true"),
        ({"missing": {"external": True}}, "network missing is external and does not exist"),
        ({"elsewere": {"external": True}}, r"did you mean elsewhere\?"),
        (
            {"mine": {"ipam": {"config": [{"subnet": "10.95.0.128/25"}]}}},
            "overlaps that of network elsewhere, ",
        ),
        ({"one1": net(0), "two2": net(0)}, "overlaps that of network one1, 10.94.0.0/24"),
    ],
)
def test_networks_that_are_not_possible(networks: Json, message: str) -> None:
    with pytest.raises(Refusal, match=message):
        plan(new_engine(), lab(networks=networks))


def test_more_networks_than_the_pools_have_are_refused_before_the_first_is_made() -> None:
    networks = {f"n{number}": {} for number in range(31)}
    with pytest.raises(Refusal, match=r"31 new networks .* have only 30 left; give 1 of them a subnet"):
        plan(new_engine(), lab(networks=networks))
    plan(new_engine(), lab(networks={**networks, "n0": net(0)}))


def test_more_containers_than_a_network_has_room_for_are_refused() -> None:
    small = {"front": {"ipam": {"config": [{"subnet": "10.94.0.0/29"}]}}}
    containers = {f"c{number}": {"networks": ["front"]} for number in range(6)}
    with pytest.raises(
        Refusal, match=r"^network front \(\S+\) has 5 addresses to give away, and 6 more containers need one"
    ):
        plan(new_engine(), lab(containers, small))


@pytest.mark.parametrize(
    "containers,message",
    [
        ({"web": {"image": "nowhere", "pull": "never"}}, "no image nowhere, and pull: never"),
        ({"web": {"depends_on": {"db": "healthy"}}, "db": {}}, "neither db nor its image has a healthcheck"),
        (
            {"web": {"depends_on": {"db": "healthy"}}, "db": {"image": "server", "healthcheck": {"disable": True}}},
            "neither db nor its image has a healthcheck",
        ),
        ({"web": {"links": ["databse"]}, "database": {}}, r"there is no container databse \(did you mean database\?\)"),
        ({"web": {"network_mode": "container:gone"}}, "there is no container gone"),
        ({"web": {"networks": {"front": {"ipv4_address": "10.99.0.1"}}}}, "outside the network's subnets"),
        ({"web": {"networks": {"front": {"ipv4_address": "10.94.0.1"}}}}, "is the network's gateway"),
        ({"web": {"networks": {"front": {"gw_priority": 1}}}}, "gw_priority needs API 1.48"),
    ],
)
def test_containers_that_are_not_possible(containers: Json, message: str) -> None:
    with pytest.raises(Refusal, match=message):
        plan(new_engine(), lab(containers, {"front": net(0)}))


@pytest.mark.parametrize("network", [None, {"driver": "bridge"}], ids=["nothing", "a driver"])
def test_an_address_needs_a_subnet_of_the_user_s_choice_before_and_after_the_network_is_made(network: Json) -> None:
    engine, bare = new_engine(), {"front": network}
    task = lab({"web": {"networks": {"front": {"ipv4_address": "172.18.0.9"}}}}, bare)
    with pytest.raises(Refusal, match="needs a subnet to be in; give the network one with ipam"):
        plan(engine, task)
    converge(engine, lab(networks=bare))
    engine.network("front")
    engine.nets[engine.network("front")["Id"]]["IPAM"] = {
        "Config": [{"Subnet": "172.18.0.0/16", "Gateway": "172.18.0.1"}]
    }
    with pytest.raises(Refusal, match="has one of the engine's choice; remove the topology"):
        plan(engine, task)
    # One that a user gave is known by the gateway that the engine does not tell.
    engine.nets[engine.network("front")["Id"]]["IPAM"] = {"Config": [{"Subnet": "172.18.0.0/16"}]}
    assert [action.name for action in plan(engine, task).actions] == ["create_container"]


def test_a_driver_that_the_engine_does_not_have_is_reported_and_asked_for_only_if_it_is_unusual() -> None:
    engine, asked = new_engine(), []

    def get(path: str, **params: Json) -> Json:
        asked.append(path)
        return (
            {"Plugins": {"Network": ["bridge", "weave:latest"]}} if path == "/info" else EngineModel.get(engine, path)
        )

    with mock.patch.object(engine, "get", get):
        plan(engine, lab(networks={"front": {**net(0), "driver": "macvlan"}}))
        assert "/info" not in asked
        for driver in ("weave", "weave:latest"):
            plan(engine, lab(networks={"front": {**net(0), "driver": driver}}))
        with pytest.raises(Refusal, match=r"has no driver waeve \(did you mean weave\?\); it has bridge, weave"):
            plan(engine, lab(networks={"front": {**net(0), "driver": "waeve"}}))
    converge(engine, lab(networks={"front": net(0)}))
    with mock.patch.object(engine, "get", get), pytest.raises(Refusal, match="has no driver waeve"):
        plan(engine, lab(networks={"front": {**net(0), "driver": "waeve"}}))


def test_a_network_that_others_use_is_not_removed() -> None:
    engine = new_engine()
    converge(engine, lab({"web": {"networks": ["front"]}}, {"front": net(0)}))
    # Stopped, so that the engine itself would not mind, and the container could never start again.
    engine.create_container("guest", {"Image": "plain", "HostConfig": {"NetworkMode": "front"}})
    with pytest.raises(Refusal, match="guest is attached to it and not of topology lab; detach it first"):
        plan(engine, lab(state="absent"))


def test_volumes_go_only_if_they_are_to_and_only_those_that_it_made() -> None:
    engine = new_engine()
    engine.volumes["theirs"] = {}
    converge(engine, lab({"web": {"volumes": ["mine:/a", "theirs:/b"]}}))
    reason = "it belongs to the topology, which should be absent"
    assert text(engine, lab(state="absent")) == [f"- remove container web: {reason} [none]"]
    converge(engine, lab(state="absent", volumes=True))
    assert set(engine.volumes) == {"theirs"}


def test_network_mode_bridge_leaves_the_topology_s_own_networks() -> None:
    engine = new_engine()
    networks = {"front": net(0)}
    converge(engine, lab({"web": {}}, networks))
    converge(engine, lab({"web": {"networks": ["front"]}}, networks))
    converge(engine, lab({"web": {"network_mode": "bridge"}}, networks))
    assert set(engine.container("web")["NetworkSettings"]["Networks"]) == {"bridge"}
    assert plan(engine, lab({"web": {"network_mode": "bridge"}}, networks)).actions == ()
    # With nothing said about networks, none are compared.
    assert plan(engine, lab({"web": {}}, networks)).actions == ()


def test_leftovers_are_reported_and_purged() -> None:
    engine = new_engine()
    converge(engine, lab({"web": {"networks": ["front"]}}, {"front": net(0)}))
    assert plan(engine, lab()).actions == ()
    assert result(engine, lab())["orphans"] == ["web"]
    assert text(engine, lab(purge=True)) == [
        "- remove container web: purge: the topology does not name it [none]",
        "- remove network front: purge: the topology does not name it [none]",
    ]


def test_an_image_that_is_not_available_is_one_message_and_nothing_is_made() -> None:
    engine = new_engine()
    said = "could not pull image nowhere, which the engine does not have: pull access denied"
    with pytest.raises(ApplyError, match=said):
        converge(engine, lab({"web": {"image": "nowhere", "networks": ["front"]}}, {"front": net(0)}))
    assert engine.raw == {}
    assert {one["Name"] for one in engine.nets.values()} == {"bridge", "host", "none", FOREIGN}


def test_the_image_of_a_container_that_is_there_is_not_pulled_again() -> None:
    engine = new_engine()
    converge(engine, lab({"web": {"image": "far"}}))
    del engine.images["far"]
    assert text(engine, lab({"web": {"image": "far"}})) == []


def test_a_plan_shows_no_secret() -> None:
    engine = new_engine()
    converge(engine, lab({"web": {"secret_environment": {"P": "hunter1"}}}))
    secrets = {"web": {"secret_environment": {"P": "hunter2"}}, "db": {"secret_environment": {"P": "hunter3"}}}
    found = plan(engine, lab(secrets))
    assert "secret_environment differs in P" in found.text()
    assert "hunter" not in f"{found}"
