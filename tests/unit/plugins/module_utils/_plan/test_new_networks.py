# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which networks the engine would not create: found before anything is changed."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._compose.network import NetworkSpec
from ansible_collections.linklab.docker.plugins.module_utils._model.state import Network, NetworkSupport, Subnet
from ansible_collections.linklab.docker.plugins.module_utils._plan.new_networks import (
    needs_support,
    new_network_problems,
)
from attach_model import NEW, OLD

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from ansible_collections.linklab.docker.plugins.module_utils._engine.info import EngineInfo

CREATE = NetworkSpec("net", subnets=({"subnet": "10.94.0.0/24"},))
DRIVERS = ("bridge", "host", "null", "overlay", "weave:latest")
NOT_READ = NetworkSupport()
# One pool with room for two networks.
POOLS = (("10.95.0.0/23", 24),)


def problems(
    *new: NetworkSpec, others: Sequence[Network] = (), support: NetworkSupport = NOT_READ, info: EngineInfo = OLD
) -> list[str]:
    return list(new_network_problems(new, others, support, info))


def a_network(name: str, *subnets: str, **options: str) -> Network:
    return Network(name, name, subnets=tuple(Subnet(subnet) for subnet in subnets), options=options)


def test_a_subnet_that_is_in_use_is_refused_with_its_user():
    others = [
        a_network("big", "10.0.0.0/8"),
        a_network("same", "10.94.0.0/24", "fd00::/64"),
        a_network("odd", "10.94.0.7/24", ""),
        a_network("far", "10.95.0.0/16"),
        a_network("none"),
    ]
    assert problems(CREATE, others=others) == [
        "network net: its subnet 10.94.0.0/24 overlaps that of network big, 10.0.0.0/8",
        "network net: its subnet 10.94.0.0/24 overlaps that of network same, 10.94.0.0/24",
        "network net: its subnet 10.94.0.0/24 overlaps that of network odd, 10.94.0.7/24",
    ]


def test_a_network_without_a_subnet_of_its_own_overlaps_nothing():
    assert problems(NetworkSpec("net", ipam_driver="own"), others=[a_network("all", "0.0.0.0/0")]) == []


def test_what_a_run_at_the_same_time_creates_is_the_same_network():
    name = "com.docker.network.bridge.name"
    create = replace(CREATE, driver_opts={name: "br-net"})
    assert problems(create, others=[a_network(create.name, "10.94.0.0/24", **{name: "br-net"})]) == []


def test_a_bridge_that_another_network_has_is_refused():
    name = "com.docker.network.bridge.name"
    create = NetworkSpec("net", driver_opts={name: "docker0"})
    others = [a_network("bridge", **{name: "docker0"}), a_network("other", **{name: "br-other"}), a_network("none")]
    assert problems(create, others=others) == [f"network net: network bridge has the bridge docker0 already ({name})"]


@pytest.mark.parametrize(
    "driver, manager, problem",
    [
        (None, False, None),
        ("weave", False, None),
        ("weave:latest", False, None),
        ("waeve", False, "the engine has no driver waeve (did you mean weave?); it has bridge, host, null, overlay"),
        ("overlay", True, None),
        ("overlay", False, "an overlay needs a Swarm, and this engine is not a manager of one"),
    ],
)
def test_a_driver_that_the_engine_cannot_use_is_refused(driver, manager, problem):
    found = problems(replace(CREATE, driver=driver), support=NetworkSupport(DRIVERS, manager))
    assert (found == []) if problem is None else problem in "".join(found)


def test_a_network_without_ipv4_needs_an_engine_that_knows_it():
    six = NetworkSpec("net", enable_ipv4=False, enable_ipv6=True)
    assert problems(six, info=NEW) == problems(CREATE) == []
    assert problems(six) == [
        f"network net: enable_ipv4: false needs API 1.47 (Docker Engine 27.2); this engine speaks {OLD.api_version}"
    ]


def test_where_the_drivers_were_not_read_none_is_refused():
    assert problems(replace(CREATE, driver="waeve")) == problems(replace(CREATE, driver="overlay")) == []


@pytest.mark.parametrize(
    "names, others, problem",
    [
        ("ab", [], None),
        ("abc", [], "3 new networks have no subnet of their own (a, b, c), but the engine's address pools have only 2"),
        (
            "a",
            ["10.95.0.0/23"],
            "1 new network has no subnet of its own (a), but the engine's address pools have only 0",
        ),
        ("ab", ["10.95.1.9/24"], "give 1 of them a subnet"),
    ],
)
def test_more_networks_than_the_pools_have_are_refused(names, others, problem):
    there = [a_network(subnet, subnet) for subnet in others]
    found = problems(*map(NetworkSpec, names), CREATE, others=there, support=NetworkSupport(pools=POOLS))
    assert (found == []) if problem is None else problem in "".join(found)


@pytest.mark.parametrize(
    "spec, needed",
    [
        (CREATE, False),
        (NetworkSpec("net"), True),
        (NetworkSpec("net", enable_ipv4=False), False),
        (replace(CREATE, driver="macvlan"), False),
        (NetworkSpec("net", driver="macvlan"), False),
        (replace(CREATE, driver="overlay"), True),
        (replace(CREATE, driver="weave"), True),
    ],
)
def test_the_engine_s_longest_answer_is_read_only_if_it_matters(spec, needed):
    assert needs_support([CREATE, spec]) == needed
    assert not needs_support([])
