# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the engine would refuse, or accept and break on later, is found before anything is changed."""

from __future__ import annotations

import ipaddress
import typing as t
from dataclasses import replace

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._compose.network import NetworkSpec
from ansible_collections.linklab.docker.plugins.module_utils._engine.info import EngineInfo
from ansible_collections.linklab.docker.plugins.module_utils._errors import Refusal, refuse
from ansible_collections.linklab.docker.plugins.module_utils._model.endpoint import EndpointSettings, Link
from ansible_collections.linklab.docker.plugins.module_utils._model.state import (
    ContainerState,
    Endpoint,
    Network,
    Subnet,
)
from ansible_collections.linklab.docker.plugins.module_utils._plan.attach_checks import (
    container_problems,
    is_default_bridge,
    mac_problems,
    network_problems,
    settings_problems,
)
from ansible_collections.linklab.docker.plugins.module_utils._plan.plan import Attach, Disruption, Reattach
from attach_model import NEW, OLD
from hypothesis import given
from hypothesis import strategies as st
from recorded import ENGINES, Recorded

NET = Network("a" * 64, "net", subnets=(Subnet("10.94.0.0/24", "10.94.0.1"), Subnet("fd00:94::/64")))
BRIDGE = Network("b" * 64, "bridge", options={"com.docker.network.bridge.default_bridge": "true"})
CREATE = NetworkSpec("net", subnets=({"subnet": "10.94.0.0/24"},))


def problems(
    network: Network | None = NET, create: NetworkSpec | None = None, info: EngineInfo = OLD, **settings: t.Any
) -> list[str]:
    return list(settings_problems("box", EndpointSettings(**settings), network, create, info))


def test_no_problem_refuses_nothing():
    refuse([])
    refuse(iter(()))


def test_all_problems_are_one_refusal_that_names_each_once():
    with pytest.raises(Refusal) as refusal:
        refuse(iter(["first", "second", "first"]))
    assert str(refusal.value) == "first; second. Nothing was changed."


# -- containers and networks ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "name, problem",
    [
        ("host", "host uses the host's network (network_mode host)"),
        ("shares", "shares shares the network of container "),
        ("none", "none is on the network 'none', which the engine lets nothing join; detach it first"),
    ],
)
def test_a_container_without_a_network_namespace_of_its_own_cannot_be_attached(engine, name, problem):
    (told,) = container_problems(Recorded(engine).container(name))
    assert told.startswith(problem)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", ["target", "bridge", "linked", "full", "created", "exited", "phantom"])
def test_every_other_container_can_be_attached(engine, name):
    assert list(container_problems(Recorded(engine).container(name))) == []


@pytest.mark.parametrize("status", ["dead", "removing"])
def test_a_container_that_goes_away_cannot_be_attached(status):
    assert list(container_problems(ContainerState("1" * 64, "box", status))) == [
        f"box is being removed (status {status})"
    ]


@pytest.mark.parametrize(
    "fields, problem",
    [
        ({}, []),
        ({"driver": "host"}, ["network net has the driver host: the engine lets no container join it later"]),
        ({"driver": "null"}, ["network net has the driver null: the engine lets no container join it later"]),
        ({"scope": "swarm"}, ["network net belongs to a swarm and is not attachable: only services can use it"]),
        ({"scope": "swarm", "attachable": True}, []),
    ],
)
def test_a_network_that_no_container_can_join_is_refused(fields, problem):
    assert list(network_problems(replace(NET, **fields))) == problem


@pytest.mark.parametrize("engine", ENGINES)
def test_the_default_bridge_is_known_by_its_option(engine):
    answers = Recorded(engine)
    assert is_default_bridge(answers.network("bridge"))
    assert is_default_bridge(replace(answers.network("bridge"), name="renamed"))
    assert not is_default_bridge(answers.network("net"))


# -- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("setting, version, engine", [("gw_priority", "1.48", "28.0"), ("mac_address", "1.54", "29.3")])
def test_a_setting_that_the_engine_does_not_know_is_refused_with_the_version_that_has_it(setting, version, engine):
    value = {"gw_priority": 0, "mac_address": "02:42:00:00:00:01"}
    assert problems(info=EngineInfo("1.47", "27.1"), **{setting: value[setting]}) == [
        f"box: {setting} needs API {version} (Docker Engine {engine}); this engine (27.1) speaks 1.47"
    ]
    assert problems(info=EngineInfo(version), **{setting: value[setting]}) == []


def test_an_engine_that_does_not_tell_its_version_is_refused_by_its_api():
    (problem,) = problems(info=EngineInfo("1.41"), gw_priority=1)
    assert "this engine speaks 1.41" in problem


def test_the_default_bridge_has_no_names_and_no_addresses_of_ones_own():
    given_settings = {"aliases": ("a",), "ipv4_address": "172.17.0.9"}
    assert problems(BRIDGE, **given_settings) == [
        "box: the default bridge knows no aliases, ipv4_address; use a network of your own"
    ]
    (problem,) = problems(BRIDGE, links=(Link("x", "y"),))
    assert problem.endswith(", or linklab.docker.container_link for a legacy link")
    assert problems(BRIDGE, aliases=(), links=(), driver_opts={"k": "v"}) == []


@pytest.mark.parametrize(
    "address, problem",
    [
        ("10.94.0.2", None),
        ("10.94.0.254", None),
        ("10.95.0.2", "outside the network's subnets (10.94.0.0/24, fd00:94::/64)"),
        ("10.94.0.1", "the network's gateway"),
        ("10.94.0.0", "the subnet's own"),
        ("10.94.0.255", "the subnet's broadcast address"),
    ],
)
def test_an_address_must_be_one_that_a_container_can_have(address, problem):
    expected = [] if problem is None else [f"box: the address {address} is {problem}"]
    assert problems(ipv4_address=address) == expected


@pytest.mark.parametrize(
    "address, problem",
    [
        ("fd00:94::2", None),
        ("fd00:95::2", "outside the network's subnets (10.94.0.0/24, fd00:94::/64)"),
        ("fd00:94::1", "the network's gateway"),
        ("fd00:94::", "the subnet's own"),
        ("fd00:94::ffff:ffff:ffff:ffff", None),
    ],
)
def test_an_ipv6_address_must_be_one_that_a_container_can_have(address, problem):
    expected = [] if problem is None else [f"box: the address {address} is {problem}"]
    assert problems(ipv6_address=address) == expected


def test_a_reserved_address_is_refused_with_what_it_is_reserved_for():
    net = replace(NET, subnets=(Subnet("10.94.0.0/24", aux={"router": "10.94.0.9/24"}),))
    assert problems(net, ipv4_address="10.94.0.9") == [
        "box: the address 10.94.0.9 is reserved in the network's aux_addresses (for router)"
    ]


def test_a_gateway_with_its_prefix_is_the_gateway():
    net = replace(NET, subnets=(Subnet("10.94.0.0/24", "10.94.0.77/24"),))
    assert problems(net, ipv4_address="10.94.0.77") != []
    assert problems(net, ipv4_address="10.94.0.1") == []


@pytest.mark.parametrize("engine", ENGINES)
def test_without_a_gateway_of_its_own_a_range_begins_with_it(engine):
    """As the engines tell it: the containers on that network have their gateway there."""
    answers = Recorded(engine)
    gateway = answers.container("full").endpoints["net"].gateway
    assert gateway == "10.94.200.128"
    assert problems(answers.network("net"), ipv4_address=gateway) == [
        f"box: the address {gateway} is the network's gateway"
    ]
    assert problems(answers.network("net"), ipv4_address="10.94.200.1") == []


@pytest.mark.parametrize(
    "ip_range, gateway", [("10.94.0.0/28", "10.94.0.1"), ("10.94.0.64/30", "10.94.0.64"), (None, "10.94.0.1")]
)
def test_the_gateway_of_a_network_to_be_made_is_known_before(ip_range, gateway):
    create = replace(CREATE, subnets=({"subnet": "10.94.0.0/24", "ip_range": ip_range},))
    assert problems(None, create, ipv4_address=gateway) == [f"box: the address {gateway} is the network's gateway"]


def test_an_address_on_a_network_to_be_made_needs_a_subnet_unless_the_engine_takes_it_without():
    assert problems(None, CREATE, ipv4_address="10.94.0.2") == []
    assert problems(None, NetworkSpec("net"), ipv4_address="10.94.0.2") == [
        "box: the address 10.94.0.2 needs a subnet to be in; give the network one with ipam"
    ]
    assert problems(None, NetworkSpec("net"), NEW, ipv4_address="10.94.0.2") == []
    assert problems(None, None, NEW, ipv4_address="10.94.0.2") == []


def test_a_network_that_tells_no_subnet_takes_any_address():
    assert problems(replace(NET, subnets=(Subnet(""),)), ipv4_address="10.94.0.2") == []


@given(st.ip_addresses(v=4, network="10.94.0.0/29"), st.integers(1, 6), st.sampled_from(["", "10.94.0.4/30"]))
def test_exactly_the_gateway_and_both_ends_of_a_subnet_are_refused(address, gateway, ip_range):
    net = ipaddress.ip_network("10.94.0.0/29")
    there = replace(NET, subnets=(Subnet(str(net), str(net[gateway]), ip_range),))
    assert bool(problems(there, ipv4_address=str(address))) == (address in (net[0], net[gateway], net[-1]))


# -- MAC addresses ----------------------------------------------------------------------------------------------------

BOX = ContainerState("1" * 64, "box", "running")
WHERE = ("a reason", Disruption.RECONNECT, BOX, "net", "a" * 64, EndpointSettings())


@pytest.mark.parametrize(
    "info, lost",
    [
        (EngineInfo("1.41", "20.10", "1.41"), False),
        (EngineInfo("1.44", "25.0", "1.44"), True),
        (EngineInfo("1.51", "28.5", "1.51"), True),
        (EngineInfo("1.41", "28.5", "1.51"), True),
        (EngineInfo("1.54", "29.3", "1.54"), False),
    ],
)
def test_a_requested_mac_address_is_lost_by_some_engines_only(info, lost):
    asked = Reattach(*WHERE, Endpoint("net", requested_mac="02:42:00:00:00:01"))
    found = list(mac_problems([asked], info))
    assert bool(found) == lost
    assert all("box was created with the MAC address 02:42:00:00:00:01 on net" in one for one in found)


def test_a_mac_address_that_nobody_asked_for_is_not_missed():
    changes = [Reattach(*WHERE, Endpoint("net", mac="02:42:00:00:00:01")), Attach(*WHERE)]
    assert list(mac_problems(changes, EngineInfo("1.51", "28.5", "1.51"))) == []
