# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Containers of a topology that share the network of another one, which is replaced or started again."""

from __future__ import annotations

import typing as t

import pytest
from topology_run import did

if t.TYPE_CHECKING:
    from topology_run import Topology


def is_beside(topology: Topology, name: str, other: str) -> bool:
    """Whether a container is in the network namespace that another one has now."""
    (end,) = topology.raw(other)["NetworkSettings"]["Networks"].values()
    return f" {end['IPAddress']}/" in topology.exec(name, "ip", "addr")[1]


SHARED = {"server": {"networks": ["front"]}, "side": {"network_mode": "container:server"}}


def test_who_shares_the_network_of_a_replaced_container_is_replaced_after_it(topology):
    topology(SHARED, ["front"])
    assert is_beside(topology, "side", "server")
    before = {name: topology.id(name) for name in SHARED}
    wanted = {**SHARED, "server": {"networks": ["front"], "environment": {"A": "1"}}}

    refused = topology(wanted, ["front"], fails=True)["msg"]
    assert f"recreate container {topology.full('side')} (recreate): it shares the network of" in refused
    assert before == {name: topology.id(name) for name in SHARED}

    planned = topology(wanted, ["front"], disruption="recreate", check=True)
    result = topology(wanted, ["front"], disruption="recreate")
    assert did(result) == ["recreate_container recreate"] * 2
    assert result["actions"] == planned["actions"]
    reason = f"it shares the network of {topology.full('server')}, which is replaced"
    assert [action["subject"] for action in result["actions"]] == [topology.full("server"), topology.full("side")]
    assert result["actions"][1]["reason"] == reason
    assert is_beside(topology, "side", "server")
    assert not topology(wanted, ["front"])["changed"]

    # Recreated by hand, which leaves the other one where nothing is.
    topology.lab.engine.remove_container(topology.full("server"), force=True)
    assert did(topology(wanted, ["front"], disruption="recreate")) == [
        "create_container none",
        "recreate_container recreate",
    ]
    assert is_beside(topology, "side", "server")
    assert not topology(wanted, ["front"])["changed"]


def test_who_shares_the_network_of_a_container_of_others_keeps_it_from_being_replaced(topology, proxy):
    topology({"server": {"networks": ["front"]}}, ["front"])
    stranger = topology.lab.run("stranger", network=f"container:{topology.full('server')}")
    wanted = {"server": {"networks": ["front"], "environment": {"A": "1"}}}
    proxy.requests.clear()
    message = topology(wanted, ["front"], disruption="recreate", docker_host=proxy.url, fails=True)["msg"]
    assert f"{stranger} shares its network" in message
    assert proxy.changing == []


@pytest.mark.parametrize("stopped", [False, True], ids=["restarted", "stopped"])
def test_who_is_left_in_the_network_of_before_a_restart_is_restarted(topology, stopped):
    topology(SHARED, ["front"])
    engine, before = topology.lab.engine, topology.id("side")
    engine.stop(topology.full("server"), 0)
    if not stopped:
        engine.start(topology.full("server"))
        assert not is_beside(topology, "side", "server")

    refused = topology(SHARED, ["front"], fails=True)["msg"]
    assert f"restart container {topology.full('side')} (recreate)" in refused

    planned = topology(SHARED, ["front"], disruption="recreate", check=True)
    result = topology(SHARED, ["front"], disruption="recreate")
    assert did(result) == [*(["start_container none"] if stopped else []), "restart_container recreate"]
    assert result["actions"] == planned["actions"]
    assert topology.id("side") == before
    assert is_beside(topology, "side", "server")
    assert not topology(SHARED, ["front"])["changed"]


def test_a_successor_that_does_not_run_leaves_no_way_back_into_a_network_that_is_gone_and_the_next_run_heals_it(
    topology,
):
    topology(SHARED, ["front"])
    broken = {
        "server": {"networks": ["front"], "environment": {"A": "1"}},
        "side": {"network_mode": "container:server", "command": "false"},
    }
    before = topology.id("side")
    message = topology(broken, ["front"], disruption="recreate", fails=True)["msg"]
    assert "its successor ended at once" in message
    assert "is back, but stopped: it shared the network of the container" in message
    assert topology.id("side") == before

    healed = {**broken, "side": {"network_mode": "container:server"}}
    assert did(topology(healed, ["front"], disruption="recreate")) == ["recreate_container recreate"]
    assert is_beside(topology, "side", "server")
    assert not topology(healed, ["front"])["changed"]
