# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""connectivity on the real engine: what the state of the containers says, and the ways between them."""

from __future__ import annotations

import ipaddress
import time
import typing as t

import pytest
import yaml
from ansible_collections.linklab.docker.plugins.module_utils._errors import EngineError

Json = t.Any

SERVER = ("nc", "-ll", "-p", "80", "-e", "cat")


def make_pair(lab: Json) -> tuple[str, str, str]:
    network = lab.network("net")
    return network, lab.run("client", networks=[network]), lab.run("server", *SERVER, networks=[network])


@pytest.fixture(scope="module")
def pair(shared_lab: Json) -> tuple[str, str, str]:
    """A network, a client, and a server on port 80, which no test changes."""
    return make_pair(shared_lab)


def fix(module: Json, result: Json) -> None:
    """Run the task that a diagnosis gives."""
    (task,) = yaml.safe_load(result["diagnosis"]["task"])
    (options,) = [value for key, value in task.items() if key.startswith("linklab.docker.")]
    (name,) = [key.rpartition(".")[2] for key in task if key.startswith("linklab.docker.")]
    module(name, options)


def test_a_pair_that_is_well(pair, connectivity):
    network, client, server = pair
    result = connectivity(client, server)
    assert [one["name"] for one in result["checks"]] == ["source", "target", "path", "name", "tcp"]
    assert result["reachable"]
    assert result["path"] == f"network:{network}"
    assert len(result["attempts"]) == 1


def test_containers_that_do_not_exist(pair, connectivity):
    _network, client, server = pair
    missing = connectivity(client, f"{server[:-1]}", "target_missing", timeout=30)
    assert f"did you mean {server}" in missing["msg"]
    assert len(missing["attempts"]) == 1
    assert f"did you mean {client}" in connectivity(f"{client}2", server, "source_missing")["msg"]


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_container_that_was_never_started(side, lab, pair, connectivity):
    network, client, _server = pair
    box = lab.run("box", networks=[network], start=False)
    ends = (box, client) if side == "source" else (client, box)
    result = connectivity(*ends, f"{side}_created")
    assert ["docker", "start", box] == yaml.safe_load(result["diagnosis"]["task"])[0]["ansible.builtin.command"]["argv"]


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_container_that_has_ended(side, lab, pair, connectivity):
    network, client, _server = pair
    box = lab.run("box", "sh", "-c", "echo no disk; echo ROOT PASSWORD: hush; exit 3", networks=[network])
    lab.wait(lambda: lab.inspect(box)["State"]["Status"] == "exited")
    ends = (box, client) if side == "source" else (client, box)
    result = connectivity(*ends, f"{side}_exited")
    assert "exit code 3" in result["msg"]
    assert "no disk" in result["msg"]
    assert "hush" not in str(result)


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_container_that_is_paused(side, lab, pair, connectivity):
    network, client, server = pair
    client = lab.run("client", networks=[network]) if side == "source" else client
    server = lab.run("server", networks=[network]) if side == "target" else server
    lab.engine.post(f"/containers/{client if side == 'source' else server}/pause")
    connectivity(client, server, f"{side}_paused")


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_container_that_is_restarted_again_and_again(side, lab, pair, connectivity):
    network, client, server = pair
    # The target runs for a moment between restarts, so that either state is found, now and then. A source that runs
    # for a moment does reach the server in it.
    pause = "" if side == "source" else "sleep 0.3; "
    command = f"echo cannot read my.cnf; {pause}exit 7"
    box = lab.run("box", "sh", "-c", command, networks=[network], host={"RestartPolicy": {"Name": "always"}})
    lab.wait(lambda: lab.inspect(box)["RestartCount"] > 1)
    for _time in range(3):
        ends = (box, server) if side == "source" else (client, box)
        result = connectivity(*ends, f"{side}_restarting", timeout=0.2, interval=0.1)
        assert "cannot read my.cnf" in result["msg"]
        time.sleep(0.1)


def unhealthy(lab: Json, name: str, network: str, *command: str) -> str:
    second = 1_000_000_000
    health = {"Test": ["CMD-SHELL", "echo table is full; exit 1"], "Interval": second, "Retries": 1}
    box = lab.run(name, *command, networks=[network], Healthcheck=health)
    lab.wait(lambda: lab.inspect(box)["State"]["Health"]["Status"] == "unhealthy")
    return box


def test_a_target_that_the_engine_calls_unhealthy(lab, pair, connectivity, module):
    network, client, _server = pair
    box = unhealthy(lab, "box", network, *SERVER)
    assert "table is full" in connectivity(client, box, "target_unhealthy")["msg"]
    # It answers all the same, so it does not prove that it is isolated.
    result = module(
        "connectivity",
        {"source": client, "target": box, "port": 80, "protocol": "tcp", "expect": "unreachable"},
        fails=True,
    )
    assert result["reachable"]


def test_a_source_that_is_unhealthy_is_reported_and_does_not_matter(lab, pair, connectivity):
    network, _client, server = pair
    box = unhealthy(lab, "box", network)
    (warning,) = connectivity(box, server)["warnings"]
    assert warning == f"the engine calls {box} unhealthy. The last healthcheck: table is full"


def test_a_legacy_link_whose_target_is_stopped(lab, connectivity):
    server = lab.run("server", *SERVER)
    client = lab.run("client", links=[f"{server}:db"])
    assert connectivity(client, server, host="db")["path"] == "legacy_link"
    lab.engine.stop(server, 0)
    with pytest.raises(EngineError):
        lab.exec(client, "true")
    assert "(as db)" in connectivity(client, server, "link_target_stopped", timeout=30)["msg"]
    lab.engine.start(server)
    connectivity(client, server, host="db")


def test_a_legacy_link_whose_target_was_replaced(lab, pair, connectivity):
    server = lab.run("server", *SERVER)
    client = lab.run("client", links=[f"{server}:db"])
    lab.engine.remove_container(server, force=True)
    lab.run("server", *SERVER)
    connectivity(client, server, "link_stale", host="db", timeout=30)
    # A network with the same name does not help: the stale line of the hosts file wins.
    network = pair[0]
    lab.connect(network, server, Aliases=["db", "fresh"])
    lab.connect(network, client)
    connectivity(client, server, host="fresh")


def test_a_link_to_a_third_container_that_is_stopped_does_not_matter(lab, pair, connectivity):
    third, (network, _client, server) = lab.run("third"), pair
    client = lab.run("client", links=[third])
    lab.connect(network, client)
    lab.engine.stop(third, 0)
    # Nothing can be executed in the source now.
    assert connectivity(client, server)["probe"]["where"] == "helper"


def test_no_common_network_and_the_task_that_fixes_it(lab, pair, connectivity, module):
    one, (two, _client, server) = lab.network("one", Internal=True), pair
    client = lab.run("client", networks=[one])
    result = connectivity(client, server, "no_common_network", timeout=30)
    assert f"{client} is on {one} (internal)" in result["msg"]
    assert f"{server} is on {two}" in result["msg"]
    assert len(result["attempts"]) == 1
    fix(module, result)
    assert connectivity(client, server)["path"] == f"network:{two}"


def test_an_address_on_a_network_that_the_source_is_not_on(lab, pair, connectivity):
    (one, client, _server), two = pair, lab.network("two")
    server = lab.run("server", *SERVER, networks=[one, two])
    address = lab.inspect(server)["NetworkSettings"]["Networks"][two]["IPAddress"]
    assert two in connectivity(client, server, "no_common_network", host=address)["msg"]


def test_both_only_on_the_default_bridge(lab, connectivity):
    client, server = lab.run("client"), lab.run("server", *SERVER)
    connectivity(client, server, "default_bridge_only", timeout=30)
    # By address, and by an extra host, it is a way all the same.
    address = lab.inspect(server)["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]
    assert connectivity(client, server, host=address)["path"] == "network:bridge"
    knows = lab.run("knows", host={"ExtraHosts": [f"db:{address}"]})
    assert connectivity(knows, server, host="db")["address"] == address


@pytest.mark.parametrize("side", ["source", "target"])
def test_network_mode_none(side, lab, pair, connectivity):
    _network, client, server = pair
    box = lab.run("box", network="none")
    ends = (box, server) if side == "source" else (client, box)
    assert "network mode is none" in connectivity(*ends, f"{side}_no_network")["msg"]


def test_a_container_that_was_detached_from_all(lab, pair, connectivity, module):
    network, _client, server = pair
    client = lab.run("client", networks=[network])
    lab.engine.disconnect(network, client)
    result = connectivity(client, server, "source_no_network")
    fix(module, result)
    connectivity(client, server)


def test_network_mode_host(lab, pair, connectivity):
    network, client, server = pair
    box = lab.run("box", network="host")
    connectivity(box, server, "source_host_network")
    address = lab.inspect(server)["NetworkSettings"]["Networks"][network]["IPAddress"]
    assert connectivity(box, server, host=address)["path"] == "host"
    connectivity(client, box, "target_host_network")


def test_the_network_of_another_container(lab, pair, connectivity, module):
    network, client, server = pair
    other = lab.network("other")
    owner = lab.run("owner", networks=[other])
    guest = lab.run("guest", network=f"container:{owner}")
    result = connectivity(guest, server, "source_shares_network")
    assert f"uses that of {owner}" in result["msg"]
    connectivity(client, guest, "target_shares_network")
    fix(module, result)
    assert connectivity(guest, server)["path"] == f"network:{network}"
    # Now there is a way, but the guest has no name on it.
    assert f"Use {owner} as host" in connectivity(client, guest, "target_without_name")["msg"]
    # Two in one namespace reach each other without any network.
    lab.run("server2", "nc", "-ll", "-p", "81", "-e", "cat", network=f"container:{owner}")
    assert connectivity(guest, lab.name("server2"), host="localhost", port=81)["path"] == "shared_namespace"


def test_a_phantom_endpoint(lab, pair, connectivity, module):
    network, _client, server = pair
    client = lab.run("client")
    taken = lab.inspect(server)["NetworkSettings"]["Networks"][network]["IPAddress"]
    with pytest.raises(EngineError):
        lab.connect(network, client, IPAMConfig={"IPv4Address": taken})
    result = connectivity(client, server, "phantom_endpoint")
    assert network in result["msg"]
    fix(module, result)
    connectivity(client, server)


def test_internal_networks_lead_nowhere_outside(lab, pair, connectivity):
    inside, (outside, other, _server) = lab.network("inside", Internal=True), pair
    subnet = ipaddress.ip_network(lab.engine.network(outside)["IPAM"]["Config"][0]["Subnet"])
    gateway = str(subnet[1])
    port = {"PortBindings": {"80/tcp": [{"HostIp": gateway, "HostPort": "18080"}]}}
    server = lab.run("server", *SERVER, networks=[outside], host=port, ExposedPorts={"80/tcp": {}})
    client = lab.run("client", networks=[inside])
    connectivity(client, server, "internal_network", host=gateway, port=18080)
    assert connectivity(other, server, host=gateway, port=18080)["path"] == "published_port"
