# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""topology on the real engine: what goes away, and what of others stays."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._errors import NotFound
from ansible_collections.linklab.docker.plugins.module_utils._model.labels import TOPOLOGY_LABEL
from topology_run import did

Json = t.Any


def test_absent_removes_what_has_the_label_and_nothing_else(topology):
    named = topology.full("data")
    wanted = {"web": {"networks": ["front"], "volumes": [f"{named}:/data", "/anonymous"]}}
    topology(wanted, ["front"])
    anonymous = {mount["Name"] for mount in topology.raw("web")["Mounts"]} - {named}
    # Replaced once, so that the engine takes the anonymous volume for a named one.
    topology({"web": {**wanted["web"], "environment": {"A": "1"}}}, ["front"], disruption="recreate")
    stranger = topology.lab.run("stranger")
    labelled = topology.lab.network("labelled", Labels={TOPOLOGY_LABEL: topology.lab.name("lab")})
    foreseen = topology(state="absent", check=True)
    assert did(foreseen) == ["remove_container none", "remove_network none", "remove_network none"]

    result = topology(state="absent")
    again = topology(state="absent")

    assert result["actions"] == foreseen["actions"]
    assert result["containers"] == result["networks"] == {}
    assert not again["changed"]
    assert topology.lab.inspect(stranger)["State"]["Running"]
    with pytest.raises(NotFound):
        topology.lab.engine.network(labelled)
    assert topology.volumes() == {named}
    assert len(anonymous) == 1
    with pytest.raises(NotFound):
        topology.lab.engine.get(f"/volumes/{anonymous.pop()}")
    assert did(topology(state="absent", volumes=True)) == ["remove_volume none"]
    assert topology.volumes() == set()


def test_absent_does_not_pull_a_network_from_under_a_stranger(topology, proxy):
    topology({"web": {"networks": ["front"]}}, ["front"])
    stranger = topology.lab.run("stranger", networks=[topology.full("front")])
    result = topology(state="absent", fails=True, docker_host=proxy.url)
    assert f"{stranger} is attached to it" in result["msg"]
    assert proxy.changing == []
    topology.lab.engine.disconnect(topology.full("front"), stranger)
    assert topology(state="absent")["changed"]


def test_absent_does_not_cut_off_the_containers_of_others(topology, proxy):
    data = topology.full("data")
    topology({"web": {"volumes": [f"{data}:/data"]}, "db": None})
    linked = topology.lab.run("linked", links=[f"{topology.full('db')}:d"])
    sharing = topology.lab.run("sharing", network=f"container:{topology.full('web')}")
    user = topology.lab.run("user", host={"Binds": [f"{data}:/d"]})
    refused = topology(state="absent", volumes=True, fails=True, docker_host=proxy.url)
    assert f"container {topology.full('db')} cannot be removed: {linked} has a legacy link to it" in refused["msg"]
    assert f"container {topology.full('web')} cannot be removed: {sharing} shares its network" in refused["msg"]
    assert f"volume {data} cannot be removed: {user} uses it" in refused["msg"]
    assert proxy.changing == []
    # Purging is no other thing.
    assert "cannot be removed" in topology({"new": None}, purge=True, fails=True)["msg"]
    for one in (linked, sharing, user):
        topology.lab.engine.remove_container(one, force=True)
    assert topology(state="absent", volumes=True)["changed"]
    assert topology.volumes() == set()


def test_a_container_is_not_started_while_what_it_needs_of_others_is_stopped(topology, proxy):
    other = topology.lab.run("other")
    wanted = {"web": {"links": ["other:o"]}, "probe": {"network_mode": "container:other"}}
    topology(wanted)
    for name in (topology.full("web"), topology.full("probe"), other):
        topology.lab.engine.stop(name, 0)
    refused = topology(wanted, fails=True, docker_host=proxy.url)
    for name in ("web", "probe"):
        assert f"container {topology.full(name)} needs {other}, which does not run (exited)" in refused["msg"]
    assert proxy.changing == []
    topology.lab.engine.start(other)
    assert did(topology(wanted)) == ["start_container none"] * 2


def test_a_port_of_the_host_that_another_container_has_is_reported_before_anything_is_made(topology, proxy):
    engine = topology.lab.engine
    binding = {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]}
    stranger = topology.lab.run("stranger", host={"PortBindings": binding}, ExposedPorts={"80/tcp": {}})
    taken = topology.lab.inspect(stranger)["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"]
    web = {"web": {"ports": [f"{taken}:8080"], "networks": ["front"]}}
    said = topology(web, ["front"], docker_host=proxy.url, fails=True)["msg"]
    assert f"container {topology.full('web')}: the port {taken}/tcp of the host is published by {stranger}" in said
    assert proxy.changing == []
    # Neither another address nor another protocol is in the way, and what does not run has no port.
    topology({"web": {"ports": [f"127.0.0.2:{taken}:8080", f"{taken}:8080/udp"], "networks": ["front"]}}, ["front"])
    engine.stop(stranger, 0)
    topology(web, ["front"], disruption="recreate")


def test_purge_removes_what_is_left_over(topology):
    topology({"web": {"networks": ["front", "back"]}, "old": {"networks": ["back"]}}, ["front", "back"])
    wanted = ({"web": {"networks": ["front"]}}, ["front"])
    told = topology(*wanted)
    assert did(told) == ["detach none"]
    assert told["orphans"] == [topology.full("old")]
    foreseen = topology(*wanted, purge=True, check=True)
    result = topology(*wanted, purge=True)
    assert did(result) == ["remove_container none", "remove_network none"]
    assert foreseen["actions"] == result["actions"]
    assert not topology(*wanted, purge=True)["changed"]
