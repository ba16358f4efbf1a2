# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""network_attach on the real engine, where others left things in another way than it would itself."""

from __future__ import annotations

import ipaddress
import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._compose.network import (
    option_strings,
    parse_network,
)
from ansible_collections.linklab.docker.plugins.module_utils._errors import EngineError, SpecError
from ansible_collections.linklab.docker.plugins.module_utils._model.find import find_network

Json = t.Any


@pytest.fixture
def attach(module: Json) -> Json:
    """Run network_attach and return its result; fails the test if the module fails, unless it should."""
    return lambda fails=False, **params: module("network_attach", params, fails=fails)


def endpoint(lab: Json, container: str, network: str) -> Json:
    return lab.inspect(container)["NetworkSettings"]["Networks"].get(network)


def subnet_of(lab: Json, network: str) -> ipaddress.IPv4Network:
    return ipaddress.IPv4Network(lab.engine.network(network)["IPAM"]["Config"][0]["Subnet"], strict=False)


def remade(lab: Json, short: str, **changes: Json) -> str:
    """Make a network with a free subnet, and again on that subnet with changes of its configuration."""
    subnet = subnet_of(lab, lab.network(short))
    lab.engine.remove_network(lab.name(short))
    config = {"Subnet": str(subnet), **{key: value(subnet) for key, value in changes.items()}}
    lab.engine.create_network({"Name": lab.name(short), "IPAM": {"Config": [config]}})
    return str(lab.name(short))


def test_a_wanted_address_is_not_given_to_a_container_that_comes_before(lab, attach):
    network = lab.network("net")
    wanted = str(subnet_of(lab, network)[2])
    plain = [lab.run(f"plain{number}") for number in range(4)]
    fixed = lab.run("fixed")

    attach(network=network, containers=plain, endpoints=[{"container": fixed, "ipv4_address": wanted}])

    assert endpoint(lab, fixed, network)["IPAddress"] == wanted


def test_a_subnet_that_was_made_with_the_address_of_a_host_is_used(lab, attach):
    try:
        network = remade(lab, "net", Subnet=lambda subnet: f"{subnet[5]}/{subnet.prefixlen}")
    except EngineError as exc:
        pytest.skip(f"this engine makes no such network: {exc}")
    wanted = str(subnet_of(lab, network)[9])
    container = lab.run("box")

    attach(network=network, endpoints=[{"container": container, "ipv4_address": wanted}])

    assert endpoint(lab, container, network)["IPAddress"] == wanted


def test_the_gateway_of_a_network_with_a_range_is_known(lab, attach):
    network = remade(lab, "net", IPRange=lambda subnet: f"{subnet[32]}/27")
    subnet, container = subnet_of(lab, network), lab.run("box")

    refused = attach(fails=True, network=network, endpoints=[{"container": container, "ipv4_address": str(subnet[32])}])
    attach(network=network, endpoints=[{"container": container, "ipv4_address": str(subnet[1])}])

    assert f"the address {subnet[32]} is the network's gateway" in refused["msg"]
    raw = endpoint(lab, container, network)
    assert (raw["Gateway"], raw["IPAddress"]) == (str(subnet[32]), str(subnet[1]))


def test_a_link_that_was_given_without_an_alias_is_the_same_as_with_it(lab, attach):
    network = lab.network("net")
    other, container = (
        lab.run("other", networks=[network]),
        lab.run("box", networks={network: {"Links": [lab.name("other")]}}),
    )
    desired = {"container": container, "links": [f"{other}:{other}"]}

    assert not attach(network=network, endpoints=[desired])["changed"]
    attach(network=network, endpoints=[{"container": container, "aliases": ["new"]}])

    assert endpoint(lab, container, network)["Links"] == [f"{other}:{other}"]


def test_an_ipv6_address_in_another_notation_is_the_same(lab, attach):
    network = lab.network("net", ipv6="fd00:94:212::/64")
    settings = {"IPAMConfig": {"IPv6Address": "fd00:94:212:0:0::00a7"}}
    container = lab.run("box", networks={network: settings})

    for notation in ("fd00:94:212::a7", "FD00:94:212:0::A7"):
        desired = {"container": container, "ipv6_address": notation}
        assert not attach(network=network, endpoints=[desired])["changed"]


def test_a_container_leaves_none_as_it_is_asked_to_and_joins_a_network(lab, attach):
    network, container = lab.network("net"), lab.run("box", network="none")

    refused = attach(fails=True, network=network, containers=[container])
    attach(network="none", containers=[container], state="absent")
    attach(network=network, containers=[container])

    assert f"network_attach with network: none, containers: [{container}], state: absent" in refused["msg"]
    assert set(lab.inspect(container)["NetworkSettings"]["Networks"]) == {network}


def test_purge_makes_a_network_without_those_that_were_on_one_of_its_name(lab, attach):
    network = lab.network("net")
    stopped, container = lab.run("stopped", networks=[network]), lab.run("box")
    lab.engine.stop(stopped, 0)
    lab.engine.remove_network(network)

    made = attach(network=network, create={}, containers=[container], purge=True)

    assert [action["action"] for action in made["actions"]] == ["create_network", "detach", "attach"]
    assert endpoint(lab, stopped, network) is None
    assert not attach(network=network, create={}, containers=[container], purge=True)["changed"]


def test_absent_under_two_names_detaches_once(lab, attach):
    network = lab.network("net")
    container = lab.run("box", networks=[network])

    gone = attach(network=network, containers=[container, lab.inspect(container)["Id"]], state="absent")

    assert len(gone["actions"]) == 1
    assert endpoint(lab, container, network) is None


MTU = "com.docker.network.driver.mtu"
BRIDGE = "com.docker.network.bridge."


def create_raw(lab: Json, create: Json) -> None:
    options = option_strings(create.get("driver_opts"))
    lab.engine.create_network({"Name": lab.name("raw"), "Driver": create.get("driver", "bridge"), "Options": options})


def test_a_network_that_the_engine_does_not_create_is_refused_in_check_mode_too(lab, module, topology, proxy):
    for create, message in (
        ({"driver": "brigde"}, "the engine has no driver brigde (did you mean bridge?)"),
        ({"driver": "overlay"}, "an overlay needs a Swarm, and this engine is not a manager of one"),
        ({"driver_opts": {MTU: "abc"}}, f"driver_opts.{MTU}: 'abc' must be a number"),
    ):
        with pytest.raises(EngineError):
            create_raw(lab, create)
        task = {"network": lab.name("net"), "create": create, "containers": [], "docker_host": proxy.url}
        assert message in module("network_attach", task, fails=True, check=True)["msg"]
        assert message in topology({}, {"net": create}, docker_host=proxy.url, fails=True, check=True)["msg"]
    assert proxy.changing == []


@pytest.mark.parametrize(
    "create",
    [
        *({"driver": name} for name in ("host", "null", "none")),
        *({"driver_opts": {MTU: value}} for value in ("", -1, 1500.5, None, "0x10", " 1500")),
        {"driver_opts": {f"{BRIDGE}enable_icc": "yes"}},
        {"driver_opts": {f"{BRIDGE}host_binding_ipv4": "lo"}},
        {"driver_opts": {f"{BRIDGE}name": "a-name-of-16-chr"}},
    ],
)
def test_what_the_engine_refuses_of_a_network_is_no_valid_task(lab, create):
    with pytest.raises(EngineError):
        create_raw(lab, create)
    with pytest.raises(SpecError):
        parse_network("net", create, ("networks", "net"))


@pytest.mark.parametrize(
    "options", [{MTU: 1400}, {MTU: "+0"}, {f"{BRIDGE}enable_icc": "T"}, {f"{BRIDGE}name": "a-name-of-15-ch"}]
)
def test_a_driver_option_that_the_engine_takes_is_valid(lab, options):
    parsed = parse_network(lab.name("net"), {"driver_opts": options}, ("create",))
    lab.engine.create_network(parsed.to_api())
    assert parsed.differences(find_network(lab.engine, parsed.name)) == {}
