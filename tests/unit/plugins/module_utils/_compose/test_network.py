# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The desired state of a network: what is refused, what is sent, and where an existing one differs."""

from __future__ import annotations

import ipaddress
import typing as t
from dataclasses import replace

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._compose.network import (
    NETWORK_OPTIONS,
    NetworkSpec,
    option_strings,
    parse_network,
)
from ansible_collections.linklab.docker.plugins.module_utils._errors import SpecError
from ansible_collections.linklab.docker.plugins.module_utils._model.state import Network, Subnet, read_network
from hypothesis import given
from hypothesis import strategies as st

WHERE = ("networks", "net")
SUBNET = "10.94.0.0/24"


def parse(**options: t.Any) -> NetworkSpec:
    """Parse options with None for those that are not given, as Ansible hands them over."""
    return parse_network("net", {name: options.get(name) for name in NETWORK_OPTIONS}, WHERE)


def with_subnets(*subnets: dict[str, t.Any]) -> NetworkSpec:
    keys = NETWORK_OPTIONS["ipam"]["options"]["config"]["options"]
    config = [{key: subnet.get(key) for key in keys} for subnet in subnets]
    six = any(":" in subnet["subnet"] for subnet in subnets)
    return parse(ipam={"driver": None, "options": None, "config": config}, enable_ipv6=True if six else None)


def test_nothing_given_makes_a_bridge_with_the_defaults_of_the_engine():
    assert parse() == NetworkSpec("net")
    assert parse().to_api() == {"Name": "net", "Driver": "bridge"}
    assert parse().differences(Network("a" * 64, "net", "overlay", internal=True, labels={"k": "v"})) == {}


def test_everything_that_is_given_is_sent():
    spec = parse(
        driver="macvlan",
        driver_opts={"parent": "eth0", "mtu": 1400},
        ipam={
            "driver": "default",
            "options": {"k": 1},
            "config": [
                {
                    "subnet": SUBNET,
                    "gateway": "10.94.0.254",
                    "ip_range": "10.94.0.128/25",
                    "aux_addresses": {"router": "10.94.0.2"},
                },
                {"subnet": "FD00:94::/64", "gateway": "fd00:94:0::1", "ip_range": None, "aux_addresses": None},
            ],
        },
        internal=True,
        attachable=False,
        enable_ipv6=True,
        labels={"made": True, "year": 2026, "nothing": None},
    )
    assert spec.to_api() == {
        "Name": "net",
        "Driver": "macvlan",
        "Options": {"parent": "eth0", "mtu": "1400"},
        "IPAM": {
            "Driver": "default",
            "Options": {"k": "1"},
            "Config": [
                {
                    "Subnet": SUBNET,
                    "Gateway": "10.94.0.254",
                    "IPRange": "10.94.0.128/25",
                    "AuxiliaryAddresses": {"router": "10.94.0.2"},
                },
                {"Subnet": "fd00:94::/64", "Gateway": "fd00:94::1"},
            ],
        },
        "Internal": True,
        "Attachable": False,
        "EnableIPv6": True,
        "Labels": {"made": "true", "year": "2026", "nothing": ""},
    }


def test_a_driver_for_addresses_is_sent_without_subnets():
    spec = parse(ipam={"driver": "dhcp", "options": None, "config": None})
    assert spec.to_api()["IPAM"] == {"Driver": "dhcp", "Options": {}, "Config": []}


@pytest.mark.parametrize(
    "subnet, message",
    [
        ({"subnet": "10.94.0.5/24"}, "subnet: '10.94.0.5/24' cannot be used: 10.94.0.5/24 has host bits set"),
        ({"subnet": "nonsense"}, "subnet: 'nonsense' cannot be used"),
        ({"subnet": "10.94.0.0/33"}, "subnet: '10.94.0.0/33' cannot be used"),
        ({"subnet": "10.94.0.0"}, "subnet: '10.94.0.0' has no prefix; write one such as 10.5.0.0/24"),
        (
            {"subnet": SUBNET, "ip_range": "10.95.0.0/25"},
            "ip_range: 10.95.0.0/25 is not inside the subnet",
        ),
        ({"subnet": SUBNET, "ip_range": "fd00::/64"}, "ip_range: fd00::/64 is not inside the subnet"),
        ({"subnet": SUBNET, "ip_range": "10.94.0.9/25"}, "ip_range: '10.94.0.9/25' cannot be used"),
        ({"subnet": SUBNET, "gateway": "10.95.0.1"}, "gateway: 10.95.0.1 is not inside the subnet 10.94.0.0/24"),
        ({"subnet": SUBNET, "gateway": "fd00::1"}, "gateway: fd00::1 is not inside the subnet 10.94.0.0/24"),
        ({"subnet": SUBNET, "gateway": "here"}, "gateway: 'here' is not an IP address"),
        ({"subnet": SUBNET, "aux_addresses": {"r": "10.9.0.1"}}, "aux_addresses.r: 10.9.0.1 is not inside the subnet"),
        ({"subnet": SUBNET, "aux_addresses": {"r": "x"}}, "aux_addresses.r: 'x' is not an IP address"),
    ],
)
def test_a_subnet_that_makes_no_sense_is_refused(subnet, message):
    with pytest.raises(SpecError) as refusal:
        with_subnets(subnet)
    assert str(refusal.value).startswith(f"networks.net.ipam.config[0].{message}")


def test_subnets_of_one_network_must_not_overlap():
    with pytest.raises(SpecError, match=r"the subnets 10.94.0.0/16 and 10.94.1.0/24 overlap"):
        with_subnets({"subnet": "10.94.0.0/16"}, {"subnet": "fd00::/64"}, {"subnet": "10.94.1.0/24"})


def test_a_bridge_has_one_subnet_of_each_kind():
    four = [{"subnet": "10.94.0.0/24"}, {"subnet": "10.94.1.0/24"}]
    for driver in (None, "bridge"):
        with pytest.raises(SpecError, match="a bridge has one IPv4 subnet at most"):
            parse_network("net", {"driver": driver, "ipam": {"config": four}}, WHERE)
        both = {"driver": driver, "enable_ipv6": True, "ipam": {"config": [four[0], {"subnet": "fd00:94::/64"}]}}
        assert len(parse_network("net", both, WHERE).subnets or ()) == 2
    assert len(parse_network("net", {"driver": "overlay", "ipam": {"config": four}}, WHERE).subnets or ()) == 2


@st.composite
def subnets(draw):
    version = draw(st.sampled_from([4, 6]))
    bits = 32 if version == 4 else 128
    length = draw(st.integers(8, bits - 4))
    address = draw(st.ip_addresses(v=version))
    net = ipaddress.ip_network(f"{address}/{length}", strict=False)
    subnet = {"subnet": str(net)}
    inside = st.integers(1, 14).map(lambda number: str(net[number]))
    if draw(st.booleans()):
        subnet["gateway"] = draw(inside)
    if draw(st.booleans()):
        subnet["ip_range"] = str(next(net.subnets(draw(st.integers(0, 2)))))
    if draw(st.booleans()):
        subnet["aux_addresses"] = {"host": draw(inside)}
    return subnet


@given(subnets())
def test_a_network_that_was_made_as_it_is_wanted_does_not_differ(subnet):
    spec = replace(with_subnets(subnet), driver="bridge", internal=True, labels={"k": "v"}, driver_opts={"o": "p"})
    sent = spec.to_api()
    there = read_network({"Id": "a" * 64, "Scope": "local", "Containers": {}, **sent})
    assert spec.differences(there) == {}


def test_each_difference_is_reported_with_what_is_there_and_what_is_wanted():
    there = Network(
        "a" * 64,
        "net",
        subnets=(Subnet(SUBNET, "10.94.0.1"),),
        options={"mtu": "1500", "other": "x"},
        labels={"k": "v", "more": "x"},
    )
    spec = parse(
        driver="overlay",
        internal=True,
        attachable=False,
        enable_ipv6=True,
        labels={"k": "w"},
        driver_opts={"mtu": 1500},
        ipam={"driver": None, "options": None, "config": [{"subnet": SUBNET, "gateway": "10.94.0.9"}]},
    )
    assert spec.differences(there) == {
        "driver": ("bridge", "overlay"),
        "internal": (False, True),
        "enable_ipv6": (False, True),
        "labels": ({"k": "v"}, {"k": "w"}),
        "ipam": (
            [{"subnet": SUBNET, "gateway": "10.94.0.1", "ip_range": ""}],
            [{"subnet": SUBNET, "gateway": "10.94.0.9"}],
        ),
    }


def test_a_subnet_in_another_notation_is_the_same():
    """The engine keeps a subnet as it was sent, by whomever."""
    raw = {"Subnet": "fd00:0094:0::/64", "Gateway": "FD00:94::1"}
    there = read_network({"Id": "a" * 64, "Name": "net", "EnableIPv6": True, "IPAM": {"Config": [raw]}})
    assert with_subnets({"subnet": "fd00:94::/64", "gateway": "fd00:94::1"}).differences(there) == {}


@pytest.mark.parametrize(
    "given_value, strings",
    [
        (None, None),
        ({}, {}),
        (
            {"a": True, "b": False, "c": 1, "d": 1.5, "e": None, 6: "x"},
            {"a": "true", "b": "false", "c": "1", "d": "1.5", "e": "", "6": "x"},
        ),
    ],
)
def test_values_that_yaml_made_something_of_are_sent_as_strings(given_value, strings):
    assert option_strings(given_value) == strings


@pytest.mark.parametrize("given", [{}, {"enable_ipv6": None}, {"enable_ipv6": False}])
def test_an_ipv6_subnet_that_the_engine_would_ignore_is_refused(given):
    options = {"ipam": {"config": [{"subnet": SUBNET}, {"subnet": "fd00:94::/64"}]}, **given}
    with pytest.raises(SpecError, match="ignores the IPv6 subnet fd00:94::/64 without enable_ipv6: true"):
        parse_network("net", options, WHERE)
    assert parse_network("net", {**options, "enable_ipv6": True}, WHERE).enable_ipv6


@pytest.mark.parametrize("driver, name", [("host", "host"), ("null", "none"), ("none", "none")])
def test_a_driver_of_one_network_alone_is_refused(driver, name):
    with pytest.raises(
        SpecError, match=f"driver: {driver} cannot be used: the engine has one such network, {name}, and"
    ):
        parse(driver=driver)


MTU = "com.docker.network.driver.mtu"
BRIDGE = "com.docker.network.bridge."


@pytest.mark.parametrize(
    "option, good, bad, what",
    [
        (MTU, [0, 1500, "+1500"], ["abc", "", None, -1, 1500.5, " 1500", "0x10", 10**10], "a number of bytes such as"),
        (f"{BRIDGE}enable_icc", [True, False, "1", "T", "FALSE"], ["yes", "", 2, "tRUE"], "true or false"),
        (f"{BRIDGE}enable_ip_masquerade", [True], ["on"], "true or false"),
        (f"{BRIDGE}inhibit_ipv4", [True], ["on"], "true or false"),
        (f"{BRIDGE}host_binding_ipv4", ["127.0.0.1", "::1"], ["lo", "", "127.0.0.1/8"], "an IP address"),
        ("com.docker.network.host_ipv4", ["192.0.2.1"], ["eth0"], "an IP address"),
        (f"{BRIDGE}name", ["br-lab", "", "a" * 15], ["a" * 16, "a/b", "a b", ".", ".."], "the name of an interface"),
        ("parent", ["eth0", ""], [], ""),
    ],
)
def test_a_driver_option_is_what_the_engine_can_read(option, good, bad, what):
    for value in good:
        parse(driver_opts={option: value})
    for value in bad:
        with pytest.raises(SpecError, match=f"driver_opts.*{option}.*: '.*' must be {what}"):
            parse(driver_opts={option: value})
        assert parse(driver="plugin", driver_opts={option: value})


def test_an_empty_driver_is_none():
    assert parse(driver="").driver is None
