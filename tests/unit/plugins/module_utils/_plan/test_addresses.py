# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many addresses a network has, and which of them is free."""

from __future__ import annotations

import ipaddress
from dataclasses import replace

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._compose.network import NetworkSpec
from ansible_collections.linklab.docker.plugins.module_utils._model.state import Member, Network, Subnet
from ansible_collections.linklab.docker.plugins.module_utils._plan.addresses import free_address, pools_of
from hypothesis import given
from hypothesis import strategies as st

NET = Network("a" * 64, "net")


def room(*taken: str, driver: str = "bridge", options: dict[str, str] | None = None, **subnet: object) -> int:
    there = replace(NET, driver=driver, options=options or {}, subnets=(Subnet(**subnet),))
    (pool,) = pools_of(there, None)
    return pool.room([ipaddress.ip_address(one) for one in taken])


@pytest.mark.parametrize(
    "subnet,expected",
    [
        ({"subnet": "10.94.0.0/29"}, 5),
        ({"subnet": "10.94.0.0/30"}, 1),
        ({"subnet": "10.94.0.0/24", "ip_range": "10.94.0.0/30"}, 2),
        ({"subnet": "10.94.0.0/24", "ip_range": "10.94.0.64/30"}, 3),
        ({"subnet": "10.94.0.0/24", "ip_range": "10.94.0.252/30"}, 2),
        ({"subnet": "10.94.0.0/24", "ip_range": "10.94.0.64/30", "gateway": "10.94.0.1"}, 4),
        (
            {"subnet": "10.94.0.0/24", "ip_range": "10.94.0.64/30", "gateway": "10.94.0.1", "aux": {"a": "10.94.0.65"}},
            3,
        ),
        ({"subnet": "fd00:94::/125"}, 6),
        ({"subnet": "fd00:94::/126"}, 2),
        ({"subnet": "fd00:94::/64", "ip_range": "fd00:94::10/126"}, 3),
        ({"subnet": "fd00:94::/64", "ip_range": "fd00:94::10/126", "gateway": "fd00:94::1"}, 4),
        ({"subnet": "fd00:94::/64"}, 2**64 - 2),
    ],
)
def test_a_network_has_as_many_addresses_as_the_engine_was_seen_to_give_away(subnet, expected):
    """Engine 20.10.24, container after container until it refused; the last one is what follows from the others."""
    assert room(**subnet) == expected


def test_what_is_taken_counts_once_and_only_inside_of_the_range():
    subnet = {"subnet": "10.94.0.0/24", "ip_range": "10.94.0.64/29"}
    assert room(**subnet) == 7
    assert room("10.94.0.65", "10.94.0.65", "10.94.0.64", "10.94.0.9", "fd00::1", **subnet) == 6


def test_a_gateway_that_an_engine_may_not_reserve_is_not_counted_upon():
    subnet = {"subnet": "10.94.0.0/29"}
    assert room(driver="macvlan", **subnet) == 6
    assert room(driver="macvlan", gateway="10.94.0.1", **subnet) == 5
    assert room(options={"com.docker.network.bridge.gateway_mode_ipv4": "isolated"}, **subnet) == 6


def test_a_network_to_be_made_has_the_subnets_that_are_asked_for():
    create = NetworkSpec("net", subnets=({"subnet": "10.94.0.0/24", "ip_range": "10.94.0.0/30"},))
    (pool,) = pools_of(None, create)
    assert pool.room(()) == 2
    assert pools_of(None, NetworkSpec("net")) == pools_of(None, None) == []


@given(st.sets(st.integers(0, 15)), st.sampled_from(["", "10.94.0.0/30", "10.94.0.8/29"]))
def test_a_free_address_is_nobodys_and_is_found_while_there_is_one(taken, ip_range):
    net = ipaddress.ip_network("10.94.0.0/28")
    members = {str(number): Member("box", "end", ipv4=str(net[number])) for number in taken}
    there = replace(NET, subnets=(Subnet(str(net), ip_range=ip_range),), members=members)
    (pool,) = pools_of(there, None)
    left = set(net) - set(pool.reserved) - {net[number] for number in taken}

    found = free_address(there)

    assert (found is None) == (not left)
    assert found is None or ipaddress.ip_address(found) in left
