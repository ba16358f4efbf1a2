# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which container goes on which network, where one network alone does not decide it."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._engine.info import EngineInfo
from ansible_collections.linklab.docker.plugins.module_utils._errors import Refusal
from ansible_collections.linklab.docker.plugins.module_utils._model.labels import TOPOLOGY_LABEL
from ansible_collections.linklab.docker.plugins.module_utils._model.legacy_links import LegacyLink
from ansible_collections.linklab.docker.plugins.module_utils._model.state import ContainerState, Endpoint, Network
from ansible_collections.linklab.docker.plugins.module_utils._topology.plan import plan_topology
from ansible_collections.linklab.docker.plugins.module_utils._topology.spec import parse_topology
from ansible_collections.linklab.docker.plugins.module_utils._topology.state import TopologyState

if t.TYPE_CHECKING:
    from ansible_collections.linklab.docker.plugins.module_utils._plan.plan import Plan

OWN = {TOPOLOGY_LABEL: "lab"}
NETWORKS = {
    "alpha": Network("1" * 64, "alpha", labels=OWN),
    "bridge": Network("2" * 64, "bridge"),
    "zeta": Network("3" * 64, "zeta", labels=OWN),
    "theirs": Network("4" * 64, "theirs"),
}


def plan(wanted: list[str], *there: str) -> Plan:
    """Plan a topology of one container that runs and is on some networks."""
    ends = {name: Endpoint(name, NETWORKS[name].id, "e" * 64, gateway="10.0.0.1", ipv4="10.0.0.2") for name in there}
    raw = {"Config": {"Labels": OWN, "Image": "bb"}, "Image": "sha256:1"}
    web = ContainerState("c" * 64, "web", "running", image="bb", endpoints=ends, raw=raw)
    networks: dict[str, t.Any] = {"alpha": None, "zeta": None, "theirs": {"external": True}}
    spec = parse_topology(
        {"name": "lab", "networks": networks, "containers": {"web": {"image": "bb", "networks": wanted}}}
    )
    return plan_topology(
        spec,
        TopologyState(
            EngineInfo("1.41"),
            containers={"web": web},
            networks=NETWORKS,
            all_networks=tuple(NETWORKS.values()),
            image_ids={"bb": "sha256:1"},
            image_configs={"sha256:1": {}},
        ),
    )


def test_it_is_reported_where_the_default_route_of_what_stays_moves_to():
    (warning,) = plan(["alpha", "zeta"], "zeta").warnings
    assert "of web moves from zeta to alpha" in warning
    (warning,) = plan(["alpha"], "theirs").warnings
    assert "of web moves from theirs to alpha" in warning


def test_that_the_route_leaves_a_network_with_the_container_is_no_news():
    for wanted, there in (("alpha", "zeta"), ("alpha", "bridge"), ("bridge", "zeta")):
        found = plan([wanted], there)
        assert [action.name for action in found.actions] in (["detach", "attach"], ["attach", "detach"])
        assert found.warnings == ()


@pytest.mark.parametrize("renewed", [False, True])
def test_an_end_of_a_legacy_link_comes_back_to_the_bridge_and_the_name_is_led_there(renewed):
    raw = {"Config": {"Labels": OWN, "Image": "bb"}, "Image": "sha256:1"}
    containers = {
        name: ContainerState(name * 12, name, status, image="bb", endpoints={}, raw=raw)
        for name, status in (("app", "running"), ("database", "running"), ("cache", "exited"), ("other", "running"))
    }
    links = {"app": [LegacyLink(name[0], name, containers[name]) for name in ("database", "cache")]}
    wanted: dict[str, t.Any] = {name: {"image": "bb"} for name in containers}
    wanted["app"]["links"] = ["database:d", "cache:c"]
    wanted["app"].update({"user": "1"} if renewed else {})
    found = plan_topology(
        parse_topology({"name": "lab", "containers": wanted}),
        TopologyState(
            EngineInfo("1.41"),
            containers=containers,
            networks={"bridge": NETWORKS["bridge"]},
            all_networks=tuple(NETWORKS.values()),
            image_ids={"bb": "sha256:1"},
            image_configs={"sha256:1": {}},
            legacy={name: tuple(ends) for name, ends in links.items()},
            hosts={"app": "172.17.0.4\td 0a1b database\n172.17.0.5\tc 2c3d cache\n"},
        ),
    )
    attached = [action.subject for action in found.actions if action.name == "attach"]
    assert sorted(attached) == ["app on bridge", "cache on bridge", "database on bridge"]
    # One that is stopped is started with all that its links need, and so is a successor.
    led = [] if renewed else ["database comes back to the default bridge, perhaps with another address"]
    assert [action.reason for action in found.actions if action.name == "rewrite_hosts"] == led


# -- MAC addresses ----------------------------------------------------------------------------------------------------

MAC, OTHER_MAC = "02:42:00:00:00:01", "02:42:00:00:00:02"


def plan_mac(api: str, mac: str, *, status: str = "", there: str = "", network: str = "alpha", user: str = "") -> Plan:
    """Plan a container on two networks with a MAC address on one; with a status, it is there and has another one."""
    ends = {
        name: Endpoint(name, NETWORKS[name].id, "e" * 64 if status == "running" else "", mac=there)
        for name in ("alpha", "zeta")
    }
    raw = {"Config": {"Labels": OWN, "Image": "bb"}, "Image": "sha256:1"}
    web = ContainerState("c" * 64, "web", status, image="bb", endpoints=ends, raw=raw, network_mode="alpha")
    box = {"image": "bb", "networks": {"alpha": None, "zeta": None, network: {"mac_address": mac}}}
    if user:
        box["user"] = user
    state = TopologyState(
        EngineInfo(api, "", api),
        containers={"web": web} if status else {},
        networks=NETWORKS,
        all_networks=tuple(NETWORKS.values()),
        image_ids={"bb": "sha256:1"},
        image_configs={"sha256:1": {}},
    )
    networks = {"alpha": None, "zeta": None}
    return plan_topology(parse_topology({"name": "lab", "networks": networks, "containers": {"web": box}}), state)


def test_a_mac_address_of_a_new_container_needs_api_1_44_but_for_its_first_network():
    (made,) = plan_mac("1.41", MAC).actions
    assert [end.settings.mac_address for end in made.endpoints] == [MAC, None]
    with pytest.raises(Refusal, match=r"mac_address needs API 1.44 \(Docker Engine 25.0\)"):
        plan_mac("1.41", MAC, network="zeta")
    (made,) = plan_mac("1.44", MAC, network="zeta").actions
    assert [end.settings.mac_address for end in made.endpoints] == [None, MAC]


@pytest.mark.parametrize("api", ["1.41", "1.45", "1.54"])
def test_a_mac_address_that_a_container_has_is_no_news(api):
    assert plan_mac(api, MAC, status="running", there=MAC).actions == ()


@pytest.mark.parametrize("api", ["1.41", "1.45"])
def test_a_mac_address_that_the_engine_does_not_tell_is_looked_at_once_the_container_runs(api):
    assert [action.name for action in plan_mac(api, MAC, status="exited").actions] == ["start_container"]


def test_another_mac_address_of_a_container_needs_api_1_54_or_a_successor():
    for api in ("1.41", "1.45"):
        with pytest.raises(Refusal, match=r"mac_address needs API 1.54"):
            plan_mac(api, OTHER_MAC, status="running", there=MAC)
    assert [action.name for action in plan_mac("1.54", OTHER_MAC, status="running", there=MAC).actions] == ["reattach"]
    (successor,) = plan_mac("1.45", OTHER_MAC, status="running", there=MAC, user="1").actions
    assert (successor.name, successor.macs) == ("recreate_container", {"alpha": OTHER_MAC})
    with pytest.raises(Refusal, match=r"mac_address needs API 1.54"):
        plan_mac("1.41", OTHER_MAC, status="running", there=MAC, user="1")
