# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""topology on the real engine: runs that are killed, and several at once."""

from __future__ import annotations

import ipaddress
import json
import subprocess
import threading
import time
import typing as t

import pytest
from ansible_collections.linklab.docker.plugins.module_utils._model.labels import TOPOLOGY_LABEL

Json = t.Any


@pytest.mark.parametrize("number", [0, 2, 4, 6])
def test_a_run_that_was_killed_anywhere_converges_in_the_next(topology, proxy, start, number):
    networks = ["front", "back"]
    wanted = {name: {"networks": ["front", "back"]} for name in ("one", "two")}
    stopped = []

    def kill(request: Json) -> None:
        if request.changes and len(proxy.changing) > number and not stopped:
            stopped.append(request)
            process.kill()

    proxy.fault = kill
    process = start("topology", topology.task(wanted, networks, docker_host=proxy.url))
    output, _errors = process.communicate(timeout=60)
    assert stopped, output
    time.sleep(0.3)
    topology(wanted, networks)
    assert not topology(wanted, networks)["changed"]
    assert topology.ends("one") == topology.ends("two") == {"front", "back"}


def killed_in_the_middle(proxy, start, task, number):
    """Start a run and kill it once it has begun more changing requests than that."""

    def kill(_request: Json) -> None:
        if len(proxy.changing) > number:
            process.kill()

    proxy.fault = kill
    process = start("topology", {**task, "docker_host": proxy.url})
    process.wait(timeout=60)
    assert process.returncode < 0
    proxy.fault = lambda _request: None


@pytest.mark.parametrize("number", [2, 5])
def test_a_run_that_was_killed_while_it_replaced_a_container_converges_in_the_next(topology, proxy, start, number):
    wanted = {"web": {"networks": ["front"], "volumes": ["/data"], "stop_grace_period": "1s"}}
    topology(wanted, ["front"])
    topology.exec("web", "sh", "-c", "echo kept > /data/file")
    wanted["web"]["environment"] = {"A": "1"}

    task = topology.task(wanted, ["front"], disruption="recreate")
    killed_in_the_middle(proxy, start, task, number)

    topology(wanted, ["front"], disruption="recreate")
    assert not topology(wanted, ["front"])["changed"]
    assert topology.exec("web", "sh", "-c", "echo $A; cat /data/file")[1] == "1\nkept\n"
    assert (
        len([one for one in topology.lab.engine.containers() if one["Names"][0][1:].startswith(topology.lab.prefix)])
        == 1
    )


def test_what_a_killed_run_left_of_many_containers_is_waited_for_once_and_told(topology, proxy, start):
    names = [f"box{number}" for number in range(8)]
    topology({name: {"volumes": ["/data"]} for name in names})
    for name in names:
        topology.exec(name, "sh", "-c", "echo kept > /data/file")
    wanted = {name: {"volumes": ["/data"], "environment": {"A": "1"}} for name in names}
    given = {"disruption": "recreate"}
    killed_in_the_middle(proxy, start, topology.task(wanted, **given), 12)
    left = [one["Names"][0] for one in topology.lab.engine.containers(name=[topology.lab.prefix])]
    assert len([name for name in left if ".linklab-" in name]) > 1

    for check in (True, False):
        began = time.monotonic()
        warnings = topology(wanted, check=check, **given)["warnings"]
        # One wait of 10 seconds for all of them, not one for each.
        assert 10 < time.monotonic() - began < 40
        (told,) = [one for one in warnings if one.startswith("waited 1")]
        assert "seconds for another run that may have been changing " in told
        assert "it gave no sign of life, so it counts as interrupted" in told

    assert not topology(wanted)["changed"]
    assert {topology.exec(name, "sh", "-c", "echo $A; cat /data/file")[1] for name in names} == {"1\nkept\n"}
    assert len(topology.lab.engine.containers(name=[topology.lab.prefix])) == len(names)


def test_a_wait_for_a_killed_run_that_took_endpoints_away_is_reported(topology, proxy, start):
    topology({"web": {"networks": {"net": {"aliases": ["kept"]}}}}, ["net"])
    address = str(ipaddress.ip_network(topology.made["net"])[9])
    wanted = {"web": {"networks": {"net": {"ipv4_address": address}}}}
    # The note is there, and the endpoint is away.
    killed_in_the_middle(proxy, start, topology.task(wanted, ["net"]), 1)
    assert topology.ends("web") == set()

    for check in (True, False):
        began = time.monotonic()
        (told,) = topology(wanted, ["net"], check=check)["warnings"]
        assert 4 < time.monotonic() - began < 15
        assert told.startswith(f"waited 5 seconds for another run that may have been changing {topology.full('web')};")

    assert not topology(wanted, ["net"])["changed"]
    assert "kept" in topology.aliases("web", "net")


def test_two_runs_at_once_converge(topology, start):
    networks = ["front", "back"]
    wanted = {
        name: {"networks": ["front", "back"], "volumes": [f"{topology.full('data')}:/data"]} for name in ("one", "two")
    }
    task = topology.task(wanted, networks)
    both = [start("topology", task) for _run in range(2)]
    results = [json.loads(one.communicate(timeout=60)[0]) for one in both]
    assert [result.get("msg") for result in results] == [None, None]
    assert not topology(wanted, networks)["changed"]


@pytest.fixture
def namesake(topology, proxy):
    """Let another run have made the network front as well, at the first request of a kind, and settle it soon."""
    threads = []

    def begin(kind: str) -> None:
        def made(request: Json) -> None:
            if request.kind == kind and not threads:
                # Without CheckDuplicate, as if it had come through the engine's check at the same moment.
                body = {"Name": topology.full("front"), "IPAM": {"Config": [{"Subnet": str(topology.subnets())}]}}
                ident = topology.lab.engine.post("/networks/create", body)["Id"]
                threads.append(threading.Timer(0.5, topology.lab.engine.clone().remove_network, [ident]))
                threads[0].start()

        proxy.fault = made

    yield begin
    for thread in threads:
        thread.join()
    assert threads


@pytest.mark.parametrize("kind", ["POST /containers/create", "POST /networks/*/connect", "POST /containers/*/start"])
def test_a_network_that_another_run_makes_at_the_same_moment(topology, proxy, namesake, kind):
    if topology.lab.engine.info.has("1.44"):
        pytest.skip("this engine has no two networks of one name")
    namesake(kind)
    wanted = {"web": {"networks": ["back", "front"]}}

    topology(wanted, ["back", "front"], docker_host=proxy.url)

    assert topology.ends("web") == {"back", "front"}
    assert not topology(wanted, ["back", "front"])["changed"]


def test_it_is_listed_with_its_label_by_the_docker_program(topology):
    topology({"web": None})
    command = [
        "docker",
        "ps",
        "--quiet",
        "--no-trunc",
        "--filter",
        f"label={TOPOLOGY_LABEL}={topology.lab.name('lab')}",
    ]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert found.stdout.split() == [topology.id("web")]
